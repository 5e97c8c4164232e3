"""One epoch of training: the reference's way, ours, and the matrix products alone.

    python -m benchmarks.training
    python -m benchmarks.training --check      # exit 1 where a bar is missed

The reference's way is written here from its description: a DataLoader with four workers over
MNIST and its transform, float32, Adam with weight decay, the loss read after every batch.
"""

import warnings
from collections.abc import Callable

from autoencoder.mnist import load_mnist
from autoencoder.model import AutoEncoder
from autoencoder.training import Settings, Training, fastest_precision
from benchmarks.reference import DigitByDigit
from benchmarks.report import (
    DATA,
    bests,
    check,
    medians,
    parse_check,
    print_machine,
    print_table,
    time_by_turns,
)
from main import train_epoch

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

BATCH = 1024
DIGITS = 60_000
# The speed of the loop as a part of the speed of its matrix products alone.
BAR = 0.3
REFERENCE, OURS, PRODUCTS = "the reference's loop", "main.py", "matrix products alone"

# The reference has four workers on any machine, where torch would advise fewer.
warnings.filterwarnings("ignore", "This DataLoader will create 4 worker processes")


def reference_epoch() -> Callable[[], float]:
    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=3, factor=0.5)
    loader = DataLoader(
        DigitByDigit("train"),
        batch_size=BATCH,
        shuffle=True,
        num_workers=4,
        pin_memory=torch.cuda.is_available(),
    )

    def epoch() -> float:
        model.train()
        total = 0.0
        for images, _ in loader:
            images = images.view(-1, 784)
            _, reconstruction = model(images)
            loss = F.mse_loss(reconstruction, images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step(total / len(loader))
        return total / len(loader)

    return epoch


def our_epoch(precision: str) -> Callable[[], float | None]:
    images = load_mnist(DATA, "train").images
    training = Training(Settings(batch_size=BATCH, precision=precision), torch.device("cpu"))
    return lambda: train_epoch(training, images)


def matrix_products(precision: str) -> Callable[[], None]:
    """The three products of each layer, forward and back, and nothing else."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    layers = [
        (torch.rand(BATCH, inputs, dtype=dtype), torch.rand(outputs, inputs, dtype=dtype))
        for inputs, outputs in layer_sizes()
    ]
    gradients = [torch.rand(BATCH, len(weight), dtype=dtype) for _, weight in layers]

    def epoch() -> None:
        for _ in range(-(-DIGITS // BATCH)):
            for (values, weight), gradient in zip(layers, gradients, strict=True):
                values @ weight.T
                gradient @ weight
                gradient.T @ values

    return epoch


def layer_sizes() -> list[tuple[int, int]]:
    """(inputs, outputs) of each linear layer."""
    linear = [m for m in AutoEncoder().modules() if isinstance(m, torch.nn.Linear)]
    return [(layer.in_features, layer.out_features) for layer in linear]


def main() -> None:
    checking = parse_check("Time one epoch, the reference's way and ours.")
    precision = fastest_precision(torch.device("cpu"))
    seconds = time_by_turns(
        {
            REFERENCE: reference_epoch(),
            OURS: our_epoch(precision),
            PRODUCTS: matrix_products(precision),
        },
        turns=2,
        repeats={OURS: 2, PRODUCTS: 2},
        warm_up=False,
    )
    print_table(seconds, REFERENCE)
    median, best = medians(seconds), bests(seconds)
    share = best[PRODUCTS] / best[OURS]
    # Two operations for each of the three products of a weight.
    operations = 6 * DIGITS * sum(inputs * outputs for inputs, outputs in layer_sizes())
    print(f"Ours in {precision}: {DIGITS / median[OURS]:,.0f} digits a second,", end=" ")
    print(f"{operations / median[OURS] / 1e9:,.0f} GFLOP/s", end=" ")
    print(f"(at best {share:.2f} of the speed of the products alone)")
    print_machine()
    if checking:
        check(
            {
                f"main.py at {BAR} of the speed of the products alone": share >= BAR,
                "main.py faster than the reference's loop": best[OURS] < best[REFERENCE],
            }
        )


if __name__ == "__main__":
    main()
