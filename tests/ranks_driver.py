"""What each of two ranks does: main.py on 3,000 digits."""

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import main as script
from autoencoder import UserError, ranks
from autoencoder.mnist import Digits, Split
from autoencoder.training import PRESETS, Training
from tests.faults import SMALL
from tests.fixtures import loaded

import torch


def few_digits(root: Path, split: Split) -> Digits:
    return loaded(root, split).first(3000)


def train_in_turn(command_lines: list[list[str]], folder: Path) -> None:
    """Train for each command line.

    Each rank leaves its weights in <preset>_<epochs>_<rank>.pth and what it prints in <rank>.out.
    """
    sys.stdout = (folder / f"{os.environ['RANK']}.out").open("w")
    train, device = script.train, torch.device("cpu")
    PRESETS.update(SMALL)

    def train_and_keep(training: Training, *rest: Any) -> None:
        train(training, *rest)
        settings = training.settings
        name = f"{settings.preset}_{settings.epochs}_{ranks.rank()}.pth"
        torch.save(training.model.state_dict(), folder / name)

    with (
        mock.patch.object(script, "load_mnist", few_digits),
        mock.patch.object(script, "train", train_and_keep),
        mock.patch.object(script, "report"),
        mock.patch.object(script, "film_training"),
        ranks.joined(device),
    ):
        for words in command_lines:
            script.run_training(script.parse_arguments(words), device)
            # The next one may resume from what the first rank has only now written.
            torch.distributed.barrier()
    sys.stdout.close()


def lose_one(words: list[str], folder: Path) -> None:
    """Train; the second rank is killed in the third epoch.

    The first leaves what it then says in <folder>/said.
    """
    # torchrun sends it when a rank is gone, and what we say may come later.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    train_epoch, device = script.train_epoch, torch.device("cpu")
    PRESETS.update(SMALL)

    def train_or_die(training: Training, *rest: Any) -> float | None:
        if training.epoch == 2 and ranks.rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return train_epoch(training, *rest)

    with (
        mock.patch.object(script, "load_mnist", few_digits),
        mock.patch.object(script, "train_epoch", train_or_die),
    ):
        try:
            with ranks.joined(device):
                script.run_training(script.parse_arguments(words), device)
        except UserError as error:
            (folder / "said").write_text(str(error))
            raise
