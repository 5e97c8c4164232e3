"""The folder that a training run writes to: its numbered and best checkpoints, and its log.

The row of an epoch is on disk before the checkpoint of that epoch. So the log reaches at least as
far as any checkpoint that a run is resumed from; the rows past that epoch are set aside. While
another program keeps the log from being written, as a spreadsheet on Windows, rows wait in a file
beside it, which is read as the end of the log.
"""

import contextlib
import itertools
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.storage.checkpoint import (
    BEST,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from autoencoder.storage.files import (
    is_in_use,
    lock,
    make_folder,
    patiently,
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
ASIDE = "set_aside_"


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
        self.last: dict[str, Any] | None = None
        self.log = path / "training_log.csv"
        self.waiting = path / "training_log_waiting.csv"

    @contextlib.contextmanager
    def locked(self) -> Iterator[str | None]:
        """Keep the folder for this process; the lock dies with it.

        Yields a note for the user where the file system has no locks, and None elsewhere.
        """
        make_folder(self.path)
        path = self.path / ".lock"
        note = None
        try:
            file = path.open("a")
        except OSError as error:
            raise UserError(f"cannot lock {path}: {error.strerror}") from error
        with file:
            try:
                if not lock(file):
                    raise UserError(
                        f"another training is writing to {self.path}: wait for its end, or give"
                        f" --checkpoints another folder (if there is none, remove {path})"
                    )
            except OSError as error:
                note = (
                    f"{self.path} cannot be locked ({error.strerror}): see that no other training"
                    " writes to it"
                )
            self.remove_leftovers()
            yield note

    def remove_leftovers(self) -> None:
        """Remove the temporary files of writes that a kill cut short."""
        for name in (BEST, f"{NUMBERED}[0-9]*.pth", self.log.name, f"{ASIDE}*/{self.log.name}"):
            for file in self.path.glob(f"{name}.tmp"):
                with contextlib.suppress(OSError):
                    file.unlink()

    def owns(self, file: Path) -> bool:
        """Whether a checkpoint goes by one of the names of this folder's run."""
        names = [self.best, *map(self.numbered, self.numbered_epochs())]
        return file.resolve() in [name.resolve() for name in names]

    def numbered(self, epoch: int) -> Path:
        """The file of the checkpoint of an epoch."""
        return self.path / f"{NUMBERED}{epoch}.pth"

    def numbered_epochs(self) -> list[int]:
        """The epochs that have a numbered checkpoint, in ascending order."""
        names = {file.name for file in self.path.glob(f"{NUMBERED}*.pth")}
        numbers = re.findall(rf"{NUMBERED}(\d+)\.pth", " ".join(names), re.ASCII)
        return sorted(int(n) for n in numbers if self.numbered(int(n)).name in names)

    def evenly_chosen(self, last: int, most: int) -> list[int]:
        """At most so many of the numbered epochs up to the last, evenly, with first and last."""
        epochs = [epoch for epoch in self.numbered_epochs() if epoch <= last]
        count = min(most, len(epochs))
        step = (len(epochs) - 1) / max(count - 1, 1)
        return [epochs[round(number * step)] for number in range(count)]

    def newest(self) -> Checkpoint:
        """The checkpoint of the latest epoch."""
        try:
            files = [self.numbered(epoch) for epoch in self.numbered_epochs()[-1:]]
            if self.best.exists():
                files.append(self.best)
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror}") from error
        if not files:
            raise UserError(f"there is no checkpoint in {self.path} to resume from")
        return max((load_checkpoint(file) for file in files), key=lambda found: found.epoch or 0)

    def record(
        self,
        epoch: int,
        loss: float,
        test_mse: float,
        rate: float,
        seconds: float,
        compression: float,
    ) -> str | None:
        """Append the row of an epoch to the log.

        Returns a note for the user where that row is the first that another program makes wait.
        """
        errors = f"{loss:.8f}", f"{test_mse:.8f}"
        row = (epoch, *errors, f"{rate:.3e}", f"{seconds:.3f}", compression)
        line = ",".join(map(str, row)) + "\n"
        try:
            self.append_to_log([line])
        except OSError as error:
            if not is_in_use(error):
                raise UserError(f"cannot write {self.log}: {error.strerror}") from error
            return self.let_wait(line, error)
        return None

    def let_wait(self, line: str, error: OSError) -> str | None:
        """Keep a row beside the log, which cannot be written; returns a note if it is the first."""
        is_first = not self.waiting.exists()
        try:
            append(self.waiting, [line])
        except OSError as another:
            raise UserError(f"cannot write {self.waiting}: {another.strerror}") from another
        return self.waiting_note(error) if is_first else None

    def append_to_log(self, lines: list[str]) -> None:
        """Append the rows that wait, and these; raises OSError where the log cannot be written."""
        append(self.log, self.waiting_rows() + lines)
        # Where somebody looks at it, it stays, and is read as rows that the log has.
        with contextlib.suppress(OSError):
            self.waiting.unlink()

    def append_waiting(self) -> str | None:
        """Append the rows that wait, if there are any; returns a note where they still have to."""
        if not self.waiting.exists():
            return None
        try:
            patiently(self.append_to_log, [])
        except OSError as error:
            return self.waiting_note(error)
        return None

    def waiting_note(self, error: OSError) -> str:
        return (
            f"{self.log} cannot be written ({error.strerror}): is it open in another program?"
            f" Until that lets go, rows go to {self.waiting.name}"
        )

    def rows(self) -> list[str]:
        """The rows of the log, without its header; none where there is no log."""
        try:
            return patiently(read_lines, self.log)[1:] + self.waiting_rows()
        except OSError as error:
            raise UserError(f"cannot read {self.log}: {error.strerror}") from error

    def waiting_rows(self) -> list[str]:
        """The rows that wait; a kill may have come between their way into the log and their end."""
        waiting = read_lines(self.waiting)
        logged = set(read_lines(self.log) if waiting else ())
        return [row for row in waiting if row not in logged]

    def began_here(self) -> bool:
        """Whether the log begins with the first epoch, as that of a run from elsewhere does not."""
        return [row_epoch(row) for row in self.rows()[:1]] == [1]

    def read_log(self) -> dict[str, list[float]]:
        """The columns of the log, by name; empty where it has no rows."""
        rows = [row.split(",") for row in self.rows() if row_epoch(row) < math.inf]
        columns = zip(*rows, strict=True)
        return {
            name: [float(x) for x in column] for name, column in zip(COLUMNS, columns, strict=False)
        }

    def save(self, contents: dict[str, Any], *, best: bool, numbered: bool) -> None:
        """Save the checkpoint of an epoch as the best one, under its number, or both.

        Where it has no number on disk, it stays in memory for save_last.
        """
        self.last = contents
        if best:
            save_checkpoint(self.best, contents)
        if numbered:
            self.save_last()

    def save_last(self) -> None:
        """Save the checkpoint of the last epoch under its number, unless it is."""
        if self.last:
            save_checkpoint(self.numbered(self.last["epoch"]), self.last)
            self.last = None

    def load_best(self) -> Checkpoint | None:
        """The best checkpoint; None if there is none, or it is damaged."""
        try:
            return load_checkpoint(self.best)
        except UserError:
            return None

    def complete(self, epoch: int) -> None:
        """Save the best checkpoint under its number too, if a kill came between the two."""
        if self.numbered(epoch).exists():
            return
        best = self.load_best()
        if best and best.epoch == epoch:
            write_atomically(self.numbered(epoch), self.best.read_bytes())

    def set_aside(self, epoch: int) -> Path | None:
        """Make way for a run that goes on after an epoch, losing nothing of an earlier run.

        Whatever is past that epoch moves to a folder of its own: rows of the log, numbered
        checkpoints, the best one. For a fresh run, which goes on after epoch 0, that is everything.
        A best checkpoint that does not tell its loss moves too: none could be known to be better.

        Returns
        -------
        The folder that it moved to, or None if nothing was in the way.
        """
        try:
            rows = self.rows()
            late_rows = [row for row in rows if row_epoch(row) > epoch]
            late_files = [self.numbered(n) for n in self.numbered_epochs() if n > epoch]
            best = self.load_best()
            comparable = best is not None and best.loss is not None
            best_epoch = best.epoch if best and comparable else None
            if self.best.exists() and (best_epoch is None or best_epoch > epoch):
                late_files.append(self.best)
            aside = None
            if late_rows or late_files:
                aside = self.unused_folder()
                aside.mkdir(exist_ok=True)
                if epoch > 0 and late_rows:
                    write_atomically(aside / self.log.name, (HEADER + "".join(late_rows)).encode())
                # The log last, so that after a kill in between it still reaches as far as any file.
                if epoch == 0:
                    late_files += [log for log in (self.log, self.waiting) if log.exists()]
                for file in late_files:
                    patiently(file.rename, aside / file.name)
            kept = "".join(row for row in rows if row_epoch(row) <= epoch)
            write_atomically(self.log, (HEADER + kept).encode())
            patiently(self.waiting.unlink, missing_ok=True)
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from error
        return aside

    def unused_folder(self) -> Path:
        """The first folder for files set aside that does not exist, or that a kill left empty."""
        folders = (self.path / f"{ASIDE}{n}" for n in itertools.count(1))
        return next(
            folder
            for folder in folders
            if not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        )


def append(path: Path, lines: list[str]) -> None:
    """Append lines to a file, and flush it to the disk."""
    with path.open("a", newline="", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[str]:
    """The lines of a text file with their ends, whatever it holds; none where there is no file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except FileNotFoundError:
        return []


def row_epoch(row: str) -> float:
    """The epoch of a row of the log; infinite if the row is damaged or unfinished."""
    try:
        numbers = [float(field) for field in row.split(",")]
    except ValueError:
        return math.inf
    complete = len(numbers) == len(COLUMNS) and row.endswith("\n")
    return numbers[0] if complete and numbers[0] >= 1 else math.inf
