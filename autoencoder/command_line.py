"""What the command lines of the three scripts share: options, one-line errors, signals."""

import argparse
import contextlib
import errno
import io
import math
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

from autoencoder import UserError
from autoencoder.mnist import default_root

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def __init__(self, description: str) -> None:
        super().__init__(description=description, allow_abbrev=False)

    def add_folder(self, name: str, default: str, holds: str) -> None:
        """An option for a folder."""
        self.add_argument(
            f"--{name}",
            type=file_name,
            default=Path(default),
            metavar="DIR",
            help=f"{holds} (%(default)s)",
        )

    def add_data(self) -> None:
        self.add_argument(
            "--data",
            type=file_name,
            default=default_root(),
            metavar="DIR",
            help="the folder that holds MNIST/raw (data, here or beside the scripts)",
        )

    def add_checkpoint(self, more: str = "") -> None:
        default = "the best of your latest training, or else the pretrained one"
        self.add_argument(
            "--checkpoint", type=file_name, metavar="FILE", help=f"the network ({default}){more}"
        )

    def error(self, message: str) -> NoReturn:
        self.exit(2, one_line(f"{self.prog}: error: {message} (see --help)") + "\n")


def one_line(message: str) -> str:
    """A message with line breaks and whatever else no screen shows escaped."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)


def file_name(text: str) -> Path:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a file or a folder")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # of a user who is not there
        raise argparse.ArgumentTypeError(f"{text}: there is no such home folder") from error


def output_path(text: str, *suffixes: str) -> Path:
    """A file to write, whose name has one of these endings and whose folder exists."""
    path = file_name(text)
    if path.suffix.lower() not in suffixes:
        raise argparse.ArgumentTypeError(f"{text}: use a name that ends in {' or '.join(suffixes)}")
    try:
        there = path.parent.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        there = False
    if not there:
        raise argparse.ArgumentTypeError(f"{path.parent}: no such folder")
    return path


def whole_number(text: str) -> int:
    if not text.isdecimal() or len(text) > 100 or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**31 - 1}")
    return int(text)


def positive_int(text: str) -> int:
    value = whole_number(text)
    if value == 0:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return value


def batch_size(text: str) -> int:
    size = positive_int(text)
    if size == 1:
        raise argparse.ArgumentTypeError("batch normalisation needs at least 2 digits")
    return size


def positive_float(text: str) -> float:
    value = as_float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def coordinate(text: str) -> float:
    value = as_float(text)
    if not -1 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from -1 to 1")
    return value


def as_float(text: str) -> float:
    """The number, or NaN, which fails every comparison, for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def as_size(count: float) -> str:
    """A number of bytes, as one would say it."""
    return f"{count / 1e9:.1f} GB" if count > 0.5e9 else f"{count / 1e6:.0f} MB"


def quoted(words: Sequence[str]) -> str:
    """A command line, as one would type it."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def bar_shows() -> bool:
    """Whether a progress bar would be seen: it goes to stderr, and Docker's terminals lack rows."""
    try:
        return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).lines > 0
    except OSError:
        return False


def with_bar(items: Iterable[T], count: int, unit: str) -> Iterator[T]:
    """The same items, and a progress bar where one shows, which goes away at their end."""
    from tqdm import tqdm

    yield from tqdm(items, total=count, unit=unit, leave=False, disable=not bar_shows())


# The user's wish to stop; and notices, of which Windows has none: a terminal was closed, or Slurm
# says that time is running out.
STOPS = (signal.SIGINT, signal.SIGTERM)
NOTICES = [
    getattr(signal, name) for name in ("SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
]


@contextlib.contextmanager
def caught_signals() -> Iterator[list[int]]:
    """A list that signals go into instead of ending the process: Ctrl-C, SIGTERM, and notices.

    Notices that were ignored before, as with nohup, still are. A second Ctrl-C or SIGTERM ends the
    process at once, which harms nothing: files are replaced in one step. A second notice does not:
    a terminal that is closed may send several.
    """
    caught: list[int] = []

    def catch(number: int, frame: object) -> None:
        if number in STOPS and any(earlier in STOPS for earlier in caught):
            os._exit(128 + number)
        caught.append(number)

    notices = [n for n in NOTICES if signal.getsignal(n) != signal.SIG_IGN]
    previous = {number: signal.signal(number, catch) for number in (*STOPS, *notices)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class Terminal:
    """A stream to a terminal that may be closed: what is written to it after that is lost.

    Elsewhere a stream fails for a reason that the user should know.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        with self.closed_is_fine():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self.closed_is_fine():
            self.stream.flush()

    @contextlib.contextmanager
    def closed_is_fine(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            discard(self.stream)


def discard(stream: TextIO) -> None:
    """Let whatever is or will be written to a stream go nowhere: Python flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(main: Callable[[], int | None]) -> NoReturn:
    """Run a script: what a user can mend ends in one line on stderr and exit status 1."""
    script = Path(sys.argv[0]).name
    for name in ("stdout", "stderr"):
        # Closed, or of a program without a terminal.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - open to the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        # The name of a file may hold characters that the terminal does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    for name in ("stdout", "stderr"):
        if getattr(sys, name).isatty():
            setattr(sys, name, Terminal(getattr(sys, name)))
    try:
        status = main()
        sys.stdout.flush()
        sys.exit(status)
    except UserError as error:
        sys.exit(one_line(f"{script}: error: {error}"))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        # Of standard output: its reader went away, as `| head` does, or its disk is full.
        discard(sys.stdout)
        full = f"{script}: error: cannot write the output: {error.strerror}"
        sys.exit(full if error.errno == errno.ENOSPC else 1)
