"""MixStyle changes where bands lie and how far they swing, never what they do over time."""

import pytest
import torch

from training.engine.freq_mixstyle import freq_mixstyle

FLOOR = -80.0


def crops(count: int = 64) -> torch.Tensor:
    """Each of its own loudness, colour and swing, well above the floor."""
    draw = torch.Generator().manual_seed(1)
    shape = torch.randn(count, 1, 16, 39, generator=draw)
    swing = 1 + 3 * torch.rand(count, 1, 16, 1, generator=draw)
    return -40 + 10 * torch.rand(count, 1, 16, 1, generator=draw) + shape * swing


def standard(mel: torch.Tensor) -> torch.Tensor:
    return (mel - mel.mean(-1, keepdim=True)) / mel.std(-1, keepdim=True)


def mixed(mel: torch.Tensor, alpha: float = 0.4, seed: int = 0) -> torch.Tensor:
    return freq_mixstyle(mel, alpha, torch.Generator().manual_seed(seed), FLOOR)


def test_what_a_band_does_over_time_stays() -> None:
    mel = crops()
    torch.testing.assert_close(standard(mixed(mel)), standard(mel), atol=2e-3, rtol=0)


@pytest.mark.parametrize("alpha", [0.1, 0.4, 2.0])
def test_mean_and_deviation_are_one_mixture_of_two_crops(alpha: float) -> None:
    """Oracle: crop i became λ · own + (1 − λ) · other, of one λ and one other for all bands."""
    mel = crops()
    found = mixed(mel, alpha)
    statistics = torch.cat([mel.mean(-1), mel.std(-1)], dim=-1).squeeze(1)  # [B, 2M]
    after = torch.cat([found.mean(-1), found.std(-1)], dim=-1).squeeze(1)
    changed = (after - statistics).abs().amax(dim=1) > 0.02
    assert 0.2 < float(changed.float().mean()) < 0.7  # half, less those with nearly all their own
    for index in changed.nonzero().flatten().tolist():
        towards, gone = statistics - statistics[index], after[index] - statistics[index]
        lam = (towards @ gone) / towards.square().sum(dim=1).clamp(min=1e-9)
        off = (lam[:, None] * towards - gone).abs().amax(dim=1)
        off[index] = torch.inf
        assert float(off.min()) < 0.01
        assert 0 <= float(lam[off.argmin()]) <= 1


def test_alike_crops_stay_as_they_are() -> None:
    mel = crops(1).expand(8, -1, -1, -1)
    torch.testing.assert_close(mixed(mel), mel, atol=1e-4, rtol=0)


def test_silence_stays_silence_and_nothing_falls_below_it() -> None:
    mel = crops()
    mel[:, :, :4] = FLOOR
    mel[:, :, 8, 10:20] = FLOOR
    found = mixed(mel)
    assert torch.equal(found[:, :, :4], mel[:, :, :4])
    assert torch.equal(found[:, :, 8, 10:20], mel[:, :, 8, 10:20])
    assert float(found.min()) == FLOOR


def test_one_seed_one_draw() -> None:
    mel = crops()
    assert torch.equal(mixed(mel), mixed(mel))
    assert not torch.equal(mixed(mel), mixed(mel, seed=1))
