"""Laws of attribution: what a map marks is what counts; an untrained network marks other places."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from crnn.audio.front_end import GTZAN_FRONT_END
from crnn.audio.mel import log_mel
from crnn.explain import attribution
from crnn.explain.deletion import deletion_test, moved_masks, top_mask
from crnn.inference.classifier import Classifier
from crnn.inference.prediction import Prediction
from crnn.model.checkpoint import Checkpoint
from crnn.model.network import CRNN
from crnn.model.segments import plan_segments
from tests.conftest import melody


@pytest.fixture(scope="module")
def genre() -> Classifier:
    return Classifier(Checkpoint.load("genre"))


@pytest.fixture(scope="module")
def mel() -> Tensor:
    return log_mel(melody(12.0), GTZAN_FRONT_END)


def top(classifier: Classifier, mel: Tensor) -> str:
    return classifier.predict(mel).ranked()[0][0]


def ranks(values: Tensor) -> np.ndarray:
    return np.argsort(np.argsort(values.flatten().numpy(), kind="stable"), kind="stable").astype(
        float
    )


def correlation(a: Tensor, b: Tensor) -> float:
    """Spearman's, of two maps."""
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


class BandLevel(torch.nn.Module):
    """A network whose output is known: the first class's logit is the level of some bands."""

    def __init__(self, like: CRNN, bands: slice) -> None:
        super().__init__()
        self.config, self.bands = like.config, bands
        self.recur = self.linear = torch.nn.Identity()

    def convolve(self, segments: Tensor) -> Tensor:
        level = segments[:, 0, self.bands].mean(dim=(1, 2)) / 10
        return torch.stack([level, torch.zeros_like(level), torch.zeros_like(level)], dim=1)


def test_occlusion_finds_the_only_bands_that_count(tiny: Checkpoint, mel: Tensor) -> None:
    classifier = Classifier(tiny)
    classifier.network = BandLevel(tiny.model, slice(32, 48))  # type: ignore[assignment]
    lost = attribution.occlusion(classifier, mel + 80)  # so that silence is the lowest loudness
    assert lost.shape == (3, 8, mel.shape[1])
    assert (lost[0, 2] > 0).float().mean() > 0.95
    others = [row for row in range(8) if row != 2]
    assert lost[0, others].abs().max() < 1e-5
    assert lost[1].abs().max() < 1e-5


def test_a_comb_of_patches_measures_what_one_at_a_time_does(tiny: Checkpoint, mel: Tensor) -> None:
    """Oracle: one patch of the track silent at a time, and the fall in its segment."""
    classifier = Classifier(tiny)
    whole = mel[:, : 3 * 39]
    lost = attribution.occlusion(classifier, whole)
    segments = plan_segments(whole.shape[1], 39)
    before = classifier.logits(whole, segments) / tiny.temperature
    probs = before.softmax(dim=-1)
    for row, patch in ((0, 0), (3, 4), (7, 8)):
        silent = whole.clone()
        silent[16 * row : 16 * row + 16, 13 * patch : 13 * patch + 13] = -80
        fall = probs * (before - classifier.logits(silent, segments) / tiny.temperature)
        expected = fall[patch // 3]
        for frame in (13 * patch, 13 * patch + 12):
            assert torch.allclose(lost[:, row, frame], expected, atol=1e-5)


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
def test_grad_cams_weights_are_the_logits_slope(tiny: Checkpoint, mel: Tensor, layer: int) -> None:
    """Equation 1 by finite differences: raising a map moves the logit by its gradients' sum."""
    network = copy.deepcopy(tiny.model).double().eval()
    checkpoint = Checkpoint(
        tiny.task, tiny.labels, GTZAN_FRONT_END, 3.0, network, temperature=tiny.temperature
    )
    segment = mel[:, :39].double()

    def logit(maps: Tensor) -> float:
        x = network.convolutions[layer][3:](maps)
        for each in network.convolutions[layer + 1 :]:
            x = each(x)
        return float(network.linear(network.recur(x))[0, 1])

    with torch.no_grad():
        x = network.normalise(segment[None, None])
        for each in network.convolutions[:layer]:
            x = each(x)
        maps = network.convolutions[layer][:3](x)
        step, weights = 1e-6, []
        for channel in range(maps.shape[1]):
            up, down = maps.clone(), maps.clone()
            up[:, channel] += step
            down[:, channel] -= step
            weights.append((logit(up) - logit(down)) / (2 * step) / maps[0, channel].numel())
        probs = (network.linear(network.embed(segment[None, None])) / tiny.temperature).softmax(
            dim=-1
        )[0, 1]
        expected = probs * (torch.tensor(weights)[:, None, None] * maps[0]).sum(dim=0)
    found = attribution.grad_cam(Classifier(checkpoint), segment, "b", layer)
    assert found.shape == (128, 39)
    if layer == 0:  # nothing was pooled before it: no enlarging
        assert torch.allclose(found, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))
    else:
        small = torch.nn.functional.adaptive_avg_pool2d(found[None], expected.shape)[0]
        assert correlation(small, expected) > 0.8


def test_softening_keeps_a_constant_and_spreads_a_spot() -> None:
    assert torch.allclose(
        attribution.smooth(torch.full((128, 60), 3.0), GTZAN_FRONT_END), torch.tensor(3.0)
    )
    spot = torch.zeros(128, 60)
    spot[64, 30] = 1
    spread = attribution.smooth(spot, GTZAN_FRONT_END)
    assert spread.sum() == pytest.approx(1, abs=1e-4)
    assert spread.argmax() == spot.argmax()
    bands = torch.arange(128.0) - 64
    assert (spread.sum(dim=1) * bands**2).sum().sqrt() == pytest.approx(0.04 * 128, rel=0.05)
    assert attribution.smooth(torch.ones(128, 2), GTZAN_FRONT_END).shape == (128, 2)


def test_the_shared_network_is_left_as_it_was(genre: Classifier, mel: Tensor) -> None:
    before = genre.predict(mel).overall
    attribution.grad_cam(genre, mel, "jazz")
    attribution.occlusion(genre, mel[:, :60])
    assert all(parameter.grad is None for parameter in genre.network.parameters())
    assert (genre.predict(mel).overall == before).all()


def test_random_weights_give_another_map(genre: Classifier, mel: Tensor) -> None:
    """Adebayo et al. 2018: a map that survives random weights would show the sound alone."""
    trained, width = genre.checkpoint, genre.checkpoint.model.config.frames
    excerpt = mel[:, : 2 * width]
    label = top(genre, excerpt)
    k = trained.labels.index(label)

    def maps(classifier: Classifier, mel: Tensor) -> tuple[Tensor, Tensor]:
        return attribution.grad_cam(classifier, mel, label), attribution.occlusion(classifier, mel)[
            k
        ]

    known = maps(genre, excerpt)
    for first, again in zip(
        known, maps(genre, excerpt + 0.1), strict=True
    ):  # the same, a hair louder
        assert correlation(first, again) > 0.9
    agreement = []
    for seed in range(4):
        torch.manual_seed(seed)
        blank = CRNN(trained.model.config)
        with torch.no_grad():
            starts = range(0, width, width // 8)
            blank.train()(torch.stack([excerpt[None, :, i : i + width] for i in starts]))
        random = Classifier(replace(trained, model=blank.eval()))
        agreement.append(
            [correlation(a, b) for a, b in zip(known, maps(random, excerpt), strict=True)]
        )
    # One random network's map can lie the same way round or the other by chance.
    assert np.abs(np.mean(agreement, axis=0)).max() < 0.35


@pytest.mark.parametrize("frames", [2, 7, 38, 39, 40, 77, 200])
def test_maps_are_as_large_as_the_picture_however_short(
    tiny: Checkpoint, mel: Tensor, frames: int
) -> None:
    classifier, excerpt = Classifier(tiny), mel[:, :frames].repeat(1, 2)[:, :frames]
    cam = attribution.grad_cam(classifier, excerpt, "a")
    lost = attribution.occlusion(classifier, excerpt)
    assert cam.shape == excerpt.shape
    assert attribution.expand_patches(lost[0], 128).shape == excerpt.shape
    assert torch.isfinite(cam).all()
    assert torch.isfinite(lost).all()
    assert lost.abs().sum() > 0


def test_a_repeated_track_and_its_explanation_are_repeated(tiny: Checkpoint, mel: Tensor) -> None:
    """A track of 13 frames is repeated three times, and so is each patch's silence."""
    classifier, short = Classifier(tiny), mel[:, :13]
    lost = attribution.occlusion(classifier, short)
    silent = short.clone()
    silent[16:32, 4:8] = -80
    before, after = (classifier.predict(x).overall for x in (short, silent))
    fall = before * (np.log(before) - np.log(after))  # up to a constant for all classes
    ours = lost[:, 1, 5].numpy() / before
    assert ours - ours.mean() == pytest.approx(fall / before - (fall / before).mean(), abs=1e-4)


def test_the_brightest_fifth_is_a_fifth_even_among_equals() -> None:
    values = torch.zeros(128, 388)
    assert top_mask(values).sum() == round(0.2 * 128 * 388)
    values[5, 7] = 1
    assert top_mask(values)[5, 7]
    assert top_mask(values, 0.0).sum() == 0
    assert top_mask(values, 1.0).all()


def test_elsewhere_is_as_large_and_the_same_each_time() -> None:
    mask = top_mask(torch.rand(128, 100, generator=torch.Generator().manual_seed(1)))
    moved = moved_masks(mask)
    assert all(m.sum() == mask.sum() for m in moved)
    assert not any((m == mask).all() for m in moved)
    assert all((a == b).all() for a, b in zip(moved, moved_masks(mask), strict=True))


def test_what_is_found_counts_more_than_as_much_elsewhere(tiny: Checkpoint, mel: Tensor) -> None:
    classifier = Classifier(tiny)
    classifier.network = BandLevel(tiny.model, slice(32, 48))  # type: ignore[assignment]
    values = attribution.expand_patches(attribution.occlusion(classifier, mel + 80)[0], 128)
    found, upside_down = deletion_test(
        classifier, mel + 80, "a", {"right": values, "upside down": -values}
    )
    assert found.method == "right"
    assert found.deleted < found.control < found.before
    assert upside_down.deleted == pytest.approx(upside_down.before)


def test_the_window_is_where_the_class_is_strongest(mel: Tensor) -> None:
    starts = np.arange(0, 117.0)
    probs = np.where((starts >= 50) & (starts < 77), 0.9, 0.1)
    found = Prediction(
        "toy", ("a", "b"), np.stack([probs, 1 - probs], axis=1), starts, 3.0, np.array([0.3, 0.7])
    )
    assert attribution.best_window(found, "a", 120.0) in range(47, 51)
    assert attribution.best_window(found, "a", 29.0) == 0.0
    long = torch.zeros(128, GTZAN_FRONT_END.frames(120.0))
    excerpt, first = attribution.window(long, 118.0, GTZAN_FRONT_END)
    assert excerpt.shape == (128, 388)
    assert first == long.shape[1] - 388
    assert attribution.window(mel, 0.0, GTZAN_FRONT_END)[0].shape == mel.shape
