"""Where a training computes: the fastest device that works, and what is said where it fails."""

import contextlib
import os
import re
import warnings
from collections.abc import Iterator

from autoencoder import UserError

import torch

GPUS = {"cuda": torch.cuda, "mps": torch.backends.mps}


def choose_device(name: str) -> tuple[torch.device, str | None]:
    """The device of this name, or with "auto" the fastest that works.

    Returns
    -------
    The device; a note for the user where it is the CPU because a GPU that is there does not work.

    Raises
    ------
    UserError
        If the device of this name is missing or does not work. Also with "auto" if the GPU of one
        of several processes does not work, for all of them have to compute on the same kind.
    """
    if name == "cpu":
        return torch.device(name), None
    for kind in GPUS if name == "auto" else (name,):
        obstacle = find_obstacle(kind)
        if obstacle is None:
            return torch.device(kind), None
        if name != "auto":
            why = obstacle or "there is none here"
            raise UserError(f"--device {name}: {why}; leave the option out or say cpu")
        if obstacle and os.environ.get("WORLD_SIZE", "1") != "1":
            raise UserError(f"this process cannot use its GPU ({obstacle}): add --device cpu")
        if obstacle:
            return torch.device("cpu"), f"The GPU cannot be used ({obstacle}): training on the CPU"
    return torch.device("cpu"), None


def find_obstacle(kind: str) -> str | None:
    """Why a kind of device cannot be used: torch's reason, empty if there is none; None if it can.

    torch sees GPUs that it cannot use: the driver is too old, their memory is taken, or nothing was
    compiled for them. To compute on one tells.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if not GPUS[kind].is_available():
            return first_sentence(caught[0].message) if caught else ""
        # torchrun says which GPU is this process's; where there are too few, that is said later.
        number = int(os.environ.get("LOCAL_RANK", 0))
        try:
            if kind == "cuda" and number < torch.cuda.device_count():
                torch.cuda.set_device(number)
            square = torch.ones(8, 8, device=kind)
            (square @ square).sum().item()
        # A driver can make torch raise nearly anything.
        except Exception as error:
            return first_sentence(error)
    return None


def fastest_precision(device: torch.device) -> str:
    """bf16 where the hardware multiplies it, which is several times faster; else fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    # Older versions of torch do not tell what a processor has, and multiply slowly in bfloat16.
    tell = getattr(torch.cpu, "get_capabilities", dict)
    capabilities: dict[str, bool] = tell() if device.type == "cpu" else {}
    return "bf16" if capabilities.get("amx_bf16") or capabilities.get("avx512_bf16") else "fp32"


@contextlib.contextmanager
def computing_on(device: torch.device) -> Iterator[None]:
    """Compute on this device and no other; tell in one line where its memory runs out, or it fails.

    Raises
    ------
    UserError
    """
    sees_gpu = torch.cuda.is_available
    if device.type == "cpu":
        # Adam asks a GPU that torch sees for its stream even where it trains on the CPU.
        torch.cuda.is_available = lambda: False
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if reason := reason_to_stop(error, device):
            raise UserError(f"{reason}; --resume goes on from the last complete epoch") from error
        raise
    finally:
        torch.cuda.is_available = sees_gpu


def reason_to_stop(error: RuntimeError | MemoryError, device: torch.device) -> str | None:
    """What to tell the user about an error of the device; None for an error of ours."""
    text = str(error)
    if isinstance(error, MemoryError) or re.search("out of memory|alloc.* memory|_ALLOC_", text):
        return f"memory ran out on {device.type}: free some, or take a smaller --batch_size"
    return first_sentence(error) if re.match("CUDA|MPS|HIP", text) else None


def first_sentence(message: object) -> str:
    """What torch says first, which is the cause; its lines of source and advice are left out."""
    text = re.sub(r"\[[^]]*\.cc:\d+\] ", "", str(message).strip())
    return re.split(r"(?<!\.\w)\.\s|\n", text)[0].rstrip(".")
