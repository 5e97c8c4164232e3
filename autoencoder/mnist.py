"""MNIST as uint8 tensors, the whole set in memory.

The four archives under ``data/MNIST/raw`` are read in memory, and what they hold is checked: what
is read is what was checked, and nothing is unpacked, written, locked or deleted. torchvision, which
takes more than a second to import, is asked only for what is missing.
"""

import gzip
import hashlib
import tempfile
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from autoencoder import UserError

Split = Literal["train", "test", "all"]

PARTS = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}
IMAGES, LABELS = "{}-images-idx3-ubyte", "{}-labels-idx1-ubyte"
# An IDX file is a magic number, the length of each dimension, four bytes each, and then its bytes.
IMAGES_HEADER, LABELS_HEADER = 16, 8

# MD5 of what the four archives unpack to.
UNPACKED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def load_mnist(root: Path, split: Split) -> tuple[Tensor, Tensor]:
    """Load the digits, downloading first what is missing.

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
        If a file is damaged, or is missing and cannot be downloaded, or cannot be read.
    """
    raw = root / "MNIST" / "raw"
    try:
        images = [read_file(raw, IMAGES.format(part)) for part in PARTS[split]]
        labels = [read_file(raw, LABELS.format(part)) for part in PARTS[split]]
    except OSError as error:
        raise UserError(f"cannot read the digits in {root}: {error}") from error
    return (
        torch.cat([as_tensor(content, IMAGES_HEADER).view(-1, 28 * 28) for content in images]),
        torch.cat([as_tensor(content, LABELS_HEADER) for content in labels]).long(),
    )


def as_tensor(content: bytes, header: int) -> Tensor:
    """The bytes behind the header of an IDX file."""
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).copy())


def read_file(raw: Path, name: str) -> bytes:
    """What one of MNIST's four files holds: from its archive, or else from its unpacked copy.

    Raises
    ------
    UserError
        If there is none and it cannot be downloaded, or there are some and each is damaged.
    """
    copies = [raw / f"{name}.gz", raw / name]
    if not any(copy.is_file() for copy in copies):
        download(raw, name)
    there = [copy for copy in copies if copy.is_file()]
    for copy in there:
        content = unpacked(copy)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() == UNPACKED[name]:
            return content
    raise UserError(f"{there[0]} is damaged: put a good copy there, from {mirrors()[0]}{name}.gz")


def unpacked(file: Path) -> bytes:
    """What a file holds, an archive unpacked; nothing where the archive is damaged."""
    content = file.read_bytes()
    try:
        return gzip.decompress(content) if file.suffix == ".gz" else content
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b""


def download(raw: Path, name: str) -> None:
    """Download an archive into its place, in one step."""
    from torchvision.datasets.utils import download_url

    archive = f"{name}.gz"
    raw.mkdir(parents=True, exist_ok=True)
    # A folder of its own for each process of a training that several have begun.
    with tempfile.TemporaryDirectory(dir=raw) as folder:
        for mirror in mirrors():
            try:
                download_url(mirror + archive, folder)
                (Path(folder) / archive).replace(raw / archive)
                return
            except (RuntimeError, OSError) as error:
                problem = error
    raise UserError(
        f"{raw / archive} is missing and could not be downloaded:"
        f" put it there, from {mirrors()[0]}{archive}"
    ) from problem


def mirrors() -> list[str]:
    """Addresses that MNIST's archives can be downloaded from."""
    from torchvision.datasets import MNIST

    return MNIST.mirrors
