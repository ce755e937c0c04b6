"""Whatever an address says, its page opens: every parameter of every page with every value."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.pages.visit import opened

PARAMETERS = {
    "listen": ["example"],
    "lab": [
        *["example", "view", "scope", "segment", "diff", "sweep", "quiz", "seed", "masks", "fill"],
        *["time", "t", "freq", "f", "warp", "w", "noise", "kind", "snr", "projector", "order"],
        *["pitch", "semitones", "tempo", "rate", "eq", "eq_db", "reverb", "rt60", "band", "hz"],
        *[
            "gain",
            "gain_db",
            "clip",
            "clip_db",
            "codec",
            "codec_name",
            "kbit",
            "solo",
            "level",
            "answers",
            "lesson",
        ],
    ],
    "compare": ["by", "sort"],
    "how": ["example", "task", "chapter", "at", "details"],
    "results": ["section", "notes", "kind", "protocol", "example"],
    "room": ["code"],
}
SHOWN = {"compare": {"examples": ["palace", "hunting"]}}  # without tracks it has no controls
NUMBERS = ["inf", "-inf", "nan", "1e999", "-1", "0", "1" * 400, "1_0", "0x1", "١"]
VALUES = (
    st.sampled_from(["", " ", "true", "null", "\x00", "\u2028", *NUMBERS])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.floats().map(str)
)


@pytest.mark.parametrize("page", PARAMETERS)
@settings(max_examples=3, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
@example(data=None).via("an empty value for each")
def test_a_page_opens_whatever_its_address_says(page: str, data: st.DataObject | None) -> None:
    values = {name: data.draw(VALUES, name) if data else "" for name in PARAMETERS[page]}
    assert not opened(page, **values, **SHOWN.get(page, {})).exception


@pytest.mark.parametrize("address", ["seed", "quiz", "masks", "snr"])
@pytest.mark.parametrize("value", ["inf", "1" * 400])
def test_a_number_that_is_not_finite_leaves_the_default(address: str, value: str) -> None:
    more = {"view": "Quiz"} if address == "quiz" else {"noise": "true"}
    page = opened("lab", **more, **{address: value})
    assert not page.exception
    assert address not in page.query_params
