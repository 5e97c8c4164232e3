"""MNIST as uint8 tensors, the whole set in memory.

torchvision finds the four archives under ``data/MNIST/raw``, checks their MD5 and unpacks them, or
downloads them first if they are missing. Once unpacked files are there it looks no further than
their names, so they are checked here.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import torch
from filelock import FileLock
from torch import Tensor
from torchvision.datasets import MNIST
from torchvision.datasets.utils import check_integrity

from autoencoder import UserError

Split = Literal["train", "test", "all"]

# MD5 of what the four archives unpack to.
UNPACKED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def load_mnist(root: Path, split: Split) -> tuple[Tensor, Tensor]:
    """Load the digits, unpacking or downloading them first where that is needed.

    Parameters
    ----------
    root : Path
        The folder that holds ``MNIST/raw``.
    split : {"train", "test", "all"}
        The 60,000 training digits, the 10,000 test digits, or both in this order.

    Returns
    -------
    images : (N, 784) uint8
    labels : (N,) int64 in 0..9

    Raises
    ------
    UserError
        If an archive is missing or damaged and cannot be downloaded, or a file cannot be read or
        written.
    """
    try:
        if damaged(root / "MNIST" / "raw", UNPACKED.items()):
            unpack(root)
        sets = {"train": [True], "test": [False], "all": [True, False]}[split]
        parts = [MNIST(root, train=train) for train in sets]
    except OSError as error:
        raise UserError(f"cannot read the digits in {root}: {error}") from error
    images = torch.cat([part.data for part in parts]).flatten(start_dim=1)
    labels = torch.cat([part.targets for part in parts])
    return images, labels


def damaged(raw: Path, checksums: Iterable[tuple[str, str]]) -> list[Path]:
    """The files that are missing from a folder, or are not what their MD5 says."""
    return [raw / name for name, md5 in checksums if not check_integrity(raw / name, md5)]


def unpack(root: Path) -> None:
    """Have torchvision unpack the archives anew, one process at a time."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    with FileLock(raw / ".lock"):
        for file in damaged(raw, UNPACKED.items()):
            file.unlink(missing_ok=True)
        try:
            MNIST(root, download=True)
        except (RuntimeError, OSError) as error:
            if archives := damaged(raw, MNIST.resources):
                raise UserError(
                    f"{archives[0]} is missing or damaged and could not be downloaded:"
                    f" put a good copy there, from {MNIST.mirrors[0]}{archives[0].name}"
                ) from error
            raise
