"""The stages chained are the classifier's prediction; librosa, NumPy and formulas as oracles."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import torch

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.audio.mel import log_mel
from crnn.explain import trace as stages
from crnn.inference.classifier import Classifier
from crnn.model.checkpoint import Checkpoint
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN
from tests.conftest import melody

FINE = FrontEnd(
    sample_rate=16_000, downmix="mean", n_fft=1024, hop_length=256, n_mels=64, top_db=60.0
)

# Front end, seconds of a segment, and what is unlike the bundled networks.
KINDS = {
    "bundled kind": (GTZAN_FRONT_END, 3.0, {}),
    "paper, long, PELU": (PAPER_FRONT_END, 5.0, {"activation": "pelu", "pooling": "avg"}),
    "both ways": (GTZAN_FRONT_END, 3.0, {"bidirectional": True}),
    "attention": (FINE, 1.0, {"readout": "attention", "bidirectional": True}),
    "mean": (FINE, 1.0, {"readout": "mean"}),
}


def classifier(kind: str) -> Classifier:
    front_end, seconds, changes = KINDS[kind]
    torch.manual_seed(3)
    config = ModelConfig(
        n_mels=front_end.n_mels,
        frames=front_end.frames(seconds),
        n_classes=4,
        pools=pool_sizes(front_end),
        channels=(4, 6, 6, 5),
        gru=8,
        **changes,
    )
    network = CRNN(config)
    with torch.no_grad():
        network.train()(-80 * torch.rand(8, 1, config.n_mels, config.frames))
        if config.activation == "pelu":
            for name, weight in network.named_parameters():
                if "log_" in name:
                    weight.uniform_(-0.5, 0.5)
    return Classifier(
        Checkpoint("toy", ("a", "b", "c", "d"), front_end, seconds, network.eval(), temperature=1.3)
    )


def traced(
    of: Classifier, samples: np.ndarray, number: int = 1
) -> tuple[stages.Trace, torch.Tensor]:
    """One segment's stages and the log-mel spectrogram of its track."""
    front_end = of.checkpoint.front_end
    sound = torch.from_numpy(samples)
    mel = log_mel(sound, front_end)
    segments = of.plan(mel.shape[1])
    number = number % len(segments.starts)
    loudest = stages.loudest_power(mel, sound, front_end)
    return stages.trace(sound, segments, number, loudest, of), mel


def sound(seconds: float, front_end: FrontEnd = GTZAN_FRONT_END) -> np.ndarray:
    """Louder towards the end, so that no segment but the last holds the track's loudest moment."""
    samples = melody(seconds, front_end.sample_rate)
    return np.asarray(samples * np.linspace(0.2, 1.0, len(samples), dtype=np.float32))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.5, 11.0])
def test_the_stages_chained_are_what_the_classifier_says(kind: str, seconds: float) -> None:
    of = classifier(kind)
    samples = sound(seconds, of.checkpoint.front_end)
    for number in (0, 1, -1):
        found, mel = traced(of, samples, number)
        prediction = of.predict(mel)
        torch.testing.assert_close(
            found.logits, of.logits(mel, found.segments)[found.number], atol=1e-4, rtol=1e-4
        )
        np.testing.assert_allclose(
            found.probabilities, prediction.probabilities[found.number], atol=1e-5
        )
        assert found.start == pytest.approx(prediction.starts[found.number])
        first = found.segments.starts[found.number]
        torch.testing.assert_close(
            found.db, mel[:, first : first + found.db.shape[1]], atol=1e-3, rtol=0
        )  # dB


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seconds", [0.5, 11.0])
def test_each_shape_is_its_formula(kind: str, seconds: float) -> None:
    of = classifier(kind)
    found, mel = traced(of, sound(seconds, of.checkpoint.front_end))
    front_end, config = of.checkpoint.front_end, of.network.config
    width = min(config.frames, mel.shape[1])
    shapes: dict[str, tuple[int, ...]] = {
        "samples": ((width - 1) * front_end.hop_length + front_end.n_fft,),
        "power": (front_end.n_fft // 2 + 1, width),
        "mel": (front_end.n_mels, width),
        "db": (front_end.n_mels, width),
        "segment": (1, front_end.n_mels, config.frames),
    }
    bands, steps = config.n_mels, config.frames
    for layer, (bands_joined, steps_joined) in enumerate(config.pools, start=1):
        bands, steps = bands // bands_joined, steps // steps_joined
        shapes[f"map {layer}"] = (config.channels[layer - 1], bands, steps)
    hidden = config.gru * (2 if config.bidirectional else 1)
    ends = {
        "states": (steps, hidden),
        "embedding": (hidden,),
        "logits": (4,),
        "probabilities": (4,),
    }
    assert list(found.shapes().items()) == list((shapes | ends).items())


def test_the_bundled_networks_say_the_same_of_every_segment() -> None:
    samples = sound(9)
    for name in ("genre", "mood"):
        of = Classifier(Checkpoint.load(name))
        _, mel = traced(of, samples)
        expected = of.predict(mel).probabilities
        for number, row in enumerate(expected):
            np.testing.assert_allclose(traced(of, samples, number)[0].probabilities, row, atol=1e-5)


def test_the_readout_follows_from_the_states() -> None:
    found, _ = traced(classifier("both ways"), sound(6))
    torch.testing.assert_close(
        found.embedding, torch.cat([found.states[-1, :8], found.states[0, 8:]])
    )
    found, _ = traced(classifier("mean"), sound(6, FINE))
    torch.testing.assert_close(found.embedding, found.states.mean(dim=0))
    found, _ = traced(classifier("attention"), sound(6, FINE))
    assert found.attention is not None
    assert float(found.attention.sum()) == pytest.approx(1)
    torch.testing.assert_close(
        found.embedding, (found.attention[:, None] * found.states).sum(dim=0)
    )


@pytest.mark.parametrize("front_end", [GTZAN_FRONT_END, PAPER_FRONT_END], ids=["gtzan", "paper"])
def test_spectrum_and_bands_are_what_librosa_computes(front_end: FrontEnd) -> None:
    of = classifier("bundled kind" if front_end == GTZAN_FRONT_END else "paper, long, PELU")
    samples = sound(11)
    found, _ = traced(of, samples, 2)
    first = found.segments.starts[2]
    theirs = np.abs(librosa.stft(samples, n_fft=2048, hop_length=front_end.hop_length)) ** 2
    theirs = theirs[:, first : first + found.power.shape[1]]
    np.testing.assert_allclose(found.power.numpy(), theirs, rtol=1e-3, atol=1e-5 * theirs.max())
    bank = librosa.filters.mel(
        sr=22_050, n_fft=2048, n_mels=128, htk=front_end.mel_scale == "htk", norm=front_end.norm
    )
    np.testing.assert_allclose(
        found.mel.numpy(), bank @ theirs, rtol=1e-3, atol=1e-5 * (bank @ theirs).max()
    )


def test_parseval_a_windows_energy_is_its_spectrums() -> None:
    """Σ|w·x|² = Σ|X|² / N, the one-sided spectrum's inner rows counted twice."""
    found, _ = traced(classifier("bundled kind"), sound(6))
    frame = stages.loudest_frame(found)
    samples, window = stages.windowed_frame(found, GTZAN_FRONT_END, frame)
    power = found.power[:, frame].double().numpy()
    twice = power[0] + power[-1] + 2 * power[1:-1].sum()
    assert twice / 2048 == pytest.approx(
        float(((samples * window).astype(np.float64) ** 2).sum()), rel=1e-4
    )


def test_a_segment_beyond_the_samples_is_refused() -> None:
    of, samples = classifier("bundled kind"), torch.from_numpy(sound(9))
    segments = of.plan(len(samples) // 1709 + 1)
    with pytest.raises(ValueError, match="beyond"):
        stages.trace(samples[: 5 * 22_050], segments, len(segments.starts) - 1, 1.0, of)


def test_loudness_is_the_tracks_even_where_only_its_beginning_is_kept() -> None:
    of, samples = classifier("bundled kind"), torch.from_numpy(sound(9))
    for front_end in (GTZAN_FRONT_END, replace(GTZAN_FRONT_END, reference=1.0)):
        mel = log_mel(samples, front_end)
        whole = stages.loudest_power(mel, samples, front_end)
        assert stages.loudest_power(mel, samples[: 4 * 22_050], front_end) == pytest.approx(
            whole, rel=1e-3
        )
    assert of.network.config.frames == 39


def test_watching_leaves_no_hook_behind() -> None:
    of = classifier("attention")
    traced(of, sound(6, FINE))
    assert not any(module._forward_hooks for module in of.network.modules())
