"""Steps in the numbers of several networks: shapes as they are, scales as they act."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.audio.mel import log_mel
from crnn.explain.trace import Trace, loudest_power, trace
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN
from crnn.model.segments import Segments
from pages.text import stages
from tests.conftest import melody

FINE = FrontEnd(
    sample_rate=16_000, downmix="mean", n_fft=1024, hop_length=256, n_mels=64, top_db=60.0
)
# Front end, seconds of a segment, temperature, and what is unlike the bundled networks.
KINDS = {
    "bundled kind": (GTZAN_FRONT_END, 3.0, 1.3, {}),
    "paper, long, PELU": (PAPER_FRONT_END, 5.0, 1.0, {"activation": "pelu", "pooling": "avg"}),
    "both ways": (GTZAN_FRONT_END, 3.0, 0.8, {"bidirectional": True}),
    "attention": (FINE, 1.0, 1.0, {"readout": "attention", "bidirectional": True}),
    "mean": (FINE, 1.0, 1.0, {"readout": "mean"}),
}
LABELS = ("a", "b", "hiphop")


def traced(kind: str, seconds: float, level: float = 1.0) -> tuple[Trace, Checkpoint, int]:
    """The second segment, where there are several, of a track through an untrained network."""
    front_end, length, temperature, changes = KINDS[kind]
    config = ModelConfig(
        n_mels=front_end.n_mels,
        frames=front_end.frames(length),
        n_classes=3,
        pools=pool_sizes(front_end),
        channels=(4, 6, 6, 5),
        gru=8,
        **changes,
    )
    torch.manual_seed(3)
    network = CRNN(config)
    with torch.no_grad():
        network.train()(-80 * torch.rand(8, 1, config.n_mels, config.frames))
    checkpoint = Checkpoint("toy", LABELS, front_end, length, network.eval(), temperature)
    classifier = Classifier(checkpoint)
    samples = torch.from_numpy(melody(seconds, front_end.sample_rate))
    mel = log_mel(samples, front_end)
    segments = classifier.plan(mel.shape[1])
    loudest = loudest_power(mel, samples, front_end)
    number = min(1, len(segments.starts) - 1)
    return trace(samples * level, segments, number, loudest, classifier), checkpoint, mel.shape[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.5, 11.0])
def test_every_step_names_its_shape_and_its_code(kind: str, seconds: float) -> None:
    found, checkpoint, n_frames = traced(kind, seconds)
    steps = stages.stages(found, checkpoint, n_frames)
    assert len(steps) == 10
    for step in steps.values():
        assert step.title
        assert step.idea
        assert step.code.split()
        for text in (step.idea, step.formula, step.symbols, step.shape, step.code, step.caption):
            assert "$" not in text
            assert "nan" not in text
            assert "None" not in text
        assert step.formula.count("{") == step.formula.count("}")
    for name, shape in found.shapes().items():
        name = "maps" if name.startswith("map ") else "states" if name == "embedding" else name
        text = steps[name].shape.replace(r"\times", "×").replace("{,}", ",")
        assert stages.size(shape).replace(" ", "") in text.replace(" ", ""), name


def test_short_parts_between_pauses_are_several_segments() -> None:
    found, checkpoint, _ = traced("mean", 3)
    segments = Segments(starts=(0, 60), ends=(20, 80), weights=(0.5, 0.5), width=62)
    steps = stages.stages(replace(found, segments=segments), checkpoint, 80)
    text = " ".join(step.idea + step.caption + step.shape for step in steps.values())
    assert "each is repeated to fill a segment. This is segment 2 of 2." in text
    assert "only one segment" not in text


def test_the_scale_of_batch_normalisation_is_the_one_that_acts() -> None:
    found, checkpoint, n_frames = traced("bundled kind", 6)
    deviation = (found.segment - found.segment.mean()).abs().max() / (
        found.normalised - found.normalised.mean()
    ).abs().max()
    symbols = stages.stages(found, checkpoint, n_frames)["maps"].symbols
    assert f"{float(deviation):.1f} dB more become 1" in symbols


@pytest.mark.parametrize("level", [1.0, 0.0])
@pytest.mark.parametrize("kind", ["bundled kind", "attention"])
def test_every_figure_has_an_alternative_even_for_silence(kind: str, level: float) -> None:
    found, checkpoint, _ = traced(kind, 6, level)
    front_end, labels = checkpoint.front_end, checkpoint.labels
    texts = [
        stages.waveform_alt(found, front_end),
        stages.window_alt(found, front_end),
        stages.stft_alt(found, front_end),
        stages.mel_filter_bank_alt(front_end),
        stages.mel_power_alt(found),
        stages.log_mel_alt(found, front_end),
        stages.segment_in_track_alt(found, 9.0, 3.0),
        stages.hidden_states_alt(found),
        stages.logits_alt(found, labels),
        stages.probabilities_alt(found, labels),
        *(stages.feature_maps_alt(found, layer) for layer in range(5)),
    ]
    assert all(len(text) > 15 and "nan" not in text for text in texts)
    assert ("silence" in texts[1]) == (level == 0)
    assert len(stages.probabilities_alt(found, labels, 2).split(", ")) == 2
    assert "Hip-hop" in stages.logits_alt(found, labels)
    np.testing.assert_allclose(found.probabilities.sum(), 1)
