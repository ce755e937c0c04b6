"""Networks that the deployer names: by environment or secrets, a repository or a folder."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from crnn.model.checkpoint import BUNDLED, Checkpoint
from pages.shared import models
from tests.fakes.hub import TOKEN, FakeHub, Files
from tests.pages.shared.conftest import REPO, ROOT, TROUBLE, genres, in_trouble, panel, start
from tests.pages.visit import choose


class TestSettings:
    def test_a_repository_named_in_the_environment_is_used_by_all(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add(REPO, other, private=True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        for page in (start(), start()):
            assert REPO in panel(page)
            choose(page, "palace")
            assert genres(page) == {"Fado", "Polka", "Rock"}
            assert not page.warning
        assert hub.fetched().count("config.json") == 1

    def test_secrets_name_one_as_well(self, hub: FakeHub, other: Files) -> None:
        hub.add(REPO, other)
        page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        page.secrets["GENRE_CHECKPOINT"] = REPO
        page.run()
        choose(page, "palace")
        assert not page.exception
        assert genres(page) == {"Fado", "Polka", "Rock"}

    def test_a_folder_too(
        self, hub: FakeHub, other: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GENRE_CHECKPOINT", str(tmp_path / "other"))
        page = start()
        choose(page, "palace")
        assert genres(page) == {"Fado", "Polka", "Rock"}

    @pytest.mark.parametrize("kind", [*TROUBLE, "missing"])
    def test_one_that_cannot_be_had_leaves_the_bundled_one_and_a_notice(
        self, hub: FakeHub, other: Files, kind: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if kind != "missing":
            in_trouble(hub, other, kind)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        page = start()
        choose(page, "palace")
        assert not page.exception
        assert len(genres(page)) == 10
        warning = page.warning[0].value.replace("\\", "")
        assert TROUBLE.get(kind, "there is no such repository") in warning
        assert "The built-in genre model is in use instead." in warning
        page.button(key="dismiss-0").click().run()
        assert not page.warning
        choose(page, "hunting")
        assert not page.warning

    def test_a_mood_checkpoint_is_no_genre_checkpoint(
        self, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GENRE_CHECKPOINT", str(BUNDLED / "mood"))
        page = start()
        choose(page, "palace")
        assert "is a checkpoint for mood, not for genre" in page.warning[0].value
        assert len(genres(page)) == 10

    def test_a_copy_fetched_earlier_is_used_with_a_notice(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add(REPO, other)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        Checkpoint.load(REPO)
        hub.down()
        page = start()
        choose(page, "palace")
        assert genres(page) == {"Fado", "Polka", "Rock"}
        assert "copy fetched earlier" in page.warning[0].value

    def test_a_hub_that_comes_back_is_asked_again_after_a_while(
        self, hub: FakeHub, other: Files, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add(REPO, other)
        monkeypatch.setenv("GENRE_CHECKPOINT", REPO)
        hub.down()
        page = start()
        choose(page, "palace")
        hub.up()
        page.run()
        assert len(genres(page)) == 10
        monkeypatch.setattr(models, "_RETRY_SECONDS", 0)
        page.run()
        assert not page.exception
        assert genres(page) == {"Fado", "Polka", "Rock"}
