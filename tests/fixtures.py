"""What the tests share: real digits, and the scripts run as a user runs them."""

import csv
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import interac_decompression
import main as script
from autoencoder import training
from autoencoder.command_line import run
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits, load_mnist
from autoencoder.model import AutoEncoder, encode_digits
from autoencoder.storage.checkpoint import load_checkpoint
from tests.faults import HANG, NO_FAULT, SMALL, Fault, Running, Task, Work, warm_context

import pytest
import torch
from torch import Tensor

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data"
PRETRAINED = ROOT / "checkpoints" / "autoencoder_pretrained.pth"
RECORD = ROOT / "checkpoints" / "autoencoder_record.pth"

# Here and in every script that is run: the tests of the other workers want cores too.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
# The fork server looks for the project from wherever the tests were started.
os.environ["PYTHONPATH"] = str(ROOT)

# What many tests want is read and fitted once; no test may write to it.
loaded = cache(load_mnist)
fitted = cache(PrincipalComponents)


def spare_fitting(patch: pytest.MonkeyPatch) -> None:
    """Hand the explorer what is read and fitted already."""
    patch.setattr(interac_decompression, "load_mnist", loaded)
    patch.setattr(interac_decompression, "PrincipalComponents", fitted)


@pytest.fixture(scope="session")
def test_set() -> tuple[Tensor, Tensor]:
    """The 10,000 test digits: (10000, 784) uint8 and their labels."""
    digits = loaded(DATA, "test")
    return digits.images, digits.labels


@pytest.fixture(scope="session")
def network() -> AutoEncoder:
    """The pretrained network, which no test may change."""
    return load_checkpoint(PRETRAINED).model


@pytest.fixture(scope="session")
def all_codes(network: AutoEncoder) -> tuple[Tensor, Tensor]:
    """The codes of all 70,000 digits under the pretrained network, (70000, 2), and their labels."""
    sets = loaded(DATA, "train"), loaded(DATA, "test")
    codes = [encode_digits(network, digits.images) for digits in sets]
    return torch.cat(codes), torch.cat([digits.labels for digits in sets])


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


def run_script(
    *words: str | Path, without_stdout: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script of the project to its end, from the project's folder."""
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        ["sh", "-c", f"{shlex.join(command)} >&-"] if without_stdout else command,
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=2 * HANG,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


class Outcome:
    """What a user sees of a script's run in this process: exit status and the two streams."""

    def __init__(self, script: str, status: Any, out: str, err: str) -> None:
        self.script = script
        self.status = 1 if isinstance(status, str) else status
        self.out = out
        self.err = err + status if isinstance(status, str) else err


def assert_refused(outcome: Outcome, *words: str) -> None:
    """One line on stderr that holds the words, exit 1 or 2."""
    assert outcome.status in (1, 2)
    assert outcome.err.startswith(f"{outcome.script}: error: ")
    assert len(outcome.err.strip().splitlines()) == 1
    assert all(word in outcome.err for word in words)


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a script in this process, which has loaded torch already; from the project's folder."""

    def invoke(module: Any, *words: str | Path, folder: Path = ROOT) -> Outcome:
        monkeypatch.chdir(folder)
        script = f"{module.__name__}.py"
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", [script, *map(str, words)])
            with pytest.raises(SystemExit) as exit_:
                run(module.main)
        return Outcome(script, exit_.value.code, *capsys.readouterr())

    return invoke


@pytest.fixture
def train(
    invoke: Any, monkeypatch: pytest.MonkeyPatch, test_set: tuple[Tensor, Tensor], tmp_path: Path
) -> Any:
    """Run main.py in this process, on 600 digits instead of 70,000 and with small networks.

    It reports, with pictures, only where --img is given: that takes longer than such a training.
    """
    digits = Digits(*test_set).first(600)
    monkeypatch.setattr(script, "load_mnist", lambda _root, _split: digits)
    monkeypatch.setattr(training, "PRESETS", SMALL)

    def train(*words: str | Path) -> Outcome:
        places = ["--checkpoints", tmp_path / "checkpoints", "--img", tmp_path / "img"]
        with monkeypatch.context() as patch:
            if "--img" not in words:
                patch.setattr(script, "report", lambda *_: None)
                patch.setattr(script, "film_training", lambda *_: None)
            outcome: Outcome = invoke(
                script, "--device", "cpu", *places, "--batch_size", "256", *words
            )
        return outcome

    return train


@pytest.fixture(scope="session")
def processes() -> Any:
    """What starts the processes, one for all tests: it loads torch once."""
    return warm_context()


@pytest.fixture
def begin(processes: Any) -> Iterator[Callable[[Task], Running]]:
    """Begins work in processes of their own, which end with the test."""
    begun: list[Running] = []

    def begin(work: Task) -> Running:
        begun.append(Running(processes.Process(target=work.do), work))
        begun[-1].process.start()
        return begun[-1]

    yield begin
    for running in begun:
        running.process.kill()
        running.process.join()


@pytest.fixture
def background(
    begin: Callable[[Task], Running], test_set: tuple[Tensor, Tensor], tmp_path: Path
) -> Any:
    """Start main.py in a process of its own, on the first of the test digits."""
    number = count(1)

    def start(
        *words: str | Path,
        digits: int = 600,
        fault: Fault = NO_FAULT,
        out: Path | None = None,
        memory: Path | None = None,
    ) -> Running:
        images, labels = (part[:digits].numpy() for part in test_set)
        streams = tmp_path / f"process_{next(number)}"
        work = Work(
            ["--device", "cpu", *map(str, words)],
            images,
            labels,
            out or streams.with_suffix(".out"),
            streams.with_suffix(".err"),
            fault,
            memory,
        )
        return begin(work)

    return start


def logged_epochs(folder: Path) -> list[int]:
    with (folder / "training_log.csv").open(newline="") as file:
        return [int(row["Epoch"]) for row in csv.DictReader(file)]


def assert_same_training(one: Path, other: Path) -> None:
    """Two checkpoints hold the same bits, whatever the paths they were written to."""

    def assert_same(mine: Any, its: Any) -> None:
        assert type(mine) is type(its)
        if isinstance(mine, dict):
            assert mine.keys() == its.keys()
            for key in mine:
                assert_same(mine[key], its[key])
        elif isinstance(mine, Tensor):
            assert torch.equal(mine, its)
        else:
            assert mine == its

    assert_same(torch.load(one, weights_only=True), torch.load(other, weights_only=True))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained") / "checkpoints"


@pytest.fixture
def whole_run(train: Any, trained: Path, tmp_path: Path) -> Path:
    """The checkpoints of six epochs that nothing disturbed: a copy of a run made once."""
    if not trained.exists():
        train("--epochs", "6", "--save_every", "2", "--checkpoints", trained)
    return Path(shutil.copytree(trained, tmp_path / "whole"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, behind a stand-in for torchvision: importing it takes a second."""

    def refuse(url: str, *_: object) -> None:
        raise OSError(f"no network for {url}")

    utils = SimpleNamespace(download_url=refuse)
    datasets = SimpleNamespace(MNIST=SimpleNamespace(mirrors=["https://mnist.invalid/"]))
    stand_ins = {"": SimpleNamespace(), ".datasets": datasets, ".datasets.utils": utils}
    for name, module in stand_ins.items():
        monkeypatch.setitem(sys.modules, f"torchvision{name}", module)
