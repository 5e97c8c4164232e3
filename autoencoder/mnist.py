"""MNIST as uint8 tensors, the whole set in memory.

The four archives under ``data/MNIST/raw`` are read in memory, and what they hold is checked: what
is read is what was checked, and nothing is unpacked, written, locked or deleted. torchvision, which
takes more than a second to import, is asked only for what is missing.

Four files of the same kind that are none of MNIST's are taken as digits of the user's own.
"""

import contextlib
import gzip
import hashlib
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from autoencoder import UserError
from autoencoder.storage.files import beside_the_scripts

import numpy as np
import torch
from torch import Tensor

Split = Literal["train", "test", "all"]

PARTS = {"train": ("train",), "test": ("t10k",), "all": ("train", "t10k")}
# MD5 of what the four archives unpack to.
UNPACKED = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
# What an IDX file of bytes begins with, by its number of dimensions. Their lengths follow.
MAGIC = {1: b"\0\0\x08\x01", 3: b"\0\0\x08\x03"}
SIDE = 28
# Where the archives can be had; torchvision knows this address, and others.
ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist/"


@dataclass(frozen=True)
class Digits:
    """Handwritten digits and what they are.

    Attributes
    ----------
    images : (N, 784) uint8
    labels : (N,) int64 in 0..9
    are_mnist : bool
        Whether they are MNIST's, and not the user's own.
    """

    images: Tensor
    labels: Tensor
    are_mnist: bool = True

    @property
    def name(self) -> str:
        """What to call them in a title."""
        return "MNIST" if self.are_mnist else "your own set"

    @property
    def note(self) -> str:
        """What to tell a user whose digits are not MNIST's."""
        return f"The digits are {self.name}, {len(self.labels):,} of them here, and not MNIST's"

    def first(self, count: int | None) -> "Digits":
        """As many of them, or all."""
        return Digits(self.images[:count], self.labels[:count], self.are_mnist)

    def first_of_each(self) -> Tensor:
        """The index of the first digit of each kind that there is, ascending by kind."""
        labels = self.labels
        return torch.stack([(labels == label).nonzero()[0, 0] for label in labels.unique()])


def load_mnist(root: Path, split: Split) -> Digits:
    """Load the digits, downloading first what is missing.

    Parameters
    ----------
    root : Path
        The folder that holds ``MNIST/raw``.
    split : {"train", "test", "all"}
        The 60,000 training digits, the 10,000 test digits, or both in this order.

    Raises
    ------
    UserError
        If a file is damaged, or is missing and cannot be downloaded, or cannot be read.
    """
    raw = root / "MNIST" / "raw"
    names = [name for name in UNPACKED if name.startswith(PARTS[split])]
    try:
        contents = {name: read_mnist(raw, name) for name in names}
        are_mnist = all(contents.values()) or not are_own(raw, names)
        if not are_mnist:
            contents = {name: read_own(raw, name) for name in UNPACKED}
        for name in names:
            if not contents[name]:
                download(raw, name)
                contents[name] = read_mnist(raw, name)
    except OSError as error:
        raise UserError(f"cannot read the digits in {root}: {error}") from error
    images, labels = [], []
    for part in PARTS[split]:
        images.append(as_tensor(contents[f"{part}-images-idx3-ubyte"], 3).view(-1, SIDE**2))
        labels.append(as_tensor(contents[f"{part}-labels-idx1-ubyte"], 1).long())
        if len(images[-1]) != len(labels[-1]):
            raise UserError(
                f"{raw}: there are {len(images[-1])} pictures and {len(labels[-1])} labels in"
                f" {part}-images-idx3-ubyte and {part}-labels-idx1-ubyte"
            )
    return Digits(torch.cat(images), torch.cat(labels), are_mnist)


def default_root() -> Path:
    """``data`` in the current folder if any of the four files is there, or beside the scripts."""
    here = Path("data")
    there = any(copies(here / "MNIST" / "raw", name) for name in UNPACKED)
    return here if there else beside_the_scripts("data")


def copies(raw: Path, name: str) -> list[Path]:
    """The files that hold one of the four parts: archives first, then plain files.

    Kaggle's files have a dot in their names, or lie in folders that are named as they are.
    """
    dotted = name.replace("-idx", ".idx")
    names = [f"{name}.gz", name, f"{dotted}.gz", dotted, f"{name}/{name}", f"{dotted}/{dotted}"]
    return [raw / each for each in names if (raw / each).is_file()]


def read_mnist(raw: Path, name: str) -> bytes:
    """What the copy of one of the four files holds that is MNIST's; nothing if there is none."""
    for copy in copies(raw, name):
        if is_mnist(content := unpacked(copy), name):
            return content
    return b""


def is_mnist(content: bytes, name: str) -> bool:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == UNPACKED[name]


def are_own(raw: Path, names: list[str]) -> bool:
    """Whether the files are there and none is MNIST's, so that they are the user's own.

    Raises
    ------
    UserError
        If some of the four files are MNIST's, and one of these names is there but is not: damage.
    """
    strangers = [name for name in UNPACKED if copies(raw, name) and not read_mnist(raw, name)]
    some_are_mnist = any(copies(raw, name) for name in UNPACKED if name not in strangers)
    if some_are_mnist and (damaged := [name for name in names if name in strangers]):
        raise UserError(
            f"{copies(raw, damaged[0])[0]} is damaged: put a good copy there,"
            f" from {ADDRESS}{damaged[0]}.gz"
        )
    return bool(strangers) and not some_are_mnist


def read_own(raw: Path, name: str) -> bytes:
    """What one of four files of the user's own holds; raises UserError if it is not well-formed."""
    if not copies(raw, name):
        raise UserError(f"{raw / name} is missing: a set of your own has four files")
    first = copies(raw, name)[0]
    content = unpacked(first)
    dimensions = 3 if "images" in name else 1
    header = content[4 : 4 + 4 * dimensions]
    lengths = np.frombuffer(header[: len(header) // 4 * 4], ">u4").astype(int)
    if content[:4] != MAGIC[dimensions] or len(lengths) < dimensions:
        problem = "is no IDX file of bytes, or is damaged"
    elif dimensions == 3 and lengths[1:].tolist() != [SIDE, SIDE]:
        problem = f"holds pictures of {lengths[1]} x {lengths[2]} pixels instead of {SIDE} x {SIDE}"
    elif len(content) != 4 + 4 * dimensions + lengths.prod() or not lengths[0]:
        problem = "holds fewer or more bytes than it says, or none"
    elif dimensions == 1 and max(content[8:]) > 9:
        problem = "holds labels other than 0 to 9"
    else:
        return content
    raise UserError(f"{first} {problem}")


def as_tensor(content: bytes, dimensions: int) -> Tensor:
    """The bytes behind the header of an IDX file."""
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).copy())


def unpacked(file: Path) -> bytes:
    """What a file holds, an archive unpacked; nothing if the archive is damaged."""
    content = file.read_bytes()
    try:
        return gzip.decompress(content) if file.suffix == ".gz" else content
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b""


def download(raw: Path, name: str) -> None:
    """Download an archive to where it belongs, in one step; raises UserError if that fails."""
    archive = f"{name}.gz"
    raw.mkdir(parents=True, exist_ok=True)
    failed = f"{raw / archive} is missing and could not be downloaded"
    get_it = f"put it there, from {ADDRESS}{archive}"
    # This import takes a second, so it comes after what may fail at once.
    try:
        from torchvision.datasets import MNIST
        from torchvision.datasets.utils import download_url
    # One that was built for another version of torch raises whatever it stumbles over.
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        why = "torchvision is missing, or does not fit torch"
        raise UserError(f"{failed} ({why}): {get_it}, or pip install torchvision") from error

    # Each process of a training that several have begun downloads to a folder of its own.
    with tempfile.TemporaryDirectory(dir=raw) as folder:
        for mirror in MNIST.mirrors:
            with contextlib.suppress(RuntimeError, OSError):
                download_url(mirror + archive, folder)
                if is_mnist(unpacked(Path(folder) / archive), name):
                    (Path(folder) / archive).replace(raw / archive)
                    return
    raise UserError(f"{failed}: {get_it}")
