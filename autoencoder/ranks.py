"""Training in several processes that torchrun started; a process by itself is rank 0 of 1."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from autoencoder import UserError
from autoencoder.device import first_sentence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def count() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def share(batch: Tensor) -> Tensor:
    """This rank's part of a batch."""
    return batch[rank() :: count()]


def replicate(model: nn.Module) -> nn.Module:
    """A module whose every backward pass averages the model's gradients over the ranks."""
    return DistributedDataParallel(model) if count() > 1 else model


def take_first_statistics(model: nn.Module) -> None:
    """Give every rank the first one's batch-norm statistics: each has seen its own digits only."""
    for buffer in model.buffers() if count() > 1 else ():
        dist.broadcast(buffer, 0)


def total(number: float, device: torch.device) -> float:
    """The sum of a number over the ranks."""
    if count() == 1:
        return number
    summed = torch.tensor(number, dtype=torch.float64, device=device)
    dist.all_reduce(summed)
    return summed.item()


def launcher() -> list[str]:
    """The first words of the command line that starts as many processes again."""
    if count() == 1:
        return ["python"]
    words = ["torchrun", f"--nproc-per-node={os.environ['LOCAL_WORLD_SIZE']}"]
    if (machines := os.environ["GROUP_WORLD_SIZE"]) != "1":
        words += [f"--nnodes={machines}", "--rdzv-backend=c10d", "--rdzv-endpoint=FIRST:29500"]
    return words


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Meet the other processes, where torchrun has started any; all but the first fall silent.

    Raises
    ------
    UserError
        If there is no GPU for this process, or only one that cannot train with others; if the
        processes cannot connect to each other, or one is gone.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield
        return
    number = int(os.environ["LOCAL_RANK"])
    if device.type == "mps" or (device.type == "cuda" and number >= torch.cuda.device_count()):
        raise UserError(
            "several processes need an NVIDIA GPU for each: start fewer, or add --device cpu"
        )
    if device.type == "cuda":
        torch.cuda.set_device(number)
    meet("nccl" if device.type == "cuda" else "gloo")
    try:
        with (
            Path(os.devnull).open("w") as nowhere,
            contextlib.redirect_stdout(nowhere if rank() else sys.stdout),
        ):
            yield
    except RuntimeError as error:
        if not re.search("gloo|NCCL", str(error)):
            raise
        raise UserError(
            f"another process is gone ({first_sentence(error)});"
            " --resume goes on from the last complete epoch"
        ) from error
    finally:
        dist.destroy_process_group()


def meet(backend: str) -> None:
    """Connect with the other processes; raises UserError if that fails."""
    try:
        dist.init_process_group(backend)
    except (RuntimeError, ValueError) as error:
        advice = ""
        if os.environ.get("GROUP_WORLD_SIZE", "1") != "1":
            # Debian's /etc/hosts says that a machine's own name is 127.0.1.1.
            advice = (
                f": set {backend.upper()}_SOCKET_IFNAME to the network interface that leads to the"
                " other machine, such as eth0"
            )
        raise UserError(
            f"the processes cannot connect to each other ({first_sentence(error)}){advice}"
        ) from error
