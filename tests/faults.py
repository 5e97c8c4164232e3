"""main.py in a process of its own, small and fast, on a disk that fails to order.

Small: 600 digits and a narrow network. Fast: the process is forked from one that has torch loaded,
which takes 0.1 s instead of 3.
"""

import contextlib
import errno
import io
import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import main
from autoencoder import UserError, training
from autoencoder.command_line import run
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder
from autoencoder.storage import files
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import PRESETS

import psutil
import pytest
import torch
from numpy.typing import NDArray

PIECE = 50_000  # bytes of a checkpoint that are written at once, a thirteenth of it
SNIPPET = 20  # bytes of a row of the log
# Seconds after which what a test waits for no longer comes: no machine takes so long for it.
HANG = 120


@dataclass(frozen=True)
class Fault:
    """What goes wrong on the disk, counted in steps: a piece written, a file synced or renamed.

    Attributes
    ----------
    kill_at : int or None
        The step before which the process dies by SIGKILL.
    full_at : int or None
        The step from which on nothing can be written.
    pause : float
        Seconds that each step takes longer.
    held_at : int or None
        The step before which the process waits.
    held : Path
        A file that is there while the process waits, and lets it go on once it is deleted.
    in_use : dict
        Files, by name, that another program keeps from being replaced or opened to append, and at
        which of these attempts, counted from 1.
    """

    kill_at: int | None = None
    full_at: int | None = None
    pause: float = 0
    held_at: int | None = None
    held: Path = Path()
    in_use: dict[str, range] = field(default_factory=dict)

    def attempt(self, name: str, number: int) -> None:
        if number in self.in_use.get(name, ()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def step(self, number: int, writes: bool) -> None:
        time.sleep(self.pause)
        if number == self.held_at:
            self.held.touch()
            while self.held.exists():
                time.sleep(0.01)
        if number == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if writes and self.full_at is not None and number >= self.full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


NO_FAULT = Fault()


# The presets with narrower networks; the record's looks through few places of the map.
SMALL = {
    name: replace(PRESETS[name], network={**PRESETS[name].network, **widths})
    for name, widths in (
        ("reference", {"encoder_hidden": (128, 64), "decoder_hidden": (64, 128)}),
        ("record", {"encoder_hidden": (64, 400)}),
    )
}


def narrow_network() -> AutoEncoder:
    """A narrower one still, whose checkpoints are written in thirteen pieces."""
    return AutoEncoder([32, 16], [16, 32])


class PieceByPiece(io.BufferedWriter):
    """A file that is written in pieces, with a step before each."""

    def __init__(self, path: Path, mode: str, size: int, step: Callable[[], None]) -> None:
        super().__init__(io.FileIO(path, mode))
        self.size, self.step = size, step

    def write(self, content: Any) -> int:
        for start in range(0, len(content), self.size):
            self.step()
            super().write(content[start : start + self.size])
            self.flush()
        return len(content)


@contextlib.contextmanager
def faulty_disk(fault: Fault) -> Iterator[list[str]]:
    """Have this process write to a faulty disk; the list tells the steps so far."""
    steps: list[str] = []
    attempts: Counter[str] = Counter()

    def attempt(path: Path) -> None:
        attempts[path.name] += 1
        fault.attempt(path.name, attempts[path.name])

    def counted(name: str, action: Any = None, writes: bool = False) -> Any:
        def act(*arguments: Any) -> Any:
            steps.append(name)
            fault.step(len(steps), writes)
            return action and action(*arguments)

        return act

    really_open, really_replace = Path.open, Path.replace

    def replace(path: Path, target: Path) -> Path:
        attempt(target)
        return really_replace(path, target)

    def open_(path: Path, mode: str = "r", **options: Any) -> Any:
        piece = counted("write", writes=True)
        if mode == "wb":
            return PieceByPiece(path, mode, PIECE, piece)
        if mode == "a":
            attempt(path)
            return io.TextIOWrapper(PieceByPiece(path, "ab", SNIPPET, piece), **options)
        return really_open(path, mode, **options)

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(Path, "open", open_))
        patches.enter_context(mock.patch.object(Path, "replace", counted("replace", replace)))
        patches.enter_context(mock.patch.object(Path, "rename", counted("rename", Path.rename)))
        fsync = counted("fsync", os.fsync, writes=True)
        patches.enter_context(mock.patch.object(os, "fsync", fsync))
        yield steps


@dataclass
class Work:
    """What a process is to do: the words behind main.py, its digits, and where its output goes."""

    words: list[str]
    images: NDArray[Any]
    labels: NDArray[Any]
    out: Path
    err: Path
    fault: Fault
    memory: Path | None

    def do(self) -> None:
        if self.out.parent == Path("/dev/pts"):
            # To be told when it is closed, as whoever leads a session and opens it to read.
            os.setsid()
            os.close(os.open(self.out, os.O_RDWR))
        sys.stdout = self.out.open("w")
        sys.stderr = self.err.open("w", errors="backslashreplace")
        sys.argv = ["main.py", *self.words]
        digits = Digits(torch.from_numpy(self.images), torch.from_numpy(self.labels))
        smaller: Any = {
            "load_mnist": lambda _root, _split: digits,
            "report": lambda *_: None,
            "film_training": lambda *_: None,
        }
        with (
            mock.patch.multiple(main, **smaller),
            mock.patch.object(training, "AutoEncoder", narrow_network),
            mock.patch.object(files, "PATIENCE", 0.5),
            watched_memory(self.memory),
            faulty_disk(self.fault),
        ):
            run(main.main)


@contextlib.contextmanager
def watched_memory(file: Path | None) -> Iterator[None]:
    """Have main.py note its resident memory in a file whenever it logs an epoch."""
    really_record = RunFolder.record

    def record(folder: RunFolder, *row: Any) -> str | None:
        note = really_record(folder, *row)
        if file:
            with file.open("a") as notes:
                print(psutil.Process().memory_info().rss, file=notes)
        return note

    with mock.patch.object(RunFolder, "record", record):
        yield


@dataclass
class Reading:
    """A process's work: to read a stranger's checkpoint, all that main.py reads when resuming."""

    file: Path
    out: Path
    err: Path

    def do(self) -> None:
        sys.stdout, sys.stderr = self.out.open("w"), self.err.open("w")
        print(json.dumps({"refusal": take_up(self.file), "peak": peak_memory()}))


def take_up(file: Path) -> str | None:
    """Why main.py cannot go on from a checkpoint; None where it did, for an epoch of 8 digits."""
    words = ["--resume", str(file), "--epochs", str(2**31 - 1), "--device", "cpu"]
    try:
        resumed = main.begin(main.parse_arguments(words), torch.device("cpu"))
    except UserError as error:
        return str(error)
    main.train_epoch(resumed, torch.arange(8 * 784).reshape(8, 784).byte(), [])
    return None


def peak_memory() -> int:
    """The most that this process has had in memory since it began, in bytes."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


class Task(Protocol):
    """Work for a process, which leaves what it prints in files."""

    def do(self) -> None: ...

    @property
    def out(self) -> Path: ...

    @property
    def err(self) -> Path: ...


class Running:
    """A process of ours at work."""

    def __init__(self, process: Any, work: Task) -> None:
        self.process, self.work = process, work

    @property
    def out(self) -> str:
        return self.work.out.read_text() if self.work.out.exists() else ""

    @property
    def err(self) -> str:
        return self.work.err.read_text()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + HANG
        while not condition():
            if not self.process.is_alive() or time.monotonic() > until:
                pytest.fail(f"the run never came to that, but to {self.out!r} and {self.err!r}")
            time.sleep(0.01)

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda: text in self.out)

    def send(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def status(self, timeout: float = HANG) -> int:
        """The exit status, once it has ended; minus the signal if one killed it."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, f"still running after {timeout} s"
        return int(self.process.exitcode)


def warm_context() -> Any:
    """How to start processes from one that has loaded torch; where none can fork, plainly."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Without torch._dynamo here, the first optimizer of each process would take a second for it.
    context.set_forkserver_preload(["tests.faults", "torch._dynamo"])
    return context
