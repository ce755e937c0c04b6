"""Attribution maps in sentences."""

import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.explain.deletion import Attribution, top_mask
from pages.text import attribution as text

FRAMES = 400


def attribution(deleted: float = 0.18, control: float = 0.55) -> Attribution:
    values = torch.linspace(-1, 1, 128 * FRAMES).view(FRAMES, 128).T  # grows over time
    return Attribution("Occlusion", values, top_mask(values), 0.62, deleted, control)


def test_a_map_is_judged_against_chance() -> None:
    sentence = (
        "Muting the highlighted 20% takes Metal from 62% to 18%; muting as much elsewhere leaves"
    )
    assert text.deletion(attribution(), "metal") == f"{sentence} 55%."
    assert text.deletion(attribution(0.5, 0.45), "metal").endswith("don't rely on this map.")


def test_the_location_is_in_the_tracks_time() -> None:
    seconds = FRAMES * GTZAN_FRONT_END.hop_seconds
    sentence = text.location(attribution(), GTZAN_FRONT_END, 60.0)
    end = float(sentence.split(" to ")[-1].removesuffix(" s."))
    assert 60 + 0.8 * seconds <= end <= 60 + seconds + 1


def test_agreement_is_compared_with_chance() -> None:
    one, other = attribution(), attribution()
    assert text.agreement(one, other) == "The two methods overlap by 100% (chance: 20%)."
    moved = Attribution("Grad-CAM", -one.values, top_mask(-one.values), 0.6, 0.2, 0.5)
    assert text.agreement(one, moved).endswith("they disagree here.")
    assert pytest.approx(0.2, abs=0.01) == float(one.mask.float().mean())
