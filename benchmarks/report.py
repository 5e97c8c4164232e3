"""What the benchmarks share: the command line, timing by turns, the table, the machine, the bars.

A bar in seconds would judge the processor. So each bar compares two times that one run measures,
the best of each, because other work on the machine can only make them longer.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from autoencoder.storage.checkpoint import PRETRAINED

import torch

DATA = Path("data")
CHECKPOINT = Path("checkpoints") / PRETRAINED
# What every script imports before it can do anything.
IMPORTS = "importing torch and matplotlib"


def parse_arguments(description: str, **switches: str) -> argparse.Namespace:
    """Parse the command line: --check, and switches of a benchmark's own with their help."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    for name, help_ in switches.items():
        parser.add_argument(f"--{name}", action="store_true", help=help_)
    return parser.parse_args()


def imports() -> Callable[[], object]:
    return shell("-c", "import torch, matplotlib.figure")


def shell(*words: str) -> Callable[[], object]:
    """A contestant that runs Python with these words to its end, silently."""
    command = [sys.executable, *words]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def time_by_turns(
    contestants: Mapping[str, Callable[[], object]],
    turns: int,
    repeats: Mapping[str, int],
    warm_up: bool = True,
) -> dict[str, list[float]]:
    """Time the contestants by turns, so that other work on the machine disturbs them alike.

    A contestant runs once a turn, or as often as ``repeats`` says; with ``warm_up`` each runs once
    before the clock starts.

    Returns
    -------
    The seconds of every run of each contestant.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    if warm_up:
        for contestant in contestants.values():
            contestant()
    for _ in range(turns):
        for name, contestant in contestants.items():
            for _ in range(repeats.get(name, 1)):
                began = time.perf_counter()
                contestant()
                seconds[name].append(time.perf_counter() - began)
    return seconds


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {contestant: statistics.median(runs) for contestant, runs in seconds.items()}


def bests(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {contestant: min(runs) for contestant, runs in seconds.items()}


def print_table(
    seconds: dict[str, list[float]], baseline: str, unit: float = 1, name: str = "s"
) -> None:
    """Print a row per contestant: median, 95th percentile, times as fast as the baseline."""
    median = medians(seconds)
    print(f"{'':34}{f'median {name}':>12}{f'p95 {name}':>12}{'ratio':>9}{'runs':>7}")
    for contestant, runs in seconds.items():
        p95 = sorted(runs)[round(0.95 * (len(runs) - 1))]
        print(
            f"{contestant:34}{median[contestant] / unit:12.3f}{p95 / unit:12.3f}"
            f"{median[baseline] / median[contestant]:8.1f}x{len(runs):7}"
        )


def print_machine() -> None:
    print(
        f"Machine: {processor()}, {torch.get_num_threads()} threads,"
        f" Python {platform.python_version()}, torch {torch.__version__}"
    )


def processor() -> str:
    """The processor's name, from where the system keeps it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def check(bars: Mapping[str, bool]) -> None:
    """Exit with status 1 and name each bar that is missed."""
    missed = [bar for bar, reached in bars.items() if not reached]
    for bar in missed:
        print(f"Missed: {bar}", file=sys.stderr)
    sys.exit(1 if missed else 0)
