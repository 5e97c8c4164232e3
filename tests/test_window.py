"""The windows as a person meets them: on a virtual screen, with a real mouse and real keys.

Judged by what the screen shows. Needs Xvfb and xdotool, and python3-tk or PySide6 for the window.
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
from typing import Any

from autoencoder import view
from autoencoder.command_line import run
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.view import follower
from autoencoder.view.explorer_view import DIGIT, DIGIT_IN, FIGURE_SIZE, STRIP
from autoencoder.view.map_panel import LEGEND, MAP
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR
from tests.faults import Running, Task
from tests.fixtures import DATA, PRETRAINED, need
from view_ml_compressed import SURFACE_SIZE

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image, ImageGrab

ROUND = np.linspace(0, 2 * np.pi, 25)
TOOLKITS = {"tkagg": "tkinter", "qtagg": "PySide6"}


@contextlib.contextmanager
def virtual_screen(size: str) -> Iterator[str]:
    """The display of a virtual screen of width x height pixels."""
    need(all(shutil.which(name) for name in ("Xvfb", "xdotool")), "Xvfb and xdotool")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as number:
        yield f":{number.readline().strip()}"
    server.terminate()
    server.wait()


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with virtual_screen("1600x1000") as display:
        yield display


@pytest.fixture(scope="module")
def small_display() -> Iterator[str]:
    """The most common size of a laptop's."""
    with virtual_screen("1366x768") as display:
        yield display


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


class Hasty(Script):
    """The explorer, which beside a training waits less than a user's between two networks."""

    def do(self) -> None:
        follower.PAUSE, follower.PAUSE_SHARE = 0.5, 1
        super().do()


class Window:
    """A script's window, and the hands and eyes of who uses it."""

    def __init__(self, running: Running, script: Script, display: str) -> None:
        self.running = running
        self.toolkit = script.backend
        self.display = display
        self.environment = os.environ | {"DISPLAY": display}

    def appear(self, title: str, shape: tuple[float, float]) -> None:
        """Wait until the window is there and its figure, of this shape, is drawn."""
        self.id = self.hand("search", "--sync", "--onlyvisible", "--name", title)
        self.wait_until(lambda: (self.screen() == 255).mean() > 0.2)
        self.wait_until(self.is_still)
        self.hand("windowfocus", "--sync", self.id)
        width, height = self.size()
        self.bar = height - round(width * shape[1] / shape[0])
        # Qt puts its toolbar above the figure, Tk below.
        self.top = self.bar if self.toolkit == "qtagg" else 0
        self.measure()

    def is_still(self) -> bool:
        """Whether it has come to rest: until then a click may be lost."""
        before = self.screen()
        time.sleep(0.5)
        return same(self.screen(), before)

    def size(self) -> tuple[int, int]:
        lines = self.hand("getwindowgeometry", "--shell", self.id).splitlines()
        values = dict(line.split("=") for line in lines)
        return int(values["WIDTH"]), int(values["HEIGHT"])

    def measure(self) -> None:
        """Learn how large the figure is by now."""
        self.width, height = self.size()
        self.height = height - self.bar

    def hand(self, *words: str | int) -> str:
        """Run xdotool."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()

    def screen(self) -> NDArray[np.uint8]:
        """What is on the screen: (height, width, 3)."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display))

    def pixel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place on the figure, from fractions counted from its bottom left."""
        return round(x * self.width), round(self.top + (1 - y) * self.height)

    def on_map(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place on the map, from fractions of the map."""
        left, bottom, width, height = MAP
        return self.pixel(left + x * width, bottom + y * height)

    def in_panel(self, x: float, y: float) -> tuple[int, int]:
        """The pixel of a place in the panel of the digit that goes in, from its top left."""
        left, bottom, width, height = DIGIT_IN
        return self.pixel(left + x * width, bottom + (1 - y) * height)

    def digit_in(self) -> NDArray[np.uint8]:
        """The pixels of the digit that goes in."""
        return self.panel(DIGIT_IN)

    def digit(self) -> NDArray[np.uint8]:
        """The pixels of the decoded digit."""
        return self.panel(DIGIT)

    def panel(self, box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
        left, bottom, width, height = box
        x0, y1 = self.pixel(left, bottom)
        x1, y0 = self.pixel(left + width, bottom + height)
        return self.screen()[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5]

    def map(self) -> NDArray[np.uint8]:
        """The pixels of the map."""
        (x0, y1), (x1, y0) = self.on_map(0, 0), self.on_map(1, 1)
        return self.screen()[y0 + 5 : y1 - 5, x0 + 5 : x1 - 5]

    def legend_entry(self, digit: int) -> tuple[int, int]:
        """The pixel in the middle of a digit's dot in the legend."""
        left, bottom, width, height = LEGEND
        (x0, y1), (x1, y0) = self.pixel(left, bottom), self.pixel(left + width, bottom + height)
        colour = np.round(np.array(to_rgb(DIGIT_COLOURS[digit])) * 255)
        y, x = (np.abs(self.screen()[y0:y1, x0:x1] - colour).max(axis=2) < 3).nonzero()
        return x0 + round(x.mean()), y0 + round(y.mean())

    def press(self, key: str) -> None:
        self.hand("key", key)

    def click(self, pixel: tuple[int, int]) -> None:
        self.hand("mousemove", *pixel, "click", 1)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 20) -> None:
        self.hand("mousemove", *start, "mousedown", 1)
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step // steps for a, b in zip(start, end, strict=True))
            self.hand("mousemove", x, y)
        self.hand("mouseup", 1)

    def trace(self, pixels: Sequence[tuple[int, int]], button: int = 1) -> None:
        """Move the mouse along a line with a button down, no faster than a hand does."""
        self.hand("mousemove", *pixels[0], "mousedown", button)
        time.sleep(0.5)
        for pixel in pixels:
            self.hand("mousemove", *pixel)
            time.sleep(0.04)
        self.hand("mouseup", button)

    def wait_until(self, condition: Callable[[], bool], seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "the screen never showed it"
            assert self.running.process.is_alive(), self.running.err
            time.sleep(0.1)

    def wait_for_change(
        self, look: Callable[[], NDArray[np.uint8]], action: Callable[[], object]
    ) -> None:
        before = look()
        action()
        self.wait_until(lambda: not same(look(), before))


def same(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def is_hollow(digit: NDArray[np.uint8]) -> bool:
    """Whether it is bright but dark in the middle, as a 0 is."""
    middle = digit[digit.shape[0] // 2, digit.shape[1] // 2].max()
    return bool(middle < 60 < 200 < digit.max())


def amount(picture: NDArray[np.uint8], colour: str) -> int:
    """How many pixels have a hue like this colour's."""
    wanted = np.array(to_rgb(colour))
    seen = picture / 255
    # Translucent dots on white: the colour on its way to white.
    depth = (1 - seen).max(axis=2, keepdims=True)
    full = 1 - (1 - seen) / np.maximum(depth, 1e-9) * (1 - wanted).max()
    return int(((np.abs(full - wanted).max(axis=2) < 0.04) & (depth[..., 0] > 0.3)).sum())


@pytest.fixture(params=TOOLKITS)
def open_window(
    request: pytest.FixtureRequest,
    begin: Callable[[Task], Running],
    display: str,
    small_display: str,
    tmp_path: Path,
) -> Callable[..., Window]:
    """Starts a script that opens a window, with Tk and with Qt."""
    need(importlib.util.find_spec(TOOLKITS[request.param]) is not None, TOOLKITS[request.param])

    def open_window(
        name: str,
        *words: str,
        kind: type[Script] = Script,
        small_screen: bool = False,
        **environment: str,
    ) -> Window:
        screen = small_display if small_screen else display
        words = ("--checkpoint", str(PRETRAINED), "--data", str(DATA), *words)
        script = kind(name, [*words], tmp_path, {"DISPLAY": screen} | environment, request.param)
        return Window(begin(script), script, screen)

    return open_window


@pytest.mark.parametrize(
    "open_window", ["tkagg", pytest.param("qtagg", marks=pytest.mark.slow)], indirect=True
)
def test_a_visit(open_window: Callable[..., Window], tmp_path: Path) -> None:
    """One after the other what a visitor does, in one window: opening it takes longest."""
    window = open_window("interac_decompression")
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    # A click moves the red point there, and another digit appears.
    place = window.on_map(0.75, 0.8)
    red = np.round(np.array(to_rgb(POINT_COLOUR)) * 255)

    def is_there() -> bool:
        # On a busy machine the first click may come before the window listens.
        # A second one at once would be a double click.
        window.click(place)
        time.sleep(1)
        return bool(np.abs(window.screen()[place[1], place[0]] - red).max() < 3)

    window.wait_for_change(window.digit, lambda: window.wait_until(is_there))

    # Dragging across the map ends at the same digit as a click there.
    end = window.on_map(0.3, 0.3)
    window.wait_for_change(window.digit, lambda: window.drag(place, end))
    time.sleep(0.5)
    dragged = window.digit()
    window.wait_for_change(window.digit, lambda: window.click(place))
    window.click(end)
    window.wait_until(lambda: same(window.digit(), dragged))

    # Hovering changes nothing.
    window.hand("mousemove", *window.on_map(0.5, 0.5))
    time.sleep(0.3)
    assert same(window.digit(), dragged)

    # A number shows that digit, r the centre, arrows a nearby one.
    window.press("0")
    window.wait_until(lambda: is_hollow(window.digit()))
    window.wait_for_change(window.digit, lambda: window.press("shift+Left"))
    window.wait_for_change(window.digit, lambda: window.press("Up"))
    window.wait_for_change(window.digit, lambda: window.press("r"))

    # The grid, the list of keys, and away with them.
    plain = window.map()
    window.wait_for_change(window.map, lambda: window.press("g"))
    window.wait_for_change(window.map, lambda: window.press("h"))
    window.wait_for_change(window.map, lambda: window.press("h"))
    window.press("g")
    window.wait_until(lambda: same(window.map(), plain))

    # A click in the legend hides a digit's dots, another shows them.
    ones = amount(plain, DIGIT_COLOURS[1])
    assert ones > 1000
    entry = window.legend_entry(1)
    window.click(entry)
    window.wait_until(lambda: amount(window.map(), DIGIT_COLOURS[1]) < 0.1 * ones)
    window.click(entry)
    window.wait_until(lambda: same(window.map(), plain))

    # Strokes go in, a digit comes back; the right button erases, c clears.
    empty = window.digit_in()
    ring = [window.in_panel(0.5 + 0.2 * np.cos(a), 0.5 + 0.3 * np.sin(a)) for a in ROUND]
    window.wait_for_change(window.digit, lambda: window.trace(ring))
    window.wait_until(lambda: is_hollow(window.digit()))
    window.wait_for_change(window.digit_in, lambda: window.trace(ring[:6], button=3))
    window.press("c")
    window.wait_until(lambda: same(window.digit_in(), empty))

    # A click on a neighbour takes it in, n another one; moving the point empties the panel.
    left, bottom, width, height = STRIP
    neighbour = window.pixel(left + 0.05 * width, bottom + 0.5 * height)
    window.wait_for_change(window.digit_in, lambda: window.click(neighbour))
    window.wait_for_change(window.digit_in, lambda: window.press("n"))
    window.click(window.on_map(0.3, 0.4))
    window.wait_until(lambda: same(window.digit_in(), empty))
    window.wait_for_change(window.map, lambda: window.press("d"))
    window.wait_for_change(window.map, lambda: window.press("d"))

    # The tour goes on by itself until told to stop.
    window.wait_for_change(window.digit, lambda: window.press("t"))
    window.wait_for_change(window.digit, lambda: time.sleep(0.5))
    window.press("t")
    time.sleep(0.5)
    stopped = window.digit()
    time.sleep(0.5)
    assert same(window.digit(), stopped)

    # p leads to the map without a network, w marks a walk there, and both lead back.
    window.wait_for_change(window.digit, lambda: window.press("r"))
    window.wait_until(window.is_still)
    plain = window.map()
    window.wait_for_change(window.map, lambda: window.press("p"))
    window.wait_until(window.is_still)
    window.press("w")
    window.wait_for_change(window.digit, lambda: window.click(window.on_map(0.7, 0.6)))
    strip = window.panel(STRIP)
    window.press("w")
    window.wait_until(lambda: not same(window.panel(STRIP), strip))
    window.press("w")
    window.press("p")
    window.press("r")
    window.wait_until(lambda: same(window.map(), plain))

    # s saves what the screen shows.
    window.press("s")
    saved = tmp_path / "latent_space_1.png"
    window.wait_until(saved.exists)
    on_screen = window.screen()[window.top : window.top + window.height, : window.width]
    with Image.open(saved) as file:
        picture = file.convert("RGB")
    on_screen = np.asarray(Image.fromarray(on_screen).resize(picture.size))
    assert np.abs(np.asarray(picture).astype(int) - on_screen).mean() < 5

    # While the toolbar zooms, the mouse belongs to it: the map changes and the point does not.
    time.sleep(0.3)
    digit = window.digit()
    window.press("o")
    corners = window.on_map(0.3, 0.3), window.on_map(0.6, 0.6)
    window.wait_for_change(window.map, lambda: window.drag(*corners))
    zeros = amount(plain, DIGIT_COLOURS[0])
    window.wait_until(lambda: amount(window.map(), DIGIT_COLOURS[0]) < 0.5 * zeros)
    assert same(window.digit(), digit)
    window.press("o")
    # After zooming, the point follows the mouse again, at the new scale.
    window.wait_for_change(window.digit, lambda: window.click(window.on_map(0.8, 0.8)))

    # Resizing redraws everything at the new size, and the mouse still hits.
    window.hand("windowsize", "--sync", window.id, 1100, 700)
    time.sleep(1)
    window.measure()
    assert window.width == 1100
    window.wait_for_change(window.digit, lambda: window.click(window.on_map(0.2, 0.2)))

    # q closes it.
    window.press("q")
    assert (window.running.status(20), window.running.err) == (0, "")
    assert "epoch 600" in window.running.out


@pytest.mark.parametrize("open_window", ["qtagg"], indirect=True)
def test_at_125_percent_a_drag_leaves_no_scratches(
    open_window: Callable[..., Window],
) -> None:
    window = open_window("interac_decompression", QT_SCALE_FACTOR="1.25")
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    window.drag(window.on_map(0.3, 0.3), window.on_map(0.7, 0.6), steps=30)
    time.sleep(0.5)
    dragged = window.screen()
    for _ in range(2):
        window.wait_for_change(window.map, lambda: window.press("g"))
    window.wait_until(lambda: (np.abs(window.screen().astype(int) - dragged) > 8).sum() < 20)


@pytest.mark.parametrize(
    "open_window", ["tkagg", pytest.param("qtagg", marks=pytest.mark.slow)], indirect=True
)
def test_a_french_keyboard_and_caps_lock(open_window: Callable[..., Window]) -> None:
    """And a screen that is smaller than the window wants to be."""
    window = open_window("interac_decompression", small_screen=True)
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    width, height = window.size()
    assert width <= 1366
    assert height <= 768
    subprocess.run(["setxkbmap", "fr"], env=window.environment, check=True)
    window.wait_for_change(window.digit, lambda: window.press("10"))  # the key of 1, as X11 counts
    window.wait_for_change(window.digit, lambda: window.press("19"))
    window.wait_until(lambda: is_hollow(window.digit()))
    # g shows the grid, and once only for as long as it is held.
    window.press("Caps_Lock")
    plain = window.map()
    window.hand("keydown", "g")
    window.wait_until(lambda: not same(window.map(), plain))
    end = time.monotonic() + 1.2
    while time.monotonic() < end:
        assert not same(window.map(), plain)
    window.hand("keyup", "g")


@pytest.mark.parametrize("open_window", ["tkagg"], indirect=True)
def test_beside_a_training_the_map_unfolds(
    open_window: Callable[..., Window], background: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    best = folder / "autoencoder_best.pth"
    folder.mkdir()
    best.write_bytes(PRETRAINED.read_bytes())
    words = ("--checkpoint", str(best), "--samples", "2000")
    window = open_window("interac_decompression", *words, kind=Hasty)
    window.appear("Latent space of MNIST.*epoch 600", FIGURE_SIZE)
    shown, digit = window.map(), window.digit()

    # The training sets the file aside and makes its own, again and again.
    running = background("--epochs", "8", "--checkpoints", folder, "--img", tmp_path / "img")
    window.wait_until(lambda: not same(window.map(), shown), 60)
    window.wait_until(lambda: not same(window.digit(), digit))
    running.process.join(60)
    last = load_checkpoint(best)
    title = f"epoch {last.epoch}, loss {last.loss:.5f}, test MSE {last.test_mse:.5f}"
    window.wait_until(lambda: title in window.hand("getwindowname", window.id), 30)
    window.wait_until(window.is_still)

    # Garbage leaves the window as it is but for its message; a good file brings the first map back.
    trained = window.map()
    best.write_bytes(b"garbage")
    before = window.screen()
    window.wait_until(lambda: not same(window.screen(), before))
    assert same(window.map(), trained)
    best.write_bytes(PRETRAINED.read_bytes())
    window.wait_until(lambda: "epoch 600" in window.hand("getwindowname", window.id), 30)
    window.press("r")
    window.wait_until(lambda: same(window.map(), shown))


@pytest.mark.parametrize(
    "open_window", [pytest.param("tkagg", marks=pytest.mark.slow), "qtagg"], indirect=True
)
def test_a_density_turns_with_the_mouse(open_window: Callable[..., Window], tmp_path: Path) -> None:
    window = open_window("view_ml_compressed", "--output", ".")
    window.appear("Density of the digits", SURFACE_SIZE)
    assert (tmp_path / "latent_space_density_3d_digit3.png").exists()
    middle, right = window.pixel(0.45, 0.45), window.pixel(0.65, 0.45)
    time.sleep(0.5)
    window.wait_for_change(window.screen, lambda: window.drag(middle, right, steps=5))
    window.press("q")
    assert (window.running.status(20), window.running.err) == (0, "")


def test_without_a_display_one_line_says_what_to_do(
    begin: Callable[[Task], Running], tmp_path: Path
) -> None:
    need(sys.platform == "linux", "Linux, where a display can be missing")
    refusals = {}
    for backend in ("", "tkagg", "qtagg", "agg"):  # those that a user may name, or none
        environment = {"DISPLAY": None, "WAYLAND_DISPLAY": None}
        words = ["--data", str(DATA)]
        running = begin(Script("interac_decompression", words, tmp_path, environment, backend))
        assert running.status(60) == 1
        refusals[backend] = running.err
    for backend, err in refusals.items():
        assert len(err.strip().splitlines()) == 1
        needs = "python3-tk", "PySide6-Essentials"
        wanted = ("agg, which opens none",) if backend == "agg" else needs
        assert all(word in err for word in (*wanted, "--save PICTURE.png"))
