"""Encoding all digits, and the pictures of the densities from the shell.

    python -m benchmarks.density
    python -m benchmarks.density --check      # exit 1 where a bar is missed

The reference's way of encoding is written here from its description: each image through the
transform, in batches of 500.
"""

import tempfile
from collections.abc import Callable

from autoencoder.mnist import load_mnist
from autoencoder.model import encode_digits
from autoencoder.storage.checkpoint import load_checkpoint
from benchmarks.reference import DigitByDigit
from benchmarks.report import (
    CHECKPOINT,
    DATA,
    IMPORTS,
    bests,
    check,
    imports,
    parse_arguments,
    print_machine,
    print_table,
    shell,
    time_by_turns,
)

import torch

ENCODING_BAR, ONE_BAR, ALL_BAR = 2, 2.2, 7
REFERENCE, OURS = "the reference's way", "encode_digits"
ONE, ALL = "one digit", "all ten, sheet and table"


def reference_encoding() -> Callable[[], torch.Tensor]:
    model = load_checkpoint(CHECKPOINT).model
    digits = DigitByDigit("all")

    def encode() -> torch.Tensor:
        latents = []
        with torch.no_grad():
            for start in range(0, len(digits), 500):
                batch = range(start, min(start + 500, len(digits)))
                images = torch.stack([digits[index][0].view(-1) for index in batch])
                latents.append(model.encode(images))
        return torch.cat(latents)

    return encode


def our_encoding() -> Callable[[], torch.Tensor]:
    model = load_checkpoint(CHECKPOINT).model
    images = load_mnist(DATA, "all").images
    return lambda: encode_digits(model, images)


def main() -> None:
    arguments = parse_arguments("Time the encoding and the density pictures.")
    print("Encoding 70,000 digits")
    encoding = time_by_turns(
        {REFERENCE: reference_encoding(), OURS: our_encoding()},
        turns=1,
        repeats={OURS: 5},
        warm_up=False,
    )
    print_table(encoding, REFERENCE)

    print("\nFrom the shell to the pictures written")
    with tempfile.TemporaryDirectory() as folder:
        script = ("view_ml_compressed.py", "--checkpoint", str(CHECKPOINT))
        options = (*script, "--no_show", "--output", folder)
        pictures = time_by_turns(
            {
                IMPORTS: imports(),
                ONE: shell(*options),
                ALL: shell(*options, "--digit", "all"),
            },
            turns=2,
            repeats={},
            warm_up=False,
        )
    print_table(pictures, IMPORTS)
    print_machine()

    if arguments.check:
        best = bests(encoding | pictures)
        check(
            {
                f"encoding at least {ENCODING_BAR} times as fast as the reference's way": (
                    best[REFERENCE] >= ENCODING_BAR * best[OURS]
                ),
                f"one digit's picture in at most {ONE_BAR} times the time of the imports": (
                    best[ONE] <= ONE_BAR * best[IMPORTS]
                ),
                f"all pictures in at most {ALL_BAR} times the time of the imports": (
                    best[ALL] <= ALL_BAR * best[IMPORTS]
                ),
            }
        )


if __name__ == "__main__":
    main()
