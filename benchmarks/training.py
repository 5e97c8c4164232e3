"""One epoch of training: the reference's way, ours, and the matrix products alone.

    python -m benchmarks.training
    python -m benchmarks.training --check      # exit 1 where a bar is missed
    python -m benchmarks.training --beside     # main.py alone, and beside two busy processes
    python -m benchmarks.training --followed   # main.py alone, and with the explorer following it

The reference's way is written here from its description: a DataLoader with four workers over
MNIST and its transform, float32, Adam with weight decay, the loss read after every batch.
"""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from autoencoder.device import fastest_precision
from autoencoder.mnist import load_mnist
from autoencoder.model import AutoEncoder
from autoencoder.storage.checkpoint import BEST, load_checkpoint
from autoencoder.storage.followed_file import FollowedFile
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import Settings, Training
from autoencoder.view.latent_map import SECONDS_A_GLIDE, LatentMap
from autoencoder.view.layout import DPI, FIGURE_SIZE
from autoencoder.view.motion import FRAME_MS
from benchmarks.reference import DigitByDigit
from benchmarks.report import (
    CHECKPOINT,
    DATA,
    bests,
    check,
    medians,
    parse_arguments,
    print_machine,
    print_table,
    time_by_turns,
)
from interac_decompression import Explorer
from main import train_epoch

import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch.utils.data import DataLoader

BATCH = 1024
DIGITS = 60_000
# The speed of the loop as a part of the speed of its matrix products alone.
BAR = 0.3
# An epoch beside two busy processes, on two cores, as a multiple of one alone.
BESIDE_BAR = 3
# An epoch that the explorer follows, as a multiple of one alone.
FOLLOWED_BAR = 1.1
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


# --- beside other work ------------------------------------------------------------------------

# How long threads of libgomp wait by spinning if nobody tells them otherwise, in rounds.
UNTOLD = "300000"


def seconds_an_epoch(
    epochs: int, spin_count: str | None = None, is_followed: bool = False
) -> float:
    """The mean time of an epoch of main.py, started as a user starts it.

    With a spin_count the threads of libgomp spin so long; else as long as main.py has them spin.
    """
    untouched = ("GOMP_SPINCOUNT", "OMP_NUM_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in untouched}
    if spin_count is not None:
        environment["GOMP_SPINCOUNT"] = spin_count
    with tempfile.TemporaryDirectory() as folder:
        folders = ("--checkpoints", folder, "--img", folder)
        with following(Path(folder) / BEST) if is_followed else contextlib.nullcontext():
            subprocess.run(
                [sys.executable, "main.py", "--epochs", str(epochs), *folders],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        seconds = RunFolder(Path(folder)).read_log()["Time (s)"]
    return statistics.mean(seconds)


@contextlib.contextmanager
def two_busy_processes() -> Iterator[None]:
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def time_beside(epochs: int = 5) -> float:
    """Print the time of an epoch alone and beside two processes; return their ratio."""
    alone = seconds_an_epoch(epochs)
    print(f"alone                              {alone:7.2f} s an epoch")
    with two_busy_processes():
        beside = seconds_an_epoch(epochs)
        print(f"beside two busy processes          {beside:7.2f} s, {beside / alone:.1f} times")
        spinning = seconds_an_epoch(2, UNTOLD)
        print(f"the same, threads spinning freely  {spinning:7.2f} s, {spinning / alone:.1f} times")
    return beside / alone


@contextlib.contextmanager
def following(path: Path) -> Iterator[None]:
    """An explorer beside that follows a file; it draws what it shows, but on no screen."""
    script = f"from benchmarks.training import follow; follow({str(path)!r})"
    explorer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert explorer.stdout is not None
    explorer.stdout.readline()  # It has started, which is no part of following.
    try:
        yield
    finally:
        explorer.kill()
        explorer.wait()


def follow(name: str) -> None:
    """Be an explorer that follows a file, for ever."""
    figure = Figure(FIGURE_SIZE, dpi=DPI)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.manager = mock.MagicMock(key_press_handler_id=None)
    explorer = Explorer(
        figure, LatentMap(load_checkpoint(CHECKPOINT).model, load_mnist(DATA, "test"))
    )
    explorer.follow(FollowedFile(Path(name)))
    print("following", flush=True)
    while True:
        time.sleep(1)
        shown = explorer.latent_map
        explorer.follower.on_second()
        if explorer.latent_map is not shown:
            # As many frames as the dots take to glide.
            for _ in range(round(SECONDS_A_GLIDE * 1000 / FRAME_MS)):
                canvas.draw()


def time_followed(epochs: int = 27, turns: int = 2) -> float:
    """Print the time of an epoch alone and followed, by turns; return their ratio."""
    alone, followed = [], []
    for _ in range(turns):
        alone.append(seconds_an_epoch(epochs))
        followed.append(seconds_an_epoch(epochs, is_followed=True))
    ratio = statistics.mean(followed) / statistics.mean(alone)
    print(f"alone                              {statistics.mean(alone):7.2f} s an epoch")
    print(
        f"followed by the explorer           {statistics.mean(followed):7.2f} s, {ratio:.2f} times"
    )
    return ratio


# --- the command line -------------------------------------------------------------------------


def main() -> None:
    arguments = parse_arguments(
        "Time one epoch, the reference's way and ours.",
        beside="main.py alone and beside two busy processes instead",
        followed="main.py alone and with the explorer following it instead; takes minutes",
    )
    for wanted, time_both, name, bar in (
        (arguments.followed, time_followed, "followed", FOLLOWED_BAR),
        (arguments.beside, time_beside, "beside two", BESIDE_BAR),
    ):
        if wanted:
            ratio = time_both()
            print_machine()
            if arguments.check:
                check({f"{name} at most {bar} times as long": ratio <= bar})
            return
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
    if arguments.check:
        check(
            {
                f"main.py at {BAR} of the speed of the products alone": share >= BAR,
                "main.py faster than the reference's loop": best[OURS] < best[REFERENCE],
            }
        )


if __name__ == "__main__":
    main()
