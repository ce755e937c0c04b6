"""The process group that torchrun starts: which process this is, and what all of them do together.

    torchrun --nproc_per_node=2 -m training train genre --data DIR
    torchrun --nnodes=2 --nproc_per_node=8 --rdzv_backend=c10d --rdzv_endpoint=HOST:29500 \
        -m training train …

The second line, on each of two hosts, trains on both; --runs is then a folder that all hosts share.
Without torchrun a process is alone, and nothing here does anything.
"""

import atexit
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce

T = TypeVar("T")


class OtherProcessFailed(Exception):
    """Another process failed, and reports it."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process's rank among `world` processes, and the same on this host."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1

    @classmethod
    def current(cls) -> "ProcessGroup":
        """From the environment that torchrun sets."""
        if not (dist.is_available() and dist.is_torchelastic_launched()):
            return cls()
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        return cls(*(int(os.environ[name]) for name in names))

    @property
    def on_gpu(self) -> bool:
        return torch.cuda.is_available()

    def join(self) -> None:
        """Connect to the other processes. ValueError where hosts differ or have too few GPUs."""
        if self.world == 1 or dist.is_initialized():
            return
        if self.world % self.local_world:
            raise ValueError(
                f"{self.world} processes, {self.local_world} of them on this host: each host needs "
                "as many as the others; start torchrun with the same --nproc_per_node everywhere."
            )
        if self.on_gpu:
            if torch.cuda.device_count() < self.local_world:
                raise ValueError(
                    f"{self.local_world} processes on a host with {torch.cuda.device_count()} GPU: "
                    "one process a GPU is needed; start torchrun with a smaller --nproc_per_node, "
                    "or hide the GPUs with CUDA_VISIBLE_DEVICES= to train without."
                )
            torch.cuda.set_device(self.local_rank)
        # Hours, since features of a large collection may be waited for; torchrun ends processes
        # that wait for a dead one.
        dist.init_process_group("nccl" if self.on_gpu else "gloo", timeout=timedelta(hours=12))
        atexit.register(dist.destroy_process_group)

    def run_on_all(self, work: Callable[[], T]) -> T:
        """Work that every process does; where it fails in one it fails in all, so that none waits.

        The first that failed raises its error, the others OtherProcessFailed.
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
        result = self.run_on_all(lambda: work() if self.rank == 0 else None)
        return self.gather(result)[0]  # type: ignore[return-value]

    def gather(self, value: T) -> list[T]:
        """The small value that each process has, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def per_process(self, batch_size: int) -> int:
        """Examples of a batch that are this process's. ValueError where they don't divide."""
        if batch_size % self.world:
            raise ValueError(
                f"batch_size is {batch_size}, of all processes together, and does not divide among "
                f"{self.world} of them; start another number of processes, or set batch_size to a "
                f"multiple of {self.world}."
            )
        return batch_size // self.world

    def trainer_settings(self) -> dict[str, Any]:
        """Arguments of Lightning's Trainer: one device for one process, else DDP."""
        if self.world == 1:
            return {"accelerator": "auto", "devices": 1}
        return {
            "accelerator": "gpu" if self.on_gpu else "cpu",
            "devices": self.local_world,
            "num_nodes": self.world // self.local_world,
            # Batch norm's statistics are the same everywhere already (see sync_batch_norm), and
            # processes may validate different numbers of tracks.
            "strategy": DDPStrategy(forward_sync_buffers=False),
            "use_distributed_sampler": False,  # training.data.datamodule has its own
        }

    def sync_batch_norm(self, network: nn.Module) -> None:
        """Make the layers in a network normalise by all processes' batch.

        So a recipe means the same on one process or many.
        """
        if self.world == 1:
            return
        if self.on_gpu:
            nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore
            return
        for name, child in network.named_children():
            if isinstance(child, nn.BatchNorm2d):
                synced = CPUSyncBatchNorm(child.num_features, child.eps, child.momentum)
                synced.load_state_dict(child.state_dict())
                setattr(network, name, synced)
            else:
                self.sync_batch_norm(child)


class CPUSyncBatchNorm(nn.BatchNorm2d):
    """Batch norm over the batches of all processes, equally large; PyTorch's own needs GPUs.

    Shape: [B, C, M, W] -> the same.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        world, momentum = dist.get_world_size(), self.momentum or 0.0
        # Around the running mean, which all share: E[x²] − E[x]² would lose digits of decibels far
        # from 0. One exchange.
        centre = self.running_mean.clone()
        centred = x.float() - centre.view(1, -1, 1, 1)
        moments = torch.stack([centred.mean((0, 2, 3)), centred.square().mean((0, 2, 3))])
        offset, square = all_reduce(moments) / world  # type: ignore[no-untyped-call]
        variance = (square - offset.square()).clamp(min=0)
        count = world * x.numel() // x.shape[1]
        with torch.no_grad():
            self.running_mean.lerp_(centre + offset, momentum)
            self.running_var.lerp_(variance * count / (count - 1), momentum)
            self.num_batches_tracked.add_(1)
        scale = (self.weight / (variance + self.eps).sqrt()).view(1, -1, 1, 1)
        normal: Tensor = (centred - offset.view(1, -1, 1, 1)) * scale + self.bias.view(1, -1, 1, 1)
        return normal.to(x.dtype)
