"""The noises of the Lab's rack: a file of the visitor's own, and what older addresses call them."""

from typing import ClassVar

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages.shared import cache
from tests.conftest import encode, melody
from tests.pages.lab.test_lab import _networks, images, lab
from tests.pages.visit import figures, words

__all__ = ["_networks"]  # a fixture


def own_noise(page: AppTest, samples: np.ndarray, name: str = "rain.wav") -> AppTest:
    field = next(each for each in page.file_uploader if each.key.startswith("noise-file"))
    field.set_value((name, encode(samples), "audio/wav")).run()
    assert not page.exception
    return page


class TestOwnNoise:
    OWN: ClassVar = {"example": "mountain", "time": "false", "noise": "true"}

    @pytest.fixture
    def page(self) -> AppTest:
        page = lab(**self.OWN)
        page.selectbox(key="kind").set_value("Own file").run()
        assert "until then, no noise is added" in words(page)
        return page

    def test_a_file_is_looped_and_the_file_itself_is_not_kept(self, page: AppTest) -> None:
        own_noise(page, melody(1.5, seed=4), "my *rain*.wav")
        assert "Noise from your file, 10 dB quieter than the music." in words(page)
        assert r"Looped from **my \*rain\*.wav**" in words(page)
        loop = page.session_state["experiment"].plan.strengths.noise
        assert len(loop.samples) > 30 * loop.sample_rate
        assert all(each.value is None for each in page.file_uploader)
        first = images(page)[1]
        own_noise(page, melody(1.5, seed=5))
        assert images(page)[1] != first
        page.selectbox(key="kind").set_value("Pink noise").run()
        page.selectbox(key="kind").set_value("Own file").run()
        assert "Looped from **rain.wav**" in words(page)
        page.segmented_control(key="view").set_value("Train live").run()
        page.pills(key="train_with").set_value("As set in Experiment").run()
        assert "noise from your file at a random ratio from 10 to 40 dB" in words(page)

    def test_a_file_that_is_no_noise_gets_a_sentence(self, page: AppTest) -> None:
        assert "is silent" in words(own_noise(page, np.zeros(40_000, np.float32)))
        assert "Everything is off." in words(page)
        own_noise(page, melody(3))
        own_noise(page, melody(0.5), "short.wav")
        assert "**short.wav** – The first minute of this recording has 0.50 s" in words(page)
        assert "Still in use: rain.wav." in words(page)
        assert "Noise from your file, 10 dB quieter" in words(page)

    def test_its_link_opens_with_white_noise_and_says_so(self) -> None:
        page = lab(**self.OWN, kind="Own file")
        assert page.selectbox(key="kind").value == "White noise"
        assert "White noise, 10 dB quieter" in words(page)
        assert "not part of a link" in words(page)
        page.selectbox(key="kind").set_value("Own file").run()
        assert "not part of a link" not in words(page)
        live = lab(
            **self.OWN, kind="Own file", view="Train live", train_with="As set in Experiment"
        )
        assert "white noise at a random ratio" in words(live)

    def test_no_other_visitor_gets_its_curve(self, page: AppTest) -> None:
        own_noise(page, melody(2))
        kept = sum(map(len, cache._shared))
        page.toggle(key="curve").set_value(True).run()
        assert not page.exception
        assert len(figures(page)) >= 1
        assert sum(map(len, cache._shared)) == kept


@pytest.mark.parametrize(("old", "new"), [("A crowd", "Crowd"), ("A worn record", "Vinyl crackle")])
def test_noise_of_older_addresses_is_still_chosen(old: str, new: str) -> None:
    page = lab(example="mountain", noise="true", kind=old)
    assert page.selectbox(key="kind").value == new
    assert f"{new}, 10 dB quieter than the music." in words(page)
