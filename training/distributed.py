"""Which of several processes this is, as torchrun says, and what they do together.

    torchrun --nproc_per_node=2 -m training train genre --data DIR                                  one host
    torchrun --nnodes=2 --nproc_per_node=8 --rdzv_backend=c10d --rdzv_endpoint=HOST:29500 -m training train …
                                                                                          the same on each of two hosts

--runs is a folder that all hosts share; features are shared out in parts (training/data/feature_cache.py). Started without torchrun, a process
is alone, and nothing here does anything.
"""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


class OtherProcessFailed(Exception):
    """Another process failed; it says why."""


@dataclass(frozen=True)
class ProcessGroup:
    """rank: this process among world of them; local_rank, local_world: the same on this host."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @classmethod
    def current(cls) -> "ProcessGroup":
        """What torchrun wrote into the environment."""
        if not (dist.is_available() and dist.is_torchelastic_launched()):
            return cls()
        return cls(
            *(
                int(os.environ[name])
                for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
            )
        )

    @property
    def on_gpu(self) -> bool:
        return torch.cuda.is_available()

    def join(self) -> None:
        """Meet the other processes, before anything is done together. ValueError where a host has too few GPUs."""
        if self.world == 1 or dist.is_initialized():
            return
        if self.world % self.local_world:
            raise ValueError(
                f"{self.world} processes, {self.local_world} of them on this host: every host needs as many as the others; "
                "start torchrun with the same --nproc_per_node everywhere."
            )
        if self.on_gpu:
            if torch.cuda.device_count() < self.local_world:
                raise ValueError(
                    f"{self.local_world} processes on a host with {torch.cuda.device_count()} GPU: one process a GPU is needed; "
                    "start torchrun with a smaller --nproc_per_node, or hide the GPUs with CUDA_VISIBLE_DEVICES= to train without."
                )
            torch.cuda.set_device(self.local_rank)
        # Hours, since computing the features of a large collection is waited for; torchrun stops who waits for a dead one.
        dist.init_process_group("nccl" if self.on_gpu else "gloo", timeout=timedelta(hours=12))
        atexit.register(_leave)

    def run_on_all(self, work: Callable[[], T]) -> T:
        """Work that every process does; where it fails in one it fails in all, so that none waits for another.

        The first that failed raises its error, the others ToldElsewhere.
        """
        if self.world == 1:
            return work()
        result, error = None, None
        try:
            result = work()
        except Exception as raised:
            error = raised
        failed = self.gather(error is not None and not isinstance(error, OtherProcessFailed))
        first = failed.index(True) if True in failed else None
        if error is not None and first in (None, self.rank):
            raise error
        if first is not None:
            raise OtherProcessFailed from error
        return result  # type: ignore[return-value]

    def run_on_first(self, work: Callable[[], T]) -> T:
        """Work that one process does for all, who wait for it and get its result."""
        return self.gather(self.run_on_all(lambda: work() if self.rank == 0 else None))[0]  # type: ignore[return-value]

    def gather(self, value: T) -> list[T]:
        """The value that each process has, by rank; small ones."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def share(self, size: int) -> int:
        """How many of `size` items of a batch are this process's. ValueError where they don't divide."""
        if size % self.world:
            raise ValueError(
                f"batch_size is {size}, of all processes together, and does not divide among {self.world} of them; "
                f"start another number of processes, or set batch_size to a multiple of {self.world}."
            )
        return size // self.world

    def trainer_settings(self) -> dict[str, Any]:
        """What Lightning's Trainer is told: one device where there is one process, else DistributedDataParallel."""
        if self.world == 1:
            return {"accelerator": "auto", "devices": 1}
        from pytorch_lightning.strategies import (
            DDPStrategy,
        )  # late: seconds that reading a collection need not cost

        return {
            "accelerator": "gpu" if self.on_gpu else "cpu",
            "devices": self.local_world,
            "num_nodes": self.world // self.local_world,
            # Batch norm's statistics are the same everywhere already (see share_norms), and validation's shares may differ.
            "strategy": DDPStrategy(forward_sync_buffers=False),
            "use_distributed_sampler": False,  # training.data.datamodule knows whose turn it is
        }

    def sync_batch_norm(self, network: nn.Module) -> nn.Module:
        """Let batch norms see the batch of all processes, so that a recipe means the same on one or many."""
        if self.world == 1:
            return network
        if self.on_gpu:
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-any-return, no-untyped-call]
        for name, child in network.named_children():
            if isinstance(child, nn.BatchNorm2d):
                shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
                shared.load_state_dict(child.state_dict())
                setattr(network, name, shared)
            else:
                self.sync_batch_norm(child)
        return network


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes, equally large; PyTorch's own SyncBatchNorm runs on GPUs only.

    Shape: [B, C, M, W] -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        if (
            self.running_mean is None
            or self.running_var is None
            or self.num_batches_tracked is None
        ):
            raise ValueError("a shared batch norm keeps running statistics")
        world, share = dist.get_world_size(), self.momentum or 0.0
        # Around the running mean, which all share: E[x²] − E[x]² would lose digits of decibels far from 0. One exchange.
        around = self.running_mean.clone()
        near = x.float() - around.view(1, -1, 1, 1)
        moments = torch.stack([near.mean((0, 2, 3)), near.square().mean((0, 2, 3))])
        offset, square = _Sum.apply(moments) / world  # type: ignore[no-untyped-call]
        variance = (square - offset.square()).clamp(min=0)
        count = world * x.numel() // x.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(around + offset, share)
            self.running_var.lerp_(variance * count / (count - 1), share)
            self.num_batches_tracked.add_(1)
        scale = self.weight / (variance + self.eps).sqrt()
        normal: Tensor = (near - offset.view(1, -1, 1, 1)) * scale.view(
            1, -1, 1, 1
        ) + self.bias.view(1, -1, 1, 1)
        return normal.to(x.dtype)


class _Sum(torch.autograd.Function):
    """Sum over processes; what each gets back is the sum of what all ask for."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return _summed(x)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(x: Tensor) -> Tensor:
    whole = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(whole)
    return whole


def _leave() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
