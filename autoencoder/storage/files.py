"""Files that are replaced in one step, and folders that can be written to."""

import contextlib
import errno
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, ParamSpec, TypeVar

from autoencoder import UserError

P = ParamSpec("P")
T = TypeVar("T")

# Seconds that another program has to let go of a file.
PATIENCE = 5


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: whoever pulls the plug finds the old one or the new one.

    Raises
    ------
    UserError
        If it cannot be written, as on a full disk; the old file is then as it was.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        patiently(temporary.replace, path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError):
            raise
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def patiently(action: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
    """Do something with a file, again and again for some seconds while it is in use.

    On Windows nobody can replace a file that is being read, as a virus scanner does for a moment.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return action(*arguments, **options)
        except OSError as error:
            if not is_in_use(error) or time.monotonic() > until:
                raise
        time.sleep(0.1)


def is_in_use(error: OSError) -> bool:
    """Whether an error may go away when another program lets go of the file."""
    return isinstance(error, PermissionError) or error.errno == errno.EBUSY


def sync_folder(path: Path) -> None:
    """Flush a folder to the disk, so that a renamed file survives a power cut."""
    # Windows cannot, and some network disks cannot either.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder if it is missing; raises UserError if it cannot be written to."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        dangling = isinstance(error, FileExistsError) and path.is_symlink()
        why = "it is a link to nothing" if dangling else error.strerror
        raise UserError(f"cannot write to {path}: {why}") from error


def lock(file: IO[str]) -> bool:
    """Lock an open file, until it is closed or the process ends.

    Returns
    -------
    Whether it is locked now; False if another process holds the lock.

    Raises
    ------
    OSError
        If the file system has no locks, as some network disks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True


def beside_the_scripts(name: str) -> Path:
    """A file or folder that ships with the project, from whichever folder a script is started."""
    project = Path(__file__).parents[2]
    return Path(name) if Path.cwd() == project else project / name
