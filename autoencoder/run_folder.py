"""The folder that a training run writes to: its numbered and best checkpoints, and its log.

Every row of the log is on disk before the checkpoint of its epoch, so whichever checkpoint a run
is resumed from, the log reaches at least as far; what it has past that epoch is set aside.
"""

import contextlib
import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autoencoder import UserError
from autoencoder.checkpoint import (
    BEST,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_atomically,
)

COLUMNS = (
    "Epoch",
    "Avg Loss",
    "Test MSE",
    "Learning Rate",
    "Time (s)",
    "Compression Ratio",
)
HEADER = ",".join(COLUMNS) + "\n"
NUMBERED = "autoencoder_epoch_"


class RunFolder:
    """The checkpoints and the log of one training run.

    Parameters
    ----------
    path : Path
        Made if it does not exist.

    Raises
    ------
    UserError
        From every method that finds a file it cannot read or write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.best = path / BEST
        self.log = path / "training_log.csv"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the folder for this process; the lock dies with it."""
        lock = FileLock(self.path / ".lock")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            raise UserError(
                f"another training is writing to {self.path}:"
                " wait for its end, or give --checkpoints another folder"
            ) from None
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()

    def owns(self, file: Path) -> bool:
        """Whether a checkpoint goes by one of the names of this folder's run."""
        names = [self.best, *map(self.numbered, self.numbered_epochs())]
        return file.resolve() in [name.resolve() for name in names]

    def numbered(self, epoch: int) -> Path:
        """The file of the checkpoint of an epoch."""
        return self.path / f"{NUMBERED}{epoch}.pth"

    def numbered_epochs(self) -> list[int]:
        """The epochs that there are numbered checkpoints of, ascending."""
        stems = (file.stem.removeprefix(NUMBERED) for file in self.path.glob(f"{NUMBERED}*.pth"))
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def newest(self) -> Checkpoint:
        """The checkpoint that has the most epochs behind it."""
        files = [self.numbered(epoch) for epoch in self.numbered_epochs()[-1:]]
        if self.best.exists():
            files.append(self.best)
        if not files:
            raise UserError(f"there is no checkpoint in {self.path} to resume from")
        return max((load_checkpoint(file) for file in files), key=lambda found: found.epoch or 0)

    def record(
        self,
        *,
        epoch: int,
        loss: float,
        test_mse: float,
        lr: float,
        seconds: float,
        compression: float,
    ) -> None:
        """Append the row of an epoch to the log."""
        row = (epoch, f"{loss:.8f}", f"{test_mse:.8f}", f"{lr:.3e}", f"{seconds:.3f}", compression)
        try:
            with self.log.open("a", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerow(row)
        except OSError as error:
            raise UserError(f"cannot write {self.log}: {error.strerror}") from error

    def read_log(self) -> dict[str, list[float]]:
        """The columns of the log, by name."""
        with self.log.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) for row in rows] for name in COLUMNS}

    def save(self, contents: dict[str, Any], *, best: bool, numbered: bool) -> None:
        """Save the checkpoint of an epoch under the names that it earned."""
        if best:
            save_checkpoint(self.best, contents)
        if numbered:
            save_checkpoint(self.numbered(contents["epoch"]), contents)

    def set_aside(self, epoch: int) -> Path | None:
        """Make way for a run that goes on after an epoch, losing nothing of an earlier one.

        Rows of the log, numbered checkpoints and a best one that are past the epoch move to a
        folder of their own. For a fresh run, which starts after epoch 0, that is everything.

        Returns
        -------
        The folder they moved to, or None where nothing was in the way.
        """
        try:
            rows = (
                self.log.read_text(encoding="utf-8").splitlines(True)[1:]
                if self.log.exists()
                else []
            )
            late_rows = [row for row in rows if row_epoch(row) > epoch]
            late_files = [self.numbered(n) for n in self.numbered_epochs() if n > epoch]
            if self.best.exists() and checkpoint_epoch(self.best) > epoch:
                late_files.append(self.best)
            aside = None
            if late_rows or late_files:
                unused = (self.path / f"set_aside_{n}" for n in itertools.count(1))
                aside = next(folder for folder in unused if not folder.exists())
                aside.mkdir()
                write_atomically(aside / self.log.name, (HEADER + "".join(late_rows)).encode())
                for file in late_files:
                    file.rename(aside / file.name)
            kept = "".join(row for row in rows if row_epoch(row) <= epoch)
            write_atomically(self.log, (HEADER + kept).encode())
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from error
        return aside


def row_epoch(row: str) -> float:
    """The epoch of a row of the log; infinite for one that a crash left unfinished."""
    number = row.split(",")[0]
    complete = row.count(",") == len(COLUMNS) - 1 and row.endswith("\n")
    return int(number) if complete and number.isdigit() else math.inf


def checkpoint_epoch(path: Path) -> float:
    """The epoch of a checkpoint; infinite where the file is damaged."""
    try:
        return load_checkpoint(path).epoch or 0
    except UserError:
        return math.inf
