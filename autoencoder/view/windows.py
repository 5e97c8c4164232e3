"""Windows: the toolkit that opens them, their place on the screen, and how long they are open."""

import gc
import importlib.util
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from autoencoder import UserError, view
from autoencoder.view.event_loop import announce_closing

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

NEEDS = "this needs a display, and python3-tk or `pip install PySide6-Essentials`"
# matplotlib's names of the toolkits, in the order in which it tries them, and of Qt's bindings.
TOOLKITS = ("macosx", "qtagg", "gtk4agg", "gtk3agg", "tkagg", "wxagg")
BINDINGS_5 = ("PyQt5", "PySide2")
BINDINGS = ("PyQt6", "PySide6", *BINDINGS_5)
# What a title bar, a toolbar and the system's own bars take of a screen, in pixels.
BARS = (70, 140)


def open_window(size: tuple[float, float], dpi: float, title: str) -> Figure:
    """A figure in a window of its own, which fits on the screen.

    Parameters
    ----------
    size : (width, height)
        In inches.
    dpi : float
        Pixels an inch; fewer on a screen that is too small for them.
    title : str

    Raises
    ------
    UserError
        If no window can open; it says why.
    """
    from matplotlib import pyplot as plt

    figure = first_figure(size, dpi)
    room = room_on_screen(getattr(figure.canvas.manager, "window", None)) - BARS
    smaller = dpi * min(1, *(room / (dpi * np.array(size))))
    if smaller < dpi:
        plt.close(figure)
        del figure
        # Tk aborts where another thread comes to free its window.
        gc.collect()
        figure = plt.figure(figsize=size, dpi=smaller)
    manager: Any = figure.canvas.manager
    manager.set_window_title(title)
    announce_closing(manager)
    return figure


def first_figure(size: tuple[float, float], dpi: float) -> Figure:
    """A figure of the toolkit that the user names, or else of the first that starts."""
    from matplotlib import pyplot as plt

    # A plain look-up would choose a backend where none is named, and load its toolkit.
    backend = dict.__getitem__(mpl.rcParams, "backend")
    named = view.BACKEND or (backend if isinstance(backend, str) else "")
    causes = []
    for toolkit in [named] if named else TOOLKITS if may_have_display() else ():
        try:
            if toolkit.lower().startswith("qt"):
                try_qt(BINDINGS_5 if "5" in toolkit else BINDINGS)
            plt.switch_backend(toolkit)
            figure = plt.figure(figsize=size, dpi=dpi)
        # Toolkits have exceptions of their own.
        except Exception as error:
            # Of those that nobody named, most are just not installed.
            if named or not isinstance(error, ImportError) or "shared object" in str(error):
                causes.append(str(error))
            continue
        if figure.canvas.manager and figure.canvas.required_interactive_framework:
            return figure
        plt.close(figure)
        raise UserError(
            f"no window can open: matplotlib's backend is {toolkit}, which opens none;"
            " unset MPLBACKEND"
        )
    why = f" ({'; '.join(causes)})" if causes else ""
    raise UserError(f"no window can open{why}: {NEEDS}")


def may_have_display() -> bool:
    """Whether it makes sense to try toolkits, which takes time."""
    names = "DISPLAY", "WAYLAND_DISPLAY"
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)


# --- Qt ---------------------------------------------------------------------------------------

# Starts Qt with the first of these bindings that can be imported.
TRIAL = """
import importlib, os, sys
for binding in sys.argv[1:]:
    try:
        widgets = importlib.import_module(binding + ".QtWidgets")
    except ImportError as error:
        print(error, file=sys.stderr)
    else:
        application = widgets.QApplication([])
        os._exit(0)
sys.exit(1)
"""


def try_qt(bindings: Sequence[str]) -> None:
    """Start Qt in a process of its own: where it cannot, it aborts the process it is in.

    Parameters
    ----------
    bindings : sequence of str
        Those that would do, the first choice first; where none is installed, nothing happens.

    Raises
    ------
    RuntimeError
        If it cannot; it names the missing library.
    """
    wanted = os.environ.get("QT_API", "").lower()
    installed = [
        name
        for name in bindings
        if wanted in ("", name.lower()) and importlib.util.find_spec(name) is not None
    ]
    if not installed:
        return
    done = subprocess.run(
        [sys.executable, "-c", TRIAL, *installed],
        env=os.environ | {"QT_DEBUG_PLUGINS": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"Qt cannot start: {cause_in(done.stderr)}")


def cause_in(complaints: str) -> str:
    """What keeps Qt from starting, by what it says when asked for all that happens to its plugins.

    Of a missing library it says no more by itself than that its plugin could not be loaded.
    """
    if library := re.search(r"(lib[^\s/:]+): cannot open shared object file", complaints):
        return f"{library[1]} is missing"
    if refusal := re.search(r"qt\.qpa\.\S+: (.+)", complaints):
        return refusal[1].strip()
    return (complaints.strip().splitlines() or ["it does not say why"])[-1]


# --- the screen -------------------------------------------------------------------------------


def room_on_screen(window: Any) -> NDArray[np.float64]:
    """The width and height of the screen that a window is on, in pixels, as Tk and Qt know it."""
    if hasattr(window, "winfo_screenwidth"):
        return np.array([window.winfo_screenwidth(), window.winfo_screenheight()], dtype=float)
    if hasattr(window, "screen"):
        size = window.screen().availableSize()
        return np.array([size.width(), size.height()], dtype=float)
    return np.array([np.inf, np.inf])


def show_windows() -> None:
    """Run until the user has closed all windows.

    From here on Ctrl-C ends the process at once: toolkits would print a traceback and go on.
    """
    from matplotlib import pyplot as plt

    signal.signal(signal.SIGINT, signal.SIG_DFL)
    plt.show()
