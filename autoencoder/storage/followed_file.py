"""A file that another program replaces from time to time."""

from pathlib import Path


class FollowedFile:
    """Tells when a file is another than before, at the cost of one ``stat``.

    Parameters
    ----------
    path : Path
        It need not exist yet.

    Attributes
    ----------
    seen : tuple of int, or None
        What tells the file that was there from the next; None where there was none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen = identity(path)

    def has_changed(self) -> bool:
        """Whether it was replaced, written, made or removed since this was last asked."""
        before, self.seen = self.seen, identity(self.path)
        return self.seen != before


def identity(path: Path) -> tuple[int, int, int] | None:
    """What tells one file of a name from the next; None where there is none that can be read."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
