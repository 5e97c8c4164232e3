"""The explorer, whose thread is busy until a test says so: see test_window_closing.py.

BUSY tells with which of the maps that it prepares; files in the working folder tell how it goes.
"""

import itertools
import os
from pathlib import Path
from unittest import mock

import interac_decompression
from autoencoder.command_line import run
from autoencoder.mnist import Digits, load_mnist
from autoencoder.view import comparison
from autoencoder.view.latent_map import LatentMap

import torch

NUMBERS = itertools.count(1)


def prepare(latent_map: LatentMap) -> None:
    """Be inside torch nearly all the time, where no thread may be cut off."""
    if next(NUMBERS) == int(os.environ["BUSY"]):
        Path("begun").touch()
        while not Path("may end").exists():
            latent_map.decode(torch.rand(1000, 2))
        Path("ended").touch()


def fewer_digits(root: Path, _split: str) -> Digits:
    return load_mnist(root, "test")


if __name__ == "__main__":
    with (
        mock.patch.object(LatentMap, "prepare", prepare),
        mock.patch.object(comparison, "load_mnist", fewer_digits),
    ):
        run(interac_decompression.main)
