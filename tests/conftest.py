"""What the tests share: real digits, and the scripts run as a user runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch import Tensor

from autoencoder.mnist import load_mnist

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data"
PRETRAINED = ROOT / "checkpoints" / "autoencoder_pretrained.pth"


@pytest.fixture(scope="session")
def test_set() -> tuple[Tensor, Tensor]:
    """The 10,000 test digits: (10000, 784) uint8 and their labels."""
    return load_mnist(DATA, "test")


@pytest.fixture(scope="session")
def few_digits(test_set: tuple[Tensor, Tensor]) -> Tensor:
    """(300, 784) uint8"""
    return test_set[0][:300]


def need(condition: bool, what: str) -> None:
    """Skip without what the test needs; in CI, where .ci/run installs it, fail."""
    if not condition and os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    if not condition:
        pytest.skip(f"needs {what}")


def run_script(*words: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a script of the project to its end, from the project's folder."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start_script(*words: str | Path, stderr: int = subprocess.STDOUT) -> subprocess.Popen[str]:
    """Start a script of the project and leave it running."""
    return subprocess.Popen(
        [sys.executable, "-u", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
