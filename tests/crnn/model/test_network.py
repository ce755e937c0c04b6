"""The network's shape follows its front end; a segment's logits do not depend on the batch."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from crnn.audio.front_end import GTZAN_FRONT_END, PAPER_FRONT_END, FrontEnd
from crnn.model.config import ModelConfig, pool_sizes
from crnn.model.network import CRNN, PELU

FRONT_ENDS = [
    PAPER_FRONT_END,
    GTZAN_FRONT_END,
    replace(PAPER_FRONT_END, n_mels=64),
    replace(PAPER_FRONT_END, n_mels=256, hop_length=256),
]


def config(front_end: FrontEnd, seconds: float = 3.0, **changes: object) -> ModelConfig:
    small = {"channels": (4, 4, 4, 4), "gru": 8}
    return ModelConfig(
        n_mels=front_end.n_mels,
        frames=front_end.frames(seconds),
        n_classes=10,
        pools=pool_sizes(front_end),
        **(small | changes),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_frequency_ends_at_one_and_time_keeps_about_eight_steps_every_3_s(
    front_end: FrontEnd,
) -> None:
    bands, steps = config(front_end).output_size
    assert bands == 1
    assert 6 <= steps <= 11


@pytest.mark.parametrize("seconds", [1.0, 3.0, 5.0, 10.0])
@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["last", "mean", "attention"])
def test_one_logit_a_class(seconds: float, pooling: str, bidirectional: bool, readout: str) -> None:
    settings = config(
        GTZAN_FRONT_END, seconds, pooling=pooling, bidirectional=bidirectional, readout=readout
    )
    assert CRNN(settings).eval()(torch.zeros(2, 1, 128, settings.frames)).shape == (2, 10)


def test_default_size_is_the_papers() -> None:
    """Nasrullah & Zhao's filters; the layers behind them depend on the classes."""
    network = CRNN(config(PAPER_FRONT_END, channels=(64, 128, 128, 128)))
    shapes = [tuple(layer[0].weight.shape) for layer in network.convolutions]  # type: ignore[index]
    assert shapes == [(64, 1, 3, 3), (128, 64, 3, 3), (128, 128, 3, 3), (128, 128, 3, 3)]


def test_a_batch_is_its_items() -> None:
    torch.manual_seed(0)
    network = CRNN(config(GTZAN_FRONT_END)).eval()
    batch = -80 * torch.rand(5, 1, 128, 39)
    single = torch.cat([network(item[None]) for item in batch])
    torch.testing.assert_close(network(batch), single, atol=1e-5, rtol=1e-4)


def test_the_whole_network_learns() -> None:
    network = CRNN(config(GTZAN_FRONT_END))
    network(torch.rand(4, 1, 128, 39)).square().sum().backward()
    # A bias before batch norm has no say; everything else must get a gradient.
    silent = [
        name
        for name, weight in network.named_parameters()
        if weight.grad is None or not weight.grad.abs().sum() > 0
    ]
    assert silent == []


def test_fresh_pelu_is_elu_and_stays_smooth_at_zero() -> None:
    x = torch.linspace(-3, 3, 25).expand(1, 2, 1, 25)
    torch.testing.assert_close(PELU(2)(x), torch.nn.functional.elu(x))
    pelu = PELU(1)
    with torch.no_grad():
        pelu.log_a.fill_(0.7)
        pelu.log_b.fill_(-0.4)
    points = torch.tensor([-1e-6, 1e-6]).view(1, 1, 1, 2).requires_grad_()
    pelu(points).sum().backward()
    below, above = points.grad.flatten().tolist()  # type: ignore[union-attr]
    assert below == pytest.approx(above, rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pools": ((2, 2), (4, 2), (4, 2), (2, 2))}, "frequency must end at 1"),
        ({"pools": ((2, 4), (4, 4), (4, 4), (4, 4))}, "at least one time step"),
        ({"pools": ((2, 2), (4, 2))}, "4 convolutions need as many pools"),
        ({"pooling": "min"}, "'max' or 'avg'"),
        ({"readout": "first"}, "'last', 'mean' or 'attention'"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(config(GTZAN_FRONT_END), **changes)  # type: ignore[arg-type]


def test_bands_that_cannot_be_pooled_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="n_mels is 96"):
        pool_sizes(replace(PAPER_FRONT_END, n_mels=96))


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[B, 1, 128, 39\] is needed"):
        CRNN(config(GTZAN_FRONT_END))(torch.zeros(2, 1, 128, 40))


@pytest.mark.parametrize("pooling", ["max", "avg"])
@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("activation", ["elu", "pelu"])
def test_pooling_before_the_other_layers_changes_nothing(
    pooling: str, falling: bool, activation: str
) -> None:
    torch.manual_seed(0)
    settings = {"pooling": pooling, "activation": activation, "residual": 1}
    network = CRNN(config(GTZAN_FRONT_END, **settings)).eval()
    with torch.no_grad():
        for stage in network.convolutions:
            stage[2].running_mean.uniform_(-1, 1)
            stage[2].weight.uniform_(0.2, 2)
            stage[2].weight[0] *= -1 if falling else 1
    x = network.normalise(-80 * torch.rand(2, 1, 128, 39))
    for stage in network.convolutions:
        expected = torch.nn.Sequential(*stage)(x)
        torch.testing.assert_close(stage(x), expected)
        x = expected


@pytest.mark.parametrize("residual", [1, 4])
def test_a_residual_layer_that_adds_nothing_changes_nothing(residual: int) -> None:
    torch.manual_seed(0)
    plain = CRNN(config(GTZAN_FRONT_END)).eval()
    network = CRNN(config(GTZAN_FRONT_END, residual=residual)).eval()
    network.load_state_dict(plain.state_dict(), strict=False)
    segments = -80 * torch.rand(3, 1, 128, 39)
    assert not torch.allclose(network(segments), plain(segments))
    for layer in network.convolutions[4 - residual :]:
        torch.nn.init.zeros_(layer[3][2].weight)  # type: ignore[index]
    torch.testing.assert_close(network(segments), plain(segments))


@pytest.mark.parametrize("changes", [{}, {"residual": 2, "bidirectional": True}])
def test_multiplications_are_those_that_pytorch_counts(changes: dict[str, object]) -> None:
    settings = config(GTZAN_FRONT_END, **changes)  # type: ignore[arg-type]
    network = CRNN(settings).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 1, 128, 39))
    assert 2 * settings.multiplications == counter.get_total_flops()  # and as many additions
