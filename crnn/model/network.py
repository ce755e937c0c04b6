"""The convolutional recurrent network (CRNN): log-mel segments in, logits out.

The family of Choi et al. 2016 (arXiv 1609.04243) in the form of Nasrullah & Zhao 2019 (arXiv
1901.04555): the convolutions model local time-frequency patterns, the recurrent layers their
evolution over time.
"""

import torch
from torch import Tensor, nn

from crnn.model.config import ModelConfig


class PELU(nn.Module):
    """Parametric ELU (Trottier et al. 2016, eq. 3): (a/b)·x above 0, a·(exp(x/b) − 1) below.

    a, b > 0 are learned per channel.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Learned as logarithms, so that a and b stay positive.
        self.log_a = nn.Parameter(torch.zeros(channels, 1, 1))
        self.log_b = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.log_a.exp(), self.log_b.exp()
        return torch.where(x >= 0, a / b * x, a * torch.expm1(x.clamp(max=0) / b))


class Residual(nn.Sequential):
    """Layers whose output is added to their input. Shape: [B, C, M, W] -> the same."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)  # type: ignore[no-untyped-call, no-any-return]


class Stage(nn.Sequential):
    """Convolution, activation, batch norm, pooling, dropout; the residual layers before pooling."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in self if self.training else self.inference_layers():
            x = layer(x)
        return x

    def inference_layers(self) -> list[nn.Module]:
        """The layers in the order in which inference has the least to do.

        Pooling comes before activation and batch norm where that changes nothing: a maximum is
        taken through every increasing function alike.
        """
        if len(self) == 5 and isinstance(self[3], nn.MaxPool2d):
            convolution, activation, norm, pool, _ = self
            if isinstance(norm, nn.BatchNorm2d) and bool((norm.weight > 0).all()):
                return [convolution, pool, activation, norm]
        return list(self)


class CRNN(nn.Module):
    """Batch norm, four convolutions, two stacked GRUs, readout, linear."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.normalise = nn.BatchNorm2d(1)
        self.convolutions = nn.ModuleList()
        previous, plain = 1, len(config.channels) - config.residual
        for index, (channels, pool) in enumerate(zip(config.channels, config.pools, strict=True)):
            layers = self._convolution(previous, channels)
            if index >= plain:
                layers.append(Residual(*self._convolution(channels, channels)))
            layers.append(nn.MaxPool2d(pool) if config.pooling == "max" else nn.AvgPool2d(pool))
            layers.append(nn.Dropout(config.conv_dropout))
            self.convolutions.append(Stage(*layers))
            previous = channels
        self.gru = nn.GRU(
            previous,
            config.gru,
            num_layers=2,
            batch_first=True,
            dropout=config.dropout,
            bidirectional=config.bidirectional,
        )
        self.dropout = nn.Dropout(config.dropout)
        width = config.gru * (2 if config.bidirectional else 1)
        self.attention = nn.Linear(width, 1) if config.readout == "attention" else None
        self.linear = nn.Linear(width, config.n_classes)
        # About twice as fast on CPUs. Weights too: with one input channel the input's layout
        # decides nothing.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _convolution(self, inputs: int, outputs: int) -> list[nn.Module]:
        activation = nn.ELU(inplace=True) if self.config.activation == "elu" else PELU(outputs)
        convolution = nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)
        return [convolution, activation, nn.BatchNorm2d(outputs)]

    def forward(self, segments: Tensor) -> Tensor:
        """Shape: [B, 1, M, W] dB -> logits [B, K]."""
        return self.linear(self.dropout(self.embed(segments)))  # type: ignore[no-any-return]

    @property
    def embedding_size(self) -> int:
        """H: the hidden size, twice that where the GRUs run in both directions."""
        return self.linear.in_features

    def embed(self, segments: Tensor) -> Tensor:
        """Embeddings, which the linear layer reads. Shape: [B, 1, M, W] dB -> [B, H]."""
        return self.recur(self.convolve(segments))

    def convolve(self, segments: Tensor) -> Tensor:
        """The last feature maps. Shape: [B, 1, M, W] dB -> [B, C, 1, W']."""
        expected = (1, self.config.n_mels, self.config.frames)
        if tuple(segments.shape[1:]) != expected:
            raise ValueError(
                f"segments have shape {tuple(segments.shape)}; [B, "
                f"{', '.join(map(str, expected))}] is needed"
            )
        x = self.normalise(segments).contiguous(memory_format=torch.channels_last)
        for layer in self.convolutions:
            x = layer(x)  # [B, C, M', W']
        return x  # type: ignore[no-any-return]

    def recur(self, maps: Tensor) -> Tensor:
        """Run the GRUs over the last feature maps. Shape: [B, C, 1, W'] -> embeddings [B, H]."""
        sequence = maps.squeeze(2).transpose(1, 2)  # [B, W', C]
        states, _ = self.gru(sequence)  # [B, W', H] or [B, W', 2H]
        if self.attention is not None:
            weights = self.attention(states).softmax(dim=1)  # [B, W', 1], sum to 1
            return (weights * states).sum(dim=1)  # type: ignore[no-any-return]
        if self.config.readout == "mean":
            return states.mean(dim=1)  # type: ignore[no-any-return]
        if self.config.bidirectional:
            # Each direction's state after it has read the whole segment.
            half = self.config.gru
            return torch.cat([states[:, -1, :half], states[:, 0, half:]], dim=1)
        return states[:, -1]  # type: ignore[no-any-return]
