"""What keeps a window going, its events and its timers, and how all of that ends."""

from collections.abc import Callable
from functools import partial
from typing import Any

from matplotlib.backend_bases import CloseEvent, Event, FigureManagerBase


class EventLoop:
    """The events and timers of a canvas; whatever listens or ticks ends when its window closes.

    Parameters
    ----------
    canvas : FigureCanvasBase

    Attributes
    ----------
    runs : bool
        Whether the canvas is a window's. Otherwise no timer fires, and no events pile up either.
    endings : list of callable
        What to do when the window closes.
    """

    def __init__(self, canvas: Any) -> None:
        self.canvas = canvas
        self.runs = canvas.required_interactive_framework is not None
        self.endings: list[Callable[[], object]] = []
        canvas.mpl_connect("close_event", self.end)

    def connect(self, name: str, act: Callable[[Any], object]) -> None:
        """Have an event of this name lead to an action."""
        connection = self.canvas.mpl_connect(name, act)
        self.endings.append(partial(self.canvas.mpl_disconnect, connection))

    def timer(self, milliseconds: int, act: Callable[[], object]) -> Any:
        """A timer that has yet to be started."""
        timer = self.canvas.new_timer(milliseconds, [(act, (), {})])
        self.endings.append(timer.stop)
        return timer

    def end(self, event: Event) -> None:
        for ending in self.endings:
            ending()


def announce_closing(manager: FigureManagerBase) -> None:
    """Have a window's close event come before anything of it is gone.

    Tk's comes when nothing is left, and its timers fire until then, on a figure without a canvas.
    """
    canvas, destroy = manager.canvas, manager.destroy

    def announce_and_destroy(*arguments: Any) -> None:
        canvas.callbacks.process("close_event", CloseEvent("close_event", canvas))
        destroy(*arguments)

    manager.destroy = announce_and_destroy  # type: ignore[method-assign]
