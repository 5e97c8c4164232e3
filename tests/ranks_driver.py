"""main.py on 3,000 digits, without its report, for torchrun: several trainings in turn."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import main as script
from autoencoder import ranks
from autoencoder.mnist import Digits, Split, load_mnist
from autoencoder.training import PRESETS, Training

import torch

# The presets with narrower networks; the record's looks through few places of the map.
SMALL = {
    name: replace(PRESETS[name], network={**PRESETS[name].network, **widths})
    for name, widths in (
        ("reference", {"encoder_hidden": (128, 64), "decoder_hidden": (64, 128)}),
        ("record", {"encoder_hidden": (64, 400)}),
    )
}


@cache
def few_digits(root: Path, split: Split) -> Digits:
    return load_mnist(root, split).first(3000)


def train_in_turn(command_lines: list[list[str]], weights: Path) -> None:
    """Train for each command line; each rank leaves weights in <preset>_<epochs>_<rank>.pth."""
    train, device = script.train, torch.device("cpu")
    PRESETS.update(SMALL)

    def train_and_keep(training: Training, *rest: Any) -> None:
        train(training, *rest)
        settings = training.settings
        name = f"{settings.preset}_{settings.epochs}_{ranks.rank()}.pth"
        torch.save(training.model.state_dict(), weights / name)

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
            if ranks.count() > 1:
                torch.distributed.barrier()
