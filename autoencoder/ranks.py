"""Training in several processes that torchrun started; a process by itself is rank 0 of 1."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from autoencoder import UserError


@dataclass(frozen=True)
class Ranks:
    """This process among those that train one network together.

    Attributes
    ----------
    number, count : int
        Which one this is, and how many there are, on all machines.
    """

    number: int = 0
    count: int = 1

    def replicate(self, model: nn.Module) -> nn.Module:
        """The network, its gradients averaged over the ranks by every backward pass."""
        return DistributedDataParallel(model) if self.count > 1 else model

    def share(self, batch: Tensor) -> Tensor:
        """This rank's part of a batch."""
        return batch[self.number :: self.count]

    def total(self, value: Tensor) -> Tensor:
        """The sum over the ranks."""
        if self.count > 1:
            dist.all_reduce(value)
        return value

    def share_statistics(self, model: nn.Module) -> None:
        """Take up the first rank's batch-norm statistics: each rank has seen its own share."""
        if self.count > 1:
            for buffer in model.buffers():
                dist.broadcast(buffer, 0)

    def launcher(self) -> list[str]:
        """The first words of the command line that starts as many processes again."""
        if self.count == 1:
            return ["python"]
        words = ["torchrun", f"--nproc-per-node={os.environ['LOCAL_WORLD_SIZE']}"]
        if (machines := int(os.environ["GROUP_WORLD_SIZE"])) > 1:
            words += [f"--nnodes={machines}", "--rdzv-backend=c10d", "--rdzv-endpoint=FIRST:29500"]
        return words

    def any(self, happened: bool, device: torch.device) -> bool:
        """Whether it happened on one of the ranks."""
        if self.count == 1:
            return happened
        return self.total(torch.tensor(float(happened), device=device)).item() > 0


ALONE = Ranks()


@contextlib.contextmanager
def joined_ranks(device: torch.device) -> Iterator[Ranks]:
    """Meet the other processes, where torchrun has started any; all but the first fall silent.

    Raises
    ------
    UserError
        If there is no GPU for this process, or only one that cannot train with others.
    """
    count = int(os.environ.get("WORLD_SIZE", 1))
    if count == 1:
        yield ALONE
        return
    local = int(os.environ["LOCAL_RANK"])
    if device.type == "mps" or (device.type == "cuda" and local >= torch.cuda.device_count()):
        raise UserError(
            "several processes need an NVIDIA GPU for each: start fewer, or add --device cpu"
        )
    if device.type == "cuda":
        torch.cuda.set_device(local)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    ranks = Ranks(dist.get_rank(), count)
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere if ranks.number else sys.stdout),
    ):
        yield ranks
    dist.destroy_process_group()
