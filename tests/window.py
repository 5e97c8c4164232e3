"""A script's window on a virtual screen, and the hands and eyes of who uses it.

Needs Xvfb and xdotool, and python3-tk or PySide6 for the window.
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoencoder import view
from autoencoder.command_line import run
from autoencoder.view.layout import arrange, fitting_dpi
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR
from tests.faults import HANG, Running, Task
from tests.fixtures import DATA, PRETRAINED, need

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import ImageGrab

TOOLKITS = {"tkagg": "tkinter", "qtagg": "PySide6"}
DESKTOP, LAPTOP = "1600x1000", "1366x768"  # the latter is the most common size of a laptop's
# What a machine may have lost is done again after so many seconds: two clicks are no double click.
PATIENCE = 3


@contextlib.contextmanager
def virtual_screen(size: str) -> Iterator[str]:
    """The display of a virtual screen of width x height pixels."""
    need(all(shutil.which(name) for name in ("Xvfb", "xdotool")), "Xvfb and xdotool")
    read, write = os.pipe()
    # Without -noreset it would throw out all clients whenever the last one of a moment goes.
    options = ["-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    command = ["Xvfb", "-noreset", *options]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


@dataclass
class Script:
    """A process's work: to run a script as from the shell, in a folder and an environment.

    Attributes
    ----------
    environment : mapping
        None in place of a value takes the variable away.
    backend : str
        What MPLBACKEND would be.
    """

    name: str
    words: list[str]
    folder: Path
    environment: Mapping[str, str | None]
    backend: str

    @property
    def out(self) -> Path:
        return self.folder / f"{self.backend}.out"

    @property
    def err(self) -> Path:
        return self.folder / f"{self.backend}.err"

    def do(self) -> None:
        sys.stdout, sys.stderr = self.out.open("w"), self.err.open("w")
        sys.argv = [f"{self.name}.py", *self.words]
        for name, value in self.environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        view.BACKEND = self.backend
        os.chdir(self.folder)
        run(importlib.import_module(self.name).main)


class Window:
    """A script's window. What is done to it must not hurry: it waits for what the screen shows."""

    def __init__(self, running: Running, script: Script, display: str) -> None:
        self.running = running
        self.toolkit = script.backend
        self.display = display
        self.environment = os.environ | {"DISPLAY": display}

    # --- until it listens ---------------------------------------------------------------------

    def find(self, title: str, shape: tuple[float, float]) -> None:
        """Wait until the window is there, with a figure of this shape; it may not listen yet."""
        search = ("search", "--onlyvisible", "--name", title)
        self.wait_until(lambda: self.hand(*search, may_fail=True) != "")
        self.id = self.hand(*search)
        width, height = self.size()
        self.bar = height - round(width * shape[1] / shape[0])
        self.measure()
        self.focus()

    def appear(self, title: str, shape: tuple[float, float]) -> None:
        """Wait until the explorer's window is there and listens, at the point where it opens.

        0 shows that digit, and r the centre again.
        """

        def call() -> None:
            self.focus()
            self.press("0")

        def shows_0() -> bool:
            self.measure()  # Tk opens it at one size and goes over to another.
            return is_hollow(self.digit())

        self.find(title, shape)
        self.insist(call, shows_0)
        self.insist(lambda: self.press("r"), lambda: not shows_0())
        self.wait_until(self.is_still)

    def focus(self) -> None:
        """Let the keys go to the window."""
        self.hand("windowfocus", self.id)

    def measure(self) -> None:
        """Learn how large the figure is by now."""
        self.width, height = self.size()
        self.height = height - self.bar
        dpi = fitting_dpi(self.width, self.height)
        self.boxes = arrange(self.width / dpi, self.height / dpi)
        # Qt puts its toolbar above the figure, Tk below.
        self.top = self.bar if self.toolkit == "qtagg" else 0

    def size(self) -> tuple[int, int]:
        lines = self.hand("getwindowgeometry", "--shell", self.id).splitlines()
        values = dict(line.split("=") for line in lines)
        return int(values["WIDTH"]), int(values["HEIGHT"])

    # --- waiting ------------------------------------------------------------------------------

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + HANG
        while True:
            was_alive = self.running.process.is_alive()
            if condition():
                return
            assert was_alive, (self.running.process.exitcode, self.running.err, self.running.out)
            assert time.monotonic() < end, "the screen never showed it"
            time.sleep(0.05)

    def insist(self, action: Callable[[], object], condition: Callable[[], bool]) -> None:
        """Do what is harmless to repeat until it has its effect: a busy machine may lose it."""
        action()
        done = time.monotonic()

        def has_effect() -> bool:
            nonlocal done
            if time.monotonic() > done + PATIENCE:
                action()
                done = time.monotonic()
            return condition()

        self.wait_until(has_effect)

    def wait_for_change(
        self, look: Callable[[], NDArray[np.uint8]], action: Callable[[], object]
    ) -> None:
        before = look()
        action()
        self.wait_until(lambda: not same(look(), before))

    def catch_up(self) -> None:
        """Wait until all that was done has had its effect: the list of keys comes and goes last."""
        self.press("h")
        self.wait_until(self.shows_help)
        self.press("h")
        self.wait_until(lambda: not self.shows_help())

    def shows_help(self) -> bool:
        """Whether the list of keys lies over the black margin of the digit that goes in."""
        self.measure()
        panel = self.digit_in()
        return bool(panel[len(panel) // 2 :, :4].mean() > 128)

    def is_still(self) -> bool:
        """Whether it has come to rest: it had time for the next frame, and shows none."""
        before = self.screen()
        self.catch_up()
        return same(self.screen(), before)

    # --- hands --------------------------------------------------------------------------------

    def hand(self, *words: str | int, may_fail: bool = False) -> str:
        """Run xdotool."""
        done = subprocess.run(
            ["xdotool", *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=not may_fail,
        )
        return done.stdout.strip()

    def press(self, key: str) -> None:
        self.hand("key", key)

    def click(self, pixel: tuple[int, int]) -> None:
        self.hand("mousemove", *pixel, "click", 1)

    def go_to(self, x: float, y: float) -> None:
        """Click on the map until the point is there."""
        self.insist(lambda: self.click(self.on_map(x, y)), lambda: self.has_point_at(x, y))

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 20) -> None:
        self.hand("mousemove", *start, "mousedown", 1)
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step // steps for a, b in zip(start, end, strict=True))
            self.hand("mousemove", x, y)
        self.hand("mouseup", 1)

    def trace(self, pixels: Sequence[tuple[int, int]], button: int = 1) -> None:
        """Draw a line with the pen or erase with the right button, no faster than ink follows."""
        self.hand("mousemove", *pixels[0], "mousedown", button)
        for pixel in pixels:
            self.trace_to(pixel, leaves_ink=button == 1)
        self.hand("mouseup", button)

    def trace_to(self, pixel: tuple[int, int], leaves_ink: bool) -> None:
        x, y = pixel
        self.hand("mousemove", x, y)
        self.wait_until(lambda: (self.screen()[y, x].min() > 128) == leaves_ink)

    def close(self) -> None:
        """Press q until it has closed, with nothing to complain of."""
        self.insist(lambda: self.press("q"), lambda: not self.running.process.is_alive())
        assert (self.running.status(), self.running.err) == (0, "")

    # --- eyes ---------------------------------------------------------------------------------

    def screen(self) -> NDArray[np.uint8]:
        """What is on the screen: (height, width, 3)."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display))

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place on the figure, from fractions counted from its bottom left."""
        return round(x * self.width), round(self.top + (1 - y) * self.height)

    def on_map(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place on the map, from fractions of the map."""
        left, bottom, width, height = self.boxes["map"]
        return self.pixel(left + x * width, bottom + y * height)

    def has_point_at(self, x: float, y: float) -> bool:
        """Whether the red point is at a place on the map."""
        across, down = self.on_map(x, y)
        red = np.round(np.array(to_rgb(POINT_COLOUR)) * 255)
        return bool(np.abs(self.screen()[down, across] - red).max() < 3)

    def in_panel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place in the panel of the digit that goes in, from its top left."""
        left, bottom, width, height = self.boxes["digit in"]
        return self.pixel(left + x * width, bottom + (1 - y) * height)

    def digit_in(self) -> NDArray[np.uint8]:
        """The pixels of the digit that goes in."""
        return self.panel("digit in")

    def digit(self) -> NDArray[np.uint8]:
        """The pixels of the decoded digit."""
        return self.panel("digit")

    def panel(self, part: str) -> NDArray[np.uint8]:
        left, bottom, width, height = self.boxes[part]
        x0, y1 = self.pixel(left, bottom)
        x1, y0 = self.pixel(left + width, bottom + height)
        return self.screen()[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5]

    def map(self) -> NDArray[np.uint8]:
        """The pixels of the map."""
        (x0, y1), (x1, y0) = self.on_map(0, 0), self.on_map(1, 1)
        return self.screen()[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5]

    def legend_entry(self, digit: int) -> tuple[int, int]:
        """The pixel in the middle of a digit's dot in the legend."""
        left, bottom, width, height = self.boxes["legend"]
        (x0, y1), (x1, y0) = self.pixel(left, bottom), self.pixel(left + width, bottom + height)
        colour = np.round(np.array(to_rgb(DIGIT_COLOURS[digit])) * 255)
        y, x = (np.abs(self.screen()[y0:y1, x0:x1] - colour).max(axis=2) < 3).nonzero()
        return x0 + round(x.mean()), y0 + round(y.mean())

    def title(self) -> str:
        return self.hand("getwindowname", self.id)


def same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def is_hollow(digit: NDArray[np.uint8]) -> bool:
    """Whether it is bright but dark in the middle, as a 0 is: where four pixels meet."""
    y, x, a_pixel = digit.shape[0] // 2, digit.shape[1] // 2, digit.shape[0] // 30
    middle = digit[y - a_pixel : y + a_pixel, x - a_pixel : x + a_pixel]
    return bool(middle.max() < 60 < 200 < digit.max())


@pytest.fixture(params=TOOLKITS)
def open_window(
    request: pytest.FixtureRequest, begin: Callable[[Task], Running], tmp_path: Path
) -> Iterator[Callable[..., Window]]:
    """Starts a script that opens a window, with Tk and with Qt, each on a screen of its own."""
    need(importlib.util.find_spec(TOOLKITS[request.param]) is not None, TOOLKITS[request.param])
    with contextlib.ExitStack() as screens:

        def open_window(
            name: str,
            *words: str,
            kind: type[Script] = Script,
            screen: str = DESKTOP,
            **environment: str,
        ) -> Window:
            display = screens.enter_context(virtual_screen(screen))
            words = ("--checkpoint", str(PRETRAINED), "--data", str(DATA), *words)
            variables = {"DISPLAY": display} | environment
            script = kind(name, [*words], tmp_path, variables, request.param)
            return Window(begin(script), script, display)

        yield open_window
