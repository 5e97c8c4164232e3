"""The windows as a person meets them: on a virtual screen, with a real mouse and real keys.

Judged by what the screen shows.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.view import follower
from autoencoder.view.keyboard import HeldKey
from autoencoder.view.layout import FIGURE_SIZE
from autoencoder.view.pictures import DIGIT_COLOURS
from autoencoder.view.windows import cause_in
from tests.faults import Running, Task
from tests.fixtures import DATA, PRETRAINED, need
from tests.window import LAPTOP, Script, Window, is_hollow, same
from view_ml_compressed import SURFACE_SIZE

import numpy as np
import pytest
from matplotlib.backend_bases import KeyEvent
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from PIL import Image

ROUND = np.linspace(0, 2 * np.pi, 25)
KEYS_OF_1_0_AND_Z = "10", "19", "52"  # as X11 counts


class Hasty(Script):
    """The explorer, which beside a training waits less than a user's between two networks."""

    def do(self) -> None:
        follower.PAUSE, follower.PAUSE_SHARE = 0.5, 1
        super().do()


class Telling(Script):
    """The explorer, which tells of each press of a key that reaches it."""

    def do(self) -> None:
        repeats = HeldKey.repeats

        def tell(keyboard: HeldKey, event: KeyEvent) -> bool:
            print("a press of", event.key, flush=True)
            return repeats(keyboard, event)

        with mock.patch.object(HeldKey, "repeats", tell):
            super().do()


def amount(picture: NDArray[np.uint8], colour: str) -> int:
    """How many pixels have a hue like this colour's."""
    wanted = np.array(to_rgb(colour))
    seen = picture / 255
    # Translucent dots on white: the colour on its way to white.
    depth = (1 - seen).max(axis=2, keepdims=True)
    full = 1 - (1 - seen) / np.maximum(depth, 1e-9) * (1 - wanted).max()
    return int(((np.abs(full - wanted).max(axis=2) < 0.04) & (depth[..., 0] > 0.3)).sum())


@pytest.mark.parametrize(
    "open_window", ["tkagg", pytest.param("qtagg", marks=pytest.mark.slow)], indirect=True
)
def test_a_visit(open_window: Callable[..., Window], tmp_path: Path) -> None:
    """One after the other what a visitor does, in one window: opening it takes longest."""
    window = open_window("interac_decompression")
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    # A click moves the red point there, and another digit appears.
    window.wait_for_change(window.digit, lambda: window.go_to(0.75, 0.8))

    # Dragging across the map ends at the same digit as a click there.
    window.drag(window.on_map(0.75, 0.8), window.on_map(0.3, 0.3))
    window.wait_until(lambda: window.has_point_at(0.3, 0.3))
    dragged = window.digit()
    window.wait_for_change(window.digit, lambda: window.go_to(0.75, 0.8))
    window.go_to(0.3, 0.3)
    window.wait_until(lambda: same(window.digit(), dragged))

    # Hovering changes nothing.
    window.hand("mousemove", *window.on_map(0.5, 0.5))
    window.catch_up()
    assert same(window.digit(), dragged)

    # A number shows that digit, r the centre, arrows a nearby one.
    window.press("0")
    window.wait_until(lambda: is_hollow(window.digit()))
    window.wait_for_change(window.digit, lambda: window.press("shift+Left"))
    window.wait_for_change(window.digit, lambda: window.press("Up"))
    window.wait_for_change(window.digit, lambda: window.press("r"))

    # The grid, the list of keys, and away with them.
    window.wait_until(window.is_still)
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
    left, bottom, width, height = window.boxes["strip"]
    neighbour = window.pixel(left + 0.05 * width, bottom + 0.5 * height)
    window.wait_for_change(window.digit_in, lambda: window.click(neighbour))
    window.wait_for_change(window.digit_in, lambda: window.press("n"))
    window.go_to(0.3, 0.4)
    window.wait_until(lambda: same(window.digit_in(), empty))
    window.wait_for_change(window.map, lambda: window.press("d"))
    window.wait_for_change(window.map, lambda: window.press("d"))

    # The tour goes on by itself until told to stop.
    window.wait_for_change(window.digit, lambda: window.press("t"))
    window.wait_for_change(window.digit, lambda: None)
    window.press("t")
    window.wait_until(window.is_still)

    # p leads to the map without a network, w marks a walk there, and both lead back.
    window.wait_for_change(window.digit, lambda: window.press("r"))
    window.wait_until(window.is_still)
    plain = window.map()
    window.wait_for_change(window.map, lambda: window.press("p"))
    window.wait_until(window.is_still)
    window.press("w")
    window.wait_for_change(window.digit, lambda: window.go_to(0.7, 0.6))
    strip = window.panel("strip")
    window.press("w")
    window.wait_until(lambda: not same(window.panel("strip"), strip))
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

    # While the toolbar zooms, the map is its own: it changes and the point does not.
    digit = window.digit()
    window.press("o")
    corners = window.on_map(0.3, 0.3), window.on_map(0.6, 0.6)
    window.wait_for_change(window.map, lambda: window.drag(*corners))
    zeros = amount(plain, DIGIT_COLOURS[0])
    window.wait_until(lambda: amount(window.map(), DIGIT_COLOURS[0]) < 0.5 * zeros)
    assert same(window.digit(), digit)
    window.trace(ring)  # in the panel, it draws
    window.press("o")
    # After zooming, the point follows the mouse again, at the new scale.
    window.wait_for_change(window.digit, lambda: window.go_to(0.8, 0.8))

    # Resizing redraws everything at the new size, and the mouse still hits.
    resize = ("windowsize", window.id, 800, 500)
    window.insist(lambda: window.hand(*resize), lambda: window.size()[0] == 800)
    window.measure()
    window.go_to(0.2, 0.2)
    window.press("0")
    window.wait_until(lambda: is_hollow(window.digit()))

    window.close()
    assert "epoch 600" in window.running.out


@pytest.mark.parametrize("open_window", ["qtagg"], indirect=True)
def test_at_125_percent_a_drag_leaves_no_scratches(
    open_window: Callable[..., Window],
) -> None:
    window = open_window("interac_decompression", QT_SCALE_FACTOR="1.25")
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    window.drag(window.on_map(0.3, 0.3), window.on_map(0.7, 0.6), steps=30)
    window.wait_until(lambda: window.has_point_at(0.7, 0.6))
    dragged = window.screen()
    for _ in range(2):
        window.wait_for_change(window.map, lambda: window.press("g"))
    window.wait_until(lambda: (np.abs(window.screen().astype(int) - dragged) > 8).sum() < 20)


@pytest.mark.parametrize(
    "open_window", ["tkagg", pytest.param("qtagg", marks=pytest.mark.slow)], indirect=True
)
def test_a_french_keyboard_and_caps_lock(open_window: Callable[..., Window]) -> None:
    """And a screen that is smaller than the window wants to be."""
    window = open_window("interac_decompression", kind=Telling, screen=LAPTOP)
    window.appear("Latent space of MNIST", FIGURE_SIZE)
    width, height = window.size()
    assert width <= 1366
    assert height <= 768
    one, zero, z = KEYS_OF_1_0_AND_Z
    plain = window.map()
    subprocess.run(["setxkbmap", "fr"], env=window.environment, check=True)
    # There z is w, which marks A, then B, and then takes the walk away.
    window.insist(lambda: window.press(z), lambda: not same(window.map(), plain))
    window.press(z)
    window.insist(lambda: window.press(z), lambda: same(window.map(), plain))
    window.wait_for_change(window.digit, lambda: window.press(one))
    window.press(zero)
    window.wait_until(lambda: is_hollow(window.digit()))
    # g shows the grid, and once only for as long as it is held.
    window.press("Caps_Lock")
    window.wait_until(window.is_still)
    plain = window.map()
    window.hand("keydown", "g")
    window.wait_until(lambda: not same(window.map(), plain))

    def was_repeated() -> bool:
        assert not same(window.map(), plain)
        return window.running.out.count("a press of G") > 10

    window.wait_until(was_repeated)
    window.hand("keyup", "g")
    window.catch_up()
    assert not same(window.map(), plain)


@pytest.mark.parametrize("open_window", ["tkagg"], indirect=True)
def test_beside_a_training_the_map_unfolds(
    open_window: Callable[..., Window], background: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    best = folder / "autoencoder_best.pth"
    folder.mkdir()
    words = ("--checkpoint", str(best), "--samples", "2000")
    window = open_window("interac_decompression", *words, kind=Hasty)
    # The pretrained network, until the training writes its best one, again and again.
    window.appear(f"Latent space of MNIST: waiting for {best}", FIGURE_SIZE)
    shown, digit = window.map(), window.digit()
    running = background("--epochs", "8", "--checkpoints", folder, "--img", tmp_path / "img")
    window.wait_until(lambda: not same(window.map(), shown))
    window.wait_until(lambda: not same(window.digit(), digit))
    assert running.status() == 0
    last = load_checkpoint(best)
    title = f"epoch {last.epoch}, loss {last.loss:.5f}, test MSE {last.test_mse:.5f}"
    window.wait_until(lambda: title in window.title())
    window.wait_until(window.is_still)

    # Garbage leaves the window as it is but for its message; a good file brings the first map back.
    before, trained = window.screen(), window.map()
    best.write_bytes(b"garbage")
    window.wait_until(lambda: not same(window.screen(), before))
    assert same(window.map(), trained)
    best.write_bytes(PRETRAINED.read_bytes())
    window.wait_until(lambda: "epoch 600" in window.title())
    window.press("r")
    window.wait_until(lambda: same(window.map(), shown))


@pytest.mark.parametrize(
    "open_window", [pytest.param("tkagg", marks=pytest.mark.slow), "qtagg"], indirect=True
)
def test_a_density_turns_with_the_mouse(open_window: Callable[..., Window], tmp_path: Path) -> None:
    window = open_window("view_ml_compressed", "--output", ".")
    window.find("Density of the digits", SURFACE_SIZE)
    assert (tmp_path / "latent_space_density_3d_digit3.png").exists()
    window.hand("mousemove", *window.pixel(0.45, 0.45), "mousedown", 1)

    def pull(x: float) -> None:
        window.hand("mousemove", *window.pixel(x, 0.45))

    # What it draws as it opens changes its picture too, but not five times.
    for x in (0.49, 0.53, 0.57, 0.61, 0.65):
        window.wait_for_change(window.screen, partial(pull, x))
    window.hand("mouseup", 1)
    window.close()


def test_a_library_that_qt_lacks_is_named() -> None:
    plugin = "/PySide6/Qt/plugins/platforms/libqxcb.so"
    lacking = "libxcb-icccm.so.4: cannot open shared object file: No such file or directory"
    complaints = (
        f"qt.core.plugin.loader: Found metadata in lib {plugin}, metadata=",
        f'qt.core.library: "{plugin}" cannot load: Cannot load library {plugin}: {lacking}',
        "qt.qpa.plugin: From 6.5.0, xcb-cursor0 or libxcb-cursor0 is needed to load the plugin.",
        'qt.qpa.plugin: Could not load the Qt platform plugin "xcb" in "" even though it was found',
    )
    assert cause_in("\n".join(complaints)) == "libxcb-icccm.so.4 is missing"


def test_without_a_display_one_line_says_what_to_do(
    begin: Callable[[Task], Running], tmp_path: Path
) -> None:
    need(sys.platform == "linux", "Linux, where a display can be missing")
    refusals = {}
    for backend in ("", "tkagg", "qtagg", "agg"):  # those that a user may name, or none
        environment = {"DISPLAY": None, "WAYLAND_DISPLAY": None}
        words = ["--data", str(DATA)]
        running = begin(Script("interac_decompression", words, tmp_path, environment, backend))
        assert running.status() == 1
        refusals[backend] = running.err
    for backend, err in refusals.items():
        assert len(err.strip().splitlines()) == 1
        needs = "python3-tk", "PySide6-Essentials"
        wanted = ("agg, which opens none",) if backend == "agg" else needs
        assert all(word in err for word in (*wanted, "--save PICTURE.png"))
