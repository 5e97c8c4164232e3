"""Encoding all digits, and the pictures of the densities from the shell.

    python -m benchmarks.density
    python -m benchmarks.density --check      # exit 1 where a bar is missed

The reference's way of encoding is written here from its description: each image through the
transform, in batches of 500.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable

from autoencoder.mnist import load_mnist
from autoencoder.model import encode_digits
from autoencoder.storage.checkpoint import load_checkpoint
from benchmarks.report import (
    CHECKPOINT,
    DATA,
    check,
    print_machine,
    print_table,
    shell,
    time_by_turns,
)

import torch
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

ENCODING_BAR, ENCODING_RATIO_BAR, ONE_BAR, ALL_BAR = 1.5, 5, 6.0, 45.0
REFERENCE, OURS = "the reference's way", "encode_digits"
ONE, ALL = "one digit", "all ten, sheet and table"


def reference_encoding() -> Callable[[], torch.Tensor]:
    model = load_checkpoint(CHECKPOINT).model
    sets = [MNIST(DATA, train=train, transform=ToTensor()) for train in (True, False)]

    def encode() -> torch.Tensor:
        latents = []
        with torch.no_grad():
            for digits in sets:
                for start in range(0, len(digits), 500):
                    batch = range(start, min(start + 500, len(digits)))
                    images = torch.stack([digits[index][0].view(-1) for index in batch])
                    latents.append(model.encode(images))
        return torch.cat(latents)

    return encode


def our_encoding() -> Callable[[], torch.Tensor]:
    model = load_checkpoint(CHECKPOINT).model
    images, _ = load_mnist(DATA, "all")
    return lambda: encode_digits(model, images)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the encoding and the density pictures.")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    arguments = parser.parse_args()
    load_mnist(DATA, "all")

    print("Encoding 70,000 digits")
    encoding = time_by_turns(
        {REFERENCE: reference_encoding(), OURS: our_encoding()}, turns=1, repeats={OURS: 5}
    )
    print_table(encoding, REFERENCE)

    print("\nFrom the shell to the pictures written")
    with tempfile.TemporaryDirectory() as folder:
        script = ("view_ml_compressed.py", "--checkpoint", str(CHECKPOINT))
        options = (*script, "--no_show", "--output", folder)
        pictures = time_by_turns(
            {ONE: shell(*options), ALL: shell(*options, "--digit", "all")},
            turns=1,
            repeats={},
            warm_up=False,
        )
    print_table(pictures, ALL)
    print_machine()

    if arguments.check:
        median = {name: statistics.median(runs) for name, runs in (encoding | pictures).items()}
        check(
            {
                f"all digits encoded in under {ENCODING_BAR} s": median[OURS] < ENCODING_BAR,
                f"encoding at least {ENCODING_RATIO_BAR} times as fast as the reference's way": (
                    median[REFERENCE] >= ENCODING_RATIO_BAR * median[OURS]
                ),
                f"one digit's picture in under {ONE_BAR} s": median[ONE] < ONE_BAR,
                f"all pictures in under {ALL_BAR} s": median[ALL] < ALL_BAR,
            }
        )


if __name__ == "__main__":
    main()
