"""What the player's browser part is given."""

import io
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from crnn import viz
from crnn.audio.front_end import GTZAN_FRONT_END, band_frequencies
from crnn.inference import Timeline
from crnn.labels import GENRES, MOODS, display
from pages.shared import player
from tests.conftest import melody
from tests.pages.visit import unpacked

Mounted = dict[str, Any]


@pytest.fixture
def mounted(monkeypatch: pytest.MonkeyPatch) -> Mounted:
    """The last call's arguments; "moment" is what the browser answers."""
    calls: Mounted = {"moment": None}

    def mount(**arguments: Any) -> Mounted:
        calls.update(arguments)
        return {"moment": calls["moment"]}

    monkeypatch.setattr(player, "_mount", mount)
    return calls


def timeline(labels: tuple[str, ...]) -> Timeline:
    probabilities = np.random.default_rng(0).dirichlet(np.ones(len(labels)), 4)
    probabilities[2] = 0  # silence
    return Timeline(labels, np.array([0, 1.5, 2.25, 4, 6.0]), probabilities)


def test_probabilities_edges_and_path_arrive(mounted: Mounted) -> None:
    tasks = {"genre": timeline(GENRES), "mood": timeline(MOODS)}
    sound = player.Sound.from_samples("Song", melody(6), 22_050)
    assert player.show("p", "Song", [sound], 6.0, timelines=tasks) is None
    data = mounted["data"][0]
    for sent, given in zip(data["timelines"], tasks.values(), strict=True):
        values = unpacked(sent["values"], "<u2").reshape(given.probabilities.shape) / 65535
        assert np.abs(values - given.probabilities).max() < 1e-5
        assert unpacked(sent["edges"], "<f4") == pytest.approx(given.edges)
        assert [name for name, _ in sent["classes"]] == [display(label) for label in given.labels]
    plane = data["plane"]
    assert plane["timeline"] == 1
    points = unpacked(plane["points"], "<f4").reshape(-1, 2)
    assert points == pytest.approx(tasks["mood"].valence_arousal, abs=1e-6)
    assert sorted(k for corner in plane["corners"] for k in corner["classes"]) == list(range(5))


def test_without_moods_there_is_no_plane(mounted: Mounted) -> None:
    player.show("p", "Song", [], 6.0, timelines={"genre": timeline(GENRES)})
    assert mounted["data"][0]["plane"] is None


@pytest.mark.parametrize(("answer", "moment"), [(None, None), (2.5, 2.5), (-3, 0), (99, 6)])
def test_a_moment_lies_within_the_track(
    mounted: Mounted, answer: float | None, moment: float | None
) -> None:
    mounted["moment"] = answer
    assert player.show("p", "Song", [], 6.0) == moment


def test_a_sound_is_a_wav_of_its_samples() -> None:
    samples = melody(2)
    sound = player.Sound.from_samples("Song", samples, 22_050)
    read, rate = soundfile.read(io.BytesIO(sound.data))
    assert rate == 22_050
    assert np.abs(read - samples).max() < 1e-4
    assert len(sound.peaks) == 2 * viz.player.PEAKS_PER_SECOND


def test_the_image_has_a_column_a_frame_and_names_its_frequencies() -> None:
    front_end = GTZAN_FRONT_END
    mel = np.full((front_end.n_mels, 40), -80.0)
    mel[10, 20] = 0
    spectrogram = player.Spectrogram.from_mel(mel, front_end)
    picture = np.asarray(Image.open(io.BytesIO(spectrogram.png)).convert("L"))
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert (front_end.n_mels - 1 - row, column) == (10, 20)
    # The middle of a frame's column is the frame's time.
    width = (spectrogram.end - spectrogram.start) / picture.shape[1]
    assert spectrogram.start + 20.5 * width == pytest.approx(20 * front_end.hop_seconds)
    band = spectrogram.ticks["1k"] * front_end.n_mels - 0.5
    assert band_frequencies(front_end)[round(band)] == pytest.approx(1000, rel=0.05)


def test_a_lane_has_an_image_for_each_sound(mounted: Mounted) -> None:
    mels = [np.full((128, 40), level) for level in (-80.0, -20.0)]
    images = [player.Spectrogram.from_mel(mel, GTZAN_FRONT_END, (-80, 0)) for mel in mels]
    change = player.Spectrogram.from_mel(mels[1] - mels[0], GTZAN_FRONT_END, (-80, 80), True)
    lanes = [player.Lane(images), player.Lane([change], "Difference", 90)]
    player.show("p", "Song", [], 3.0, spectrograms=lanes)
    sent = mounted["data"][0]["spectrograms"]
    assert [(lane["title"], lane["height"], len(lane["images"])) for lane in sent] == [
        ("Mel spectrogram (Hz)", 160, 2),
        ("Difference", 90, 1),
    ]
    levels = [np.asarray(Image.open(io.BytesIO(image.png)))[0, 0] for image in (*images, change)]
    assert levels == [0, 191, 223]
