"""Work that would make the window wait, done in a thread."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

POLL_MS = 50


class Background:
    """Does one piece of work at a time, and hands what it made to the thread of the window.

    Parameters
    ----------
    canvas : FigureCanvasBase
        Without an event loop, the work is done at once.
    """

    def __init__(self, canvas: Any) -> None:
        self.has_event_loop = canvas.required_interactive_framework is not None
        self.timer = canvas.new_timer(POLL_MS, [(self.look, (), {})])
        self.threads = ThreadPoolExecutor(1)
        self.work: Future[Any] | None = None

    def begin(self, make: Callable[[], Any], take: Callable[[Future[Any]], None]) -> None:
        """Begin to make something, to be taken when it is made or has failed."""
        if self.work is not None:
            return
        self.work, self.take = self.threads.submit(make), take
        if self.has_event_loop:
            self.timer.start()
        else:
            self.work.exception()  # It waits.
            self.look()

    def look(self) -> None:
        """Hand over the work if it is done."""
        if self.work is not None and self.work.done():
            self.timer.stop()
            work, self.work = self.work, None
            self.take(work)
