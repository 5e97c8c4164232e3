"""main.py on 3,000 digits, without pictures, for torchrun.

Every rank leaves its weights in $PARAMETERS.
"""

import os
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor

import main as script
from autoencoder import ranks
from autoencoder.command_line import run
from autoencoder.mnist import Split, load_mnist
from autoencoder.training import Training
from autoencoder.view import pictures


def few_digits(root: Path, split: Split) -> tuple[Tensor, Tensor]:
    images, labels = load_mnist(root, split)
    return images[:3000], labels[:3000]


def main() -> int | None:
    train = script.train

    def train_and_keep(training: Training, *words: Any) -> None:
        train(training, *words)
        file = Path(os.environ["PARAMETERS"]) / f"{ranks.rank()}.pth"
        torch.save(training.model.state_dict(), file)

    with (
        mock.patch.object(script, "load_mnist", few_digits),
        mock.patch.object(script, "train", train_and_keep),
        mock.patch.object(pictures, "save"),
    ):
        return script.main()


if __name__ == "__main__":
    run(main)
