"""Work that would make the window wait, done in a thread."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any

from autoencoder.view.event_loop import EventLoop

POLL_MS = 50


class Background:
    """Does one piece of work after the other, and hands what it made to the thread of the window.

    When the window closes, the work in hand is done to its end, for nobody, and no other is begun.

    Parameters
    ----------
    loop : EventLoop
        Where it does not run, the work is done at once.
    is_free : callable
        Tells whether the window can take what was made; until then that waits.

    Attributes
    ----------
    thread : ThreadPoolExecutor
        The process must not end before it: a thread that is cut off inside torch aborts.
    """

    def __init__(self, loop: EventLoop, is_free: Callable[[], bool]) -> None:
        self.loop, self.is_free = loop, is_free
        self.thread = ThreadPoolExecutor(1)
        loop.endings.append(partial(self.thread.shutdown, wait=False, cancel_futures=True))
        self.timer = loop.timer(POLL_MS, self.look)
        self.pending: deque[tuple[Future[Any], Callable[[Future[Any]], object]]] = deque()

    def begin(
        self, make: Callable[[], Any], take: Callable[[Future[Any]], object] = Future.result
    ) -> None:
        """Begin to make something, to be taken when it is made or has failed."""
        work = self.thread.submit(make)
        self.pending.append((work, take))
        if not self.loop.runs:
            wait([work])
            self.look()
        elif len(self.pending) == 1:
            self.timer.start()

    def look(self) -> None:
        """Hand over what is made, as long as the window is free."""
        while self.pending and self.pending[0][0].done() and self.is_free():
            work, take = self.pending.popleft()
            take(work)
        if not self.pending:
            self.timer.stop()
