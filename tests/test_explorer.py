"""The explorer in this process, on Agg, driven by matplotlib's own events."""

import concurrent.futures
import gc
import os
import random
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import interac_decompression as script
from autoencoder import UserError
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder
from autoencoder.storage.checkpoint import load_checkpoint, save_checkpoint
from autoencoder.storage.followed_file import FollowedFile
from autoencoder.view import comparison, follower, windows
from autoencoder.view.explorer_view import DIGIT, DPI, FIGURE_SIZE, STRIP_GAP, line_box
from autoencoder.view.latent_map import SECONDS_A_GLIDE, SECONDS_A_LEG, WALK, LatentMap
from interac_decompression import Explorer
from tests.fixtures import (
    PRETRAINED,
    RECORD,
    ROOT,
    assert_refused,
    run_script,
    spare_fitting,
)

import numpy as np
import psutil
import pytest
import torch
from matplotlib.backend_bases import (
    CloseEvent,
    KeyEvent,
    MouseButton,
    MouseEvent,
    NavigationToolbar2,
    TimerBase,
)
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from scipy.spatial import cKDTree
from torch import Tensor

A_PIXEL = 0.003  # in latent coordinates


@pytest.fixture(scope="module")
def latent_map(test_set: tuple[Tensor, Tensor]) -> LatentMap:
    """The map of 2,000 test digits under the pretrained network."""
    return LatentMap(load_checkpoint(PRETRAINED).model, Digits(*test_set).first(2000))


class Clock(TimerBase):
    """A timer that fires when a test says so."""

    ticks = False

    def _timer_start(self) -> None:
        self.ticks = True

    def _timer_stop(self) -> None:
        self.ticks = False


class WindowCanvas(FigureCanvasAgg):
    """A canvas that takes itself for a window's: what it asks for later waits for its timers."""

    required_interactive_framework = "a test"

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self.timers: list[Clock] = []

    def new_timer(self, interval: Any = None, callbacks: Any = None) -> TimerBase:
        self.timers.append(Clock(interval, callbacks))
        return self.timers[-1]


def explore(
    latent_map: LatentMap,
    point: tuple[float, float] = (0, 0),
    canvas: type[FigureCanvasAgg] = FigureCanvasAgg,
) -> Explorer:
    figure = Figure(FIGURE_SIZE, dpi=DPI)
    canvas(figure)
    explorer = Explorer(figure, latent_map, point)
    figure.canvas.draw()
    return explorer


@pytest.fixture
def explorer(latent_map: LatentMap) -> Explorer:
    return explore(latent_map)


def pixels_of(explorer: Explorer) -> NDArray[np.uint8]:
    """What the window shows: (800, 1400, 3)."""
    return np.asarray(explorer.canvas.buffer_rgba())[..., :3].copy()


def mouse(explorer: Explorer, name: str, point: tuple[float, float], button: int = 1) -> None:
    """A mouse event at a point of the map, in latent coordinates."""
    x, y = explorer.view.map.axes.transData.transform(point)
    at_pixel(explorer, name, x, y, button)


def at_pixel(
    explorer: Explorer, name: str, x: float, y: float, button: int = 1, **more: Any
) -> None:
    event = MouseEvent(name, explorer.canvas, int(x), int(y), MouseButton(button), **more)
    explorer.canvas.callbacks.process(name, event)


def click(explorer: Explorer, point: tuple[float, float], button: int = 1) -> None:
    mouse(explorer, "button_press_event", point, button)
    mouse(explorer, "button_release_event", point, button)


def shown_labels(explorer: Explorer) -> list[str]:
    """The labels under the nearest digits."""
    return [text.get_text() for text in explorer.view.neighbour_labels]


def double_click(explorer: Explorer, point: tuple[float, float]) -> None:
    x, y = explorer.view.map.axes.transData.transform(point)
    at_pixel(explorer, "button_press_event", x, y, dblclick=True)
    at_pixel(explorer, "button_release_event", x, y)


def press(explorer: Explorer, key: str) -> None:
    event = KeyEvent("key_press_event", explorer.canvas, key, 0, 0)
    explorer.canvas.callbacks.process("key_press_event", event)


def click_legend(explorer: Explorer, digit: int, *modifiers: str) -> None:
    _, text = explorer.view.map.legend_entries[digit]
    box = text.get_window_extent()
    x, y = (box.p0 + box.p1) / 2
    at_pixel(explorer, "button_press_event", x, y, modifiers=modifiers)
    at_pixel(explorer, "button_release_event", x, y)


# --- what is shown ----------------------------------------------------------------------------


def test_the_digit_shown_is_the_one_decoded(explorer: Explorer) -> None:
    for point in ((0.1, 0.2), (-0.7, 0.5), (1, -1)):
        explorer.move_to(point)
        expected = explorer.latent_map.decode([point])[0]
        assert np.array_equal(explorer.view.digit, expected)
        for image in (explorer.view.digit_image, explorer.view.heat_image):
            assert np.array_equal(np.asarray(image.get_array()), expected.reshape(28, 28))


def test_the_pixels_on_the_screen_are_those_of_the_digit(explorer: Explorer) -> None:
    explorer.move_to((0.5, 0.6))
    box = explorer.view.digit_image.axes.bbox
    x = np.round(box.x0 + (np.arange(28) + 0.5) * box.width / 28).astype(int)
    y = np.round(800 - box.y1 + (np.arange(28) + 0.5) * box.height / 28).astype(int)
    on_screen = pixels_of(explorer)[y[:, None], x][..., 0] / 255
    assert np.abs(on_screen - explorer.view.digit.reshape(28, 28)).max() < 2 / 255


def test_the_neighbours_are_the_nearest_nearest_first(
    explorer: Explorer, test_set: tuple[Tensor, Tensor]
) -> None:
    explorer.move_to((0.3, -0.2))
    latents = torch.from_numpy(explorer.latent_map.latents)
    nearest = (latents - torch.tensor([0.3, -0.2])).norm(dim=1).argsort()[:5]
    expected = test_set[0][nearest].reshape(5, 28, 28) / 255
    strip = np.asarray(explorer.view.strip_image.get_array())
    starts = (28 + STRIP_GAP) * np.arange(5)
    assert np.array_equal([strip[:, start : start + 28] for start in starts], expected)
    shown = shown_labels(explorer)
    assert shown == [str(int(label)) for label in test_set[1][nearest]]
    assert np.allclose(explorer.view.map.nearest_marker.get_xydata(), latents[nearest[:1]])


def test_the_panel_tells_the_statistics_of_the_digit(explorer: Explorer) -> None:
    explorer.move_to((0.3, -0.2))
    digit = explorer.view.digit
    values = [text.get_text() for text in explorer.view.values]
    assert explorer.view.numbers.get_text() == "+0.300\n-0.200"
    assert values[0] == explorer.view.neighbour_labels[0].get_text()
    statistics = (digit.mean(), digit.max(), digit.min(), digit.std())
    assert values[2:] == [f"{number:.3f}" for number in statistics]


def test_the_histogram_counts_the_pixels(explorer: Explorer) -> None:
    explorer.move_to((-0.2, 0.1))
    counts, _, _ = explorer.view.bars.get_data()
    assert counts.sum() == 784
    assert np.array_equal(counts, np.histogram(explorer.view.digit, 20, (0, 1))[0])


def test_a_blitted_frame_is_what_a_full_drawing_shows(explorer: Explorer) -> None:
    for point in ((0.4, 0.4), (-0.3, 0.1), (0.9, -0.9)):
        explorer.move_to(point)
        blitted = pixels_of(explorer)
        explorer.canvas.draw()
        # Text may differ by rounding of its grey levels, nothing by more.
        assert (np.abs(blitted.astype(int) - pixels_of(explorer)) > 8).mean() < 1e-4


# --- the mouse --------------------------------------------------------------------------------


def test_a_click_moves_the_point(explorer: Explorer) -> None:
    click(explorer, (0.25, -0.5))
    assert np.allclose(explorer.point, (0.25, -0.5), atol=A_PIXEL)


def test_dragging_moves_the_point_all_along(explorer: Explorer) -> None:
    mouse(explorer, "button_press_event", (0, 0))
    before = explorer.view.digit
    for x in (0.1, 0.2, 0.3):
        mouse(explorer, "motion_notify_event", (x, 0.1))
        assert np.allclose(explorer.point, (x, 0.1), atol=A_PIXEL)
        assert not np.array_equal(explorer.view.digit, before)
        before = explorer.view.digit
    mouse(explorer, "button_release_event", (0.3, 0.1))
    mouse(explorer, "motion_notify_event", (-0.5, -0.5))
    assert np.allclose(explorer.point, (0.3, 0.1), atol=A_PIXEL)


def test_hovering_changes_nothing(explorer: Explorer) -> None:
    before = pixels_of(explorer)
    mouse(explorer, "motion_notify_event", (0.5, 0.5))
    assert np.array_equal(pixels_of(explorer), before)


def test_dragging_out_of_the_map_stops_at_its_edge(explorer: Explorer) -> None:
    mouse(explorer, "button_press_event", (0, 0))
    at_pixel(explorer, "motion_notify_event", -50, 5000)
    left, top = explorer.view.map.axes.get_xlim()[0], explorer.view.map.axes.get_ylim()[1]
    assert np.allclose(explorer.point, (max(left, -1), min(top, 1)))


def test_the_point_stays_in_the_latent_space(explorer: Explorer) -> None:
    explorer.view.map.axes.set(xlim=(-3, 3), ylim=(-3, 3))
    click(explorer, (2, -2.5))
    assert explorer.point.tolist() == [1, -1]


def test_other_buttons_and_other_places_do_nothing(explorer: Explorer) -> None:
    click(explorer, (0.5, 0.5), button=3)
    at_pixel(explorer, "button_press_event", 780, 400)
    assert explorer.point.tolist() == [0, 0]


def test_while_the_toolbar_zooms_clicks_are_its_own(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Toolbar:
        mode = "zoom rect"

    monkeypatch.setattr(explorer.canvas, "toolbar", Toolbar())
    click(explorer, (0.5, 0.5))
    assert explorer.point.tolist() == [0, 0]


def test_the_legend_hides_and_shows_a_digit(explorer: Explorer) -> None:
    everything = pixels_of(explorer)
    ones = (explorer.latent_map.labels == 1).sum()
    count = len(np.asarray(explorer.view.map.dots.get_offsets()))
    click_legend(explorer, 1)
    assert len(np.asarray(explorer.view.map.dots.get_offsets())) == count - ones
    assert not np.array_equal(pixels_of(explorer), everything)
    click_legend(explorer, 1)
    assert np.array_equal(pixels_of(explorer), everything)


def test_a_shift_click_in_the_legend_shows_only_this_digit_another_all(explorer: Explorer) -> None:
    everything = pixels_of(explorer)
    click_legend(explorer, 7)
    click_legend(explorer, 3, "shift")
    threes = explorer.latent_map.latents[explorer.latent_map.labels == 3]
    assert np.allclose(explorer.view.map.dots.get_offsets(), threes)
    click_legend(explorer, 3, "shift")
    assert np.array_equal(pixels_of(explorer), everything)


def test_hidden_digits_are_not_among_the_nearest(
    explorer: Explorer, test_set: tuple[Tensor, Tensor]
) -> None:
    press(explorer, "3")
    assert "3" in shown_labels(explorer)
    click_legend(explorer, 3)
    assert "3" not in shown_labels(explorer)
    nearest = explorer.view.neighbours[0]
    assert np.allclose(
        explorer.view.map.nearest_marker.get_xydata(), [explorer.latent_map.latents[nearest]]
    )
    double_click(explorer, tuple(explorer.point))
    assert explorer.digit_in is not None
    assert np.array_equal(explorer.digit_in.pixels, explorer.latent_map.pixels(nearest))

    # Of one digit there are few: the other places stay empty, and nothing goes in from there.
    few = LatentMap(explorer.latent_map.model, Digits(*test_set).first(30))
    explorer = explore(few)
    fives = int((few.labels == 5).sum())
    assert fives < 5
    click_legend(explorer, 5, "shift")
    assert shown_labels(explorer) == fives * ["5"] + (5 - fives) * [""]
    box = explorer.view.strip_image.axes.bbox
    at_pixel(explorer, "button_press_event", box.x1 - 5, (box.y0 + box.y1) / 2)
    assert explorer.digit_in is None


def test_with_all_digits_hidden_none_is_near(explorer: Explorer) -> None:
    for digit in range(10):
        click_legend(explorer, digit)
    assert shown_labels(explorer) == 5 * [""]
    assert [text.get_text() for text in explorer.view.values[:2]] == ["-", "-"]
    assert len(np.asarray(explorer.view.map.nearest_marker.get_xydata())) == 0
    double_click(explorer, (0.3, 0.3))
    assert explorer.view.message.get_text() == "all digits are hidden"


def test_far_from_the_digits_the_panel_says_so(explorer: Explorer) -> None:
    latent_map = explorer.latent_map
    distances, _ = cKDTree(latent_map.latents).query(latent_map.latents, k=[2])
    assert np.isclose(latent_map.far, np.percentile(distances, 99), atol=1e-4)
    for point in ((0.05, 0.05), (1, 1)):
        explorer.move_to(point)
        says_far = explorer.view.message.get_text() == "far from any real digit"
        assert says_far == (latent_map.nearest(point, 1)[1][0] > latent_map.far)
    assert says_far
    # What the window has to say comes first, until the point moves.
    explorer.say("saved")
    assert explorer.view.message.get_text() == "saved"
    # Only those digits count that are shown.
    press(explorer, "1")
    assert explorer.view.message.get_text() == ""
    click_legend(explorer, 0, "shift")
    assert explorer.view.message.get_text() == "far from any real digit"


# --- digits in, digits out ----------------------------------------------------------------------

THREE = [(0.3, 0.25), (0.5, 0.18), (0.68, 0.28), (0.62, 0.42), (0.48, 0.48)]
THREE += [(0.65, 0.55), (0.7, 0.7), (0.52, 0.83), (0.3, 0.75)]


def in_panel(explorer: Explorer, name: str, point: tuple[float, float], button: int = 1) -> None:
    """A mouse event at a point of the panel, from its top left."""
    box = explorer.view.panel_in.bbox
    x, y = box.x0 + point[0] * box.width, box.y1 - point[1] * box.height
    at_pixel(explorer, name, x, y, button)


def draw(explorer: Explorer, points: list[tuple[float, float]], button: int = 1) -> None:
    in_panel(explorer, "button_press_event", points[0], button)
    for point in points[1:]:
        in_panel(explorer, "motion_notify_event", point, button)
    in_panel(explorer, "button_release_event", points[-1], button)


def test_a_drawn_3_comes_back_as_a_3(explorer: Explorer) -> None:
    assert explorer.view.invitation.get_text() == "draw a digit here"
    draw(explorer, THREE)
    assert explorer.view.invitation.get_text() == ""
    assert shown_labels(explorer).count("3") >= 4
    assert explorer.digit_in is not None
    assert np.allclose(explorer.point, explorer.latent_map.encode(explorer.digit_in.pixels))
    error = ((explorer.view.digit - explorer.digit_in.pixels) ** 2).mean()
    smaller = round(100 * (explorer.latent_map.errors < error).mean())
    assert explorer.view.pair.get_text() == (
        f"error {error:.3f}, larger than that of {smaller}% of the real digits"
    )


def test_a_small_drawing_ends_where_a_large_one_does(explorer: Explorer) -> None:
    draw(explorer, [(1.4 * x - 0.2, 1.4 * y - 0.2) for x, y in THREE])
    large = explorer.point
    press(explorer, "c")
    draw(explorer, [(0.1 + 0.35 * x, 0.5 + 0.35 * y) for x, y in THREE])
    assert np.hypot(*(explorer.point - large)) < 0.05


def line_length(explorer: Explorer) -> float:
    """How long the lines are that the panel shows."""
    points = np.asarray(explorer.view.ink.get_xydata())
    return float(np.nansum(np.hypot(*np.diff(points, axis=0).T)))


def test_the_right_button_erases_and_c_clears(explorer: Explorer) -> None:
    draw(explorer, THREE)
    drawn = line_length(explorer)
    draw(explorer, THREE[:3], button=3)
    assert 0.1 * drawn < line_length(explorer) < 0.9 * drawn
    draw(explorer, THREE, button=3)
    press(explorer, "c")
    assert explorer.digit_in is None
    assert explorer.view.pair.get_text() == ""
    draw(explorer, THREE, button=3)  # on an empty panel
    assert explorer.digit_in is None


def test_real_digits_go_in(explorer: Explorer) -> None:
    click(explorer, (0.3, -0.2))
    second = explorer.view.neighbours[1]
    box = explorer.view.strip_image.axes.bbox
    at_pixel(explorer, "button_press_event", box.x0 + 0.3 * box.width, box.y0 + box.height / 2)
    assert explorer.digit_in is not None
    assert np.array_equal(explorer.digit_in.pixels, explorer.latent_map.pixels(second))
    assert np.allclose(explorer.point, explorer.latent_map.latents[second], atol=1e-6)
    shown = np.asarray(explorer.view.image_in.get_array())
    assert np.array_equal(shown.ravel(), explorer.digit_in.pixels)

    # Moving the point by hand empties the panel.
    click(explorer, (0, 0))
    assert explorer.digit_in is None

    # A double click takes in the nearest; n another one, of those not hidden.
    double_click(explorer, (0.6, 0.3))
    assert explorer.digit_in is not None
    for digit in range(9):
        click_legend(explorer, digit)
    for _ in range(5):
        press(explorer, "n")
        is_nine = explorer.latent_map.labels == 9
        nines = explorer.latent_map.images[is_nine] / np.float32(255)
        assert (nines == explorer.digit_in.pixels).all(axis=1).any()
    click_legend(explorer, 9)
    press(explorer, "n")
    assert explorer.view.message.get_text() == "all digits are hidden"


def test_a_cross_marks_the_best_point_where_the_encoder_misses_it(explorer: Explorer) -> None:
    latent_map = explorer.latent_map
    crossed = 0
    for index in range(60):
        pixels = latent_map.pixels(index)
        explorer.take_in(pixels)
        assert explorer.digit_in is not None
        best = explorer.digit_in.best
        assert len(np.asarray(explorer.view.map.best_marker.get_xdata())) == (best is not None)
        if best is not None:
            crossed += 1
            digits = latent_map.decode([explorer.point, best])
            errors = ((digits - pixels) ** 2).mean(axis=1)
            assert errors[1] < errors[0]
    assert 0 < crossed < 60


def test_d_draws_the_density_of_each_digit(explorer: Explorer) -> None:
    before = pixels_of(explorer)
    press(explorer, "d")
    assert not np.array_equal(pixels_of(explorer), before)
    press(explorer, "d")
    assert np.array_equal(pixels_of(explorer), before)


def test_an_image_is_taken_in(
    invoke: Any, latent_map: LatentMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare_fitting(monkeypatch)
    digit = 255 - latent_map.images[7].reshape(28, 28)
    Image.fromarray(digit).resize((200, 200), Image.Resampling.BICUBIC).save(tmp_path / "photo.png")
    words = ["--checkpoint", PRETRAINED, "--image", tmp_path / "photo.png"]
    done = invoke(script, *words, "--samples", "2000", "--save", tmp_path / "x.png")
    assert (done.status, done.err) == (None, "")
    label = latent_map.labels[7]
    pattern = r"photo\.png: \([+-]0\.\d{3}, [+-]0\.\d{3}\), nearest( \d){10}, error 0\.\d{3}"
    assert (found := re.search(pattern, done.out))
    assert found.group(0).split("nearest ")[1][:19].split().count(str(label)) >= 6
    done = invoke(script, *words, "--export", tmp_path / "x.html", "--samples", "50")
    assert re.search(pattern, done.out)


# --- the keys ---------------------------------------------------------------------------------


def test_arrows_nudge_and_r_goes_back_to_the_centre(explorer: Explorer) -> None:
    for key, end in (
        ("left", (-0.01, 0)),
        ("up", (-0.01, 0.01)),
        ("shift+right", (0.09, 0.01)),
        ("shift+down", (0.09, -0.09)),
        ("right", (0.1, -0.09)),
        ("down", (0.1, -0.1)),
        ("shift+left", (0, -0.1)),
        ("shift+up", (0, 0)),
        ("left", (-0.01, 0)),
        ("r", (0, 0)),
    ):
        press(explorer, key)
        assert np.allclose(explorer.point, end)


def test_arrows_stop_at_the_edge_of_the_map_where_the_point_is_whole(explorer: Explorer) -> None:
    axes = explorer.view.map.axes
    for _ in range(20):
        press(explorer, "shift+left")
        press(explorer, "shift+down")
    edges = axes.get_xlim()[0], axes.get_ylim()[0]
    assert np.allclose(explorer.point, np.maximum(edges, -1))
    # A red quarter of it is drawn below the map and left of it, and gone when the point is.
    x, y = map(round, axes.transData.transform(explorer.point))
    corner = slice(800 - y, 800 - y + 5), slice(x - 5, x)
    assert (np.abs(pixels_of(explorer)[corner] - [224, 0, 0]).max(axis=2) < 9).any()
    press(explorer, "r")
    assert (pixels_of(explorer)[corner][..., 1] > 0).all()


def test_a_number_jumps_to_where_its_digit_lives(explorer: Explorer) -> None:
    for digit in "0123456789":
        press(explorer, digit)
        labels = shown_labels(explorer)
        assert labels.count(digit) >= 4


@dataclass
class TkKey:
    """What Tk tells of a key."""

    keycode: int
    time: int = 0


class QtKey:
    """What Qt tells of a key, in methods with names of its own."""

    def __init__(self, code: int, moment: int = 0, repeats: bool = False) -> None:
        self.key = self.nativeScanCode = lambda: code
        self.timestamp = lambda: moment
        self.isAutoRepeat = lambda: repeats


def test_the_digit_keys_of_a_french_keyboard_need_no_shift(explorer: Explorer) -> None:
    # The key of 3, as X11 counts.
    for gui in (TkKey(12), QtKey(12)):
        press(explorer, "r")
        event = KeyEvent("key_press_event", explorer.canvas, '"', 0, 0, guiEvent=gui)
        explorer.canvas.callbacks.process("key_press_event", event)
        assert shown_labels(explorer).count("3") >= 4
        event = KeyEvent("key_press_event", explorer.canvas, 'ctrl+"', 0, 0, guiEvent=gui)
        before = explorer.point
        explorer.canvas.callbacks.process("key_press_event", event)
        assert explorer.point is before


def test_a_held_key_acts_once_and_a_held_arrow_goes_on(explorer: Explorer) -> None:
    def key(name: str, key: str, gui: TkKey | QtKey) -> None:
        event = KeyEvent(name, explorer.canvas, key, guiEvent=gui)
        explorer.canvas.callbacks.process(name, event)

    def grid_is_shown() -> bool:
        return explorer.view.map.grid.get_visible()

    # X11 releases and presses a held key at the same moment.
    key("key_press_event", "g", TkKey(42, 1000))
    for moment in (1500, 1530):
        key("key_release_event", "g", TkKey(42, moment))
        key("key_press_event", "g", TkKey(42, moment))
        assert grid_is_shown()
    # Windows and macOS only press it.
    key("key_press_event", "g", TkKey(42, 1560))
    assert grid_is_shown()
    # Shift may be let go before the letter.
    key("key_release_event", "G", TkKey(42, 1570))
    key("key_press_event", "g", TkKey(42, 1700))
    assert not grid_is_shown()

    # Qt tells of a repeat, or does not where X11 released the key at the same moment.
    key("key_press_event", "g", QtKey(71, 2000))
    for moment, repeat in ((2500, True), (2530, False)):
        key("key_release_event", "g", QtKey(71, moment, repeat))
        key("key_press_event", "g", QtKey(71, moment + repeat, repeat))
        assert grid_is_shown()
    key("key_release_event", "g", QtKey(71, 2560))
    for moment in (2600, 2600, 2630, 2660):
        key("key_press_event", "right", QtKey(72, moment))
        key("key_release_event", "right", QtKey(72, moment + 30))
    assert np.allclose(explorer.point, (0.04, 0))


def test_with_caps_lock_the_letters_work(explorer: Explorer) -> None:
    press(explorer, "G")
    assert explorer.view.map.grid.get_visible()


def test_the_map_opens_wide_enough_for_its_point(latent_map: LatentMap) -> None:
    explorer = explore(latent_map, (1, 1))
    (left, right), (bottom, top) = (
        explorer.view.map.axes.get_xlim(),
        explorer.view.map.axes.get_ylim(),
    )
    assert left < 1 < right
    assert bottom < 1 < top


def test_from_another_folder_what_ships_is_found(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = invoke(script, "--samples", "50", "--save", tmp_path / "x.png", folder=tmp_path)
    assert done.status is None
    assert f"Using {PRETRAINED}" in done.out
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]


def test_g_lays_the_decoded_digits_under_the_dots(explorer: Explorer) -> None:
    before = pixels_of(explorer)
    press(explorer, "g")
    assert not np.array_equal(pixels_of(explorer), before)
    left, right, bottom, top = explorer.view.map.grid.get_extent()
    array = np.asarray(explorer.view.map.grid.get_array())
    assert array.shape == (25 * 28, 25 * 28)
    # The digit in the top left cell is decoded from the middle of that cell.
    middle = [left + (right - left) / 50, top + (bottom - top) / 50]
    expected = explorer.latent_map.decode([middle]).reshape(28, 28)
    assert np.allclose(array[:28, :28], expected, atol=1e-3)
    press(explorer, "g")
    assert np.array_equal(pixels_of(explorer), before)


def test_h_shows_the_keys_until_the_next_key_or_click(explorer: Explorer) -> None:
    before = pixels_of(explorer)
    press(explorer, "h")
    assert not np.array_equal(pixels_of(explorer), before)
    press(explorer, "h")
    assert np.array_equal(pixels_of(explorer), before)
    press(explorer, "h")
    click(explorer, (0, 0))
    assert not explorer.view.help.get_visible()


def test_t_tours_the_densest_points(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    click(explorer, (0.6, -0.6))
    start = explorer.point
    press(explorer, "t")
    stops = [explorer.latent_map.densest_point(digit) for digit in range(10)]
    for leg, (here, there) in enumerate(zip([start, *stops], [*stops, stops[0]], strict=True)):
        assert here is not None
        assert there is not None
        now = (leg + 0.25) * SECONDS_A_LEG
        explorer.tour.on_frame()
        assert np.allclose(explorer.point, 0.75 * here + 0.25 * there)
    press(explorer, "t")
    assert not explorer.tour.stops


def test_moving_the_point_ends_the_tour(explorer: Explorer) -> None:
    for key in ("left", "3", "r"):
        press(explorer, "t")
        assert explorer.tour.stops
        press(explorer, key)
        assert not explorer.tour.stops


def test_s_saves_the_view_over_nothing(
    explorer: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    click(explorer, (0.3, 0.3))
    press(explorer, "s")
    assert explorer.view.message.get_text() == "saved latent_space_1.png"
    first = (tmp_path / "latent_space_1.png").read_bytes()
    press(explorer, "s")
    assert (tmp_path / "latent_space_1.png").read_bytes() == first
    assert (tmp_path / "latent_space_2.png").read_bytes() == first


def test_the_saved_view_is_what_the_window_shows(
    explorer: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    press(explorer, "3")
    shown = pixels_of(explorer)
    press(explorer, "s")
    saved = imread(tmp_path / "latent_space_1.png")[..., :3] * 255
    different = np.abs(saved - shown).max(axis=2) > 8
    # Only the frames may differ, which a blitted image covers by half a pixel.
    assert different.mean() < 1e-3
    for text in (*explorer.view.values, explorer.view.message):
        box = line_box(text)
        assert not different[int(800 - box.y1) : int(800 - box.y0), int(box.x0) : int(box.x1)].any()


def test_other_keys_change_nothing(explorer: Explorer) -> None:
    before = pixels_of(explorer)
    x, y = explorer.view.digit_image.axes.bbox.p0 + 50
    for key in ("l", "k", "L", "x", "ctrl+s", "ctrl+g", "f5", None):
        event = KeyEvent("key_press_event", explorer.canvas, key, int(x), int(y))
        explorer.canvas.callbacks.process("key_press_event", event)
        assert np.array_equal(pixels_of(explorer), before)


def test_s_says_where_it_cannot_write(
    explorer: Explorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "fsync", refuse)
    press(explorer, "s")
    assert not list(tmp_path.iterdir())
    assert explorer.view.message.get_text() == "cannot write here"


def test_a_canvas_that_cannot_blit_is_drawn_whole(
    latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FigureCanvasAgg, "supports_blit", False)
    explorer = explore(latent_map)
    before = pixels_of(explorer)
    click(explorer, (0.5, 0.5))
    assert not np.array_equal(pixels_of(explorer), before)


def test_one_sample_is_enough(latent_map: LatentMap, test_set: tuple[Tensor, Tensor]) -> None:
    explorer = explore(LatentMap(latent_map.model, Digits(*test_set).first(1)))
    for key in (*"0123456789gtrh", "left"):
        press(explorer, key)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_gestures_cost_no_memory(explorer: Explorer, count: int) -> None:
    chance = random.Random(0)
    keys = [*"0123456789rth", "left", "shift+right", "up", "shift+down"]

    def gestures(number: int) -> None:
        for _ in range(number):
            if chance.random() < 0.3:
                press(explorer, chance.choice(keys))
                continue
            mouse(explorer, "button_press_event", (chance.uniform(-1, 1), chance.uniform(-1, 1)))
            for _ in range(3):
                x, y = chance.uniform(-200, 1600), chance.uniform(-200, 1000)
                at_pixel(explorer, "motion_notify_event", x, y)
            at_pixel(explorer, "button_release_event", 700, 400)

    gestures(20)
    gc.collect()
    before = psutil.Process().memory_info().rss
    gestures(count)
    gc.collect()
    assert psutil.Process().memory_info().rss - before < 20e6


# --- another map of the same digits -------------------------------------------------------------


@pytest.fixture(scope="module")
def linear_map(latent_map: LatentMap) -> LatentMap:
    """The map of the same digits under their own two principal components."""
    return LatentMap(PrincipalComponents(latent_map.digits.images), latent_map.digits)


def dots(explorer: Explorer) -> NDArray[np.float64]:
    return np.asarray(explorer.view.map.dots.get_offsets())


def test_what_is_shown_goes_over_to_another_map(
    explorer: Explorer, latent_map: LatentMap, linear_map: LatentMap
) -> None:
    click_legend(explorer, 4)
    press(explorer, "g")
    press(explorer, "d")
    before = pixels_of(explorer)
    press(explorer, "t")
    explorer.show_map(linear_map)
    assert not explorer.tour.stops
    # The dots are in their new places, the hidden ones still hidden, and all of them in view.
    assert np.allclose(dots(explorer), linear_map.latents[linear_map.labels != 4])
    low, high = explorer.view.map.view_limits.T
    assert (low < linear_map.latents.min(axis=0)).all()
    assert (linear_map.latents.max(axis=0) < high).all()
    # The point stays, and has another digit and other neighbours.
    assert explorer.point.tolist() == [0, 0]
    assert np.array_equal(explorer.view.digit, linear_map.decode([(0, 0)])[0])
    shown = linear_map.labels != 4
    assert np.array_equal(explorer.view.neighbours, linear_map.nearest((0, 0), 5, among=shown)[0])
    # What is decoded in the grid is another map's as well.
    left, right, bottom, top = explorer.view.map.grid.get_extent()
    middle = [left + (right - left) / 50, top + (bottom - top) / 50]
    assert np.allclose(
        np.asarray(explorer.view.map.grid.get_array())[:28, :28],
        linear_map.decode([middle]).reshape(28, 28),
        atol=1e-3,
    )
    # A digit that is in goes to its code; and all the way back.
    explorer.take_in(linear_map.pixels(5))
    explorer.show_map(latent_map)
    assert np.allclose(explorer.point, latent_map.latents[5], atol=1e-6)
    press(explorer, "r")
    assert np.array_equal(pixels_of(explorer), before)


def test_the_point_stays_within_the_limits_of_another_map(
    explorer: Explorer, linear_map: LatentMap
) -> None:
    explorer.move_to((-1, -1))
    explorer.show_map(linear_map)
    assert tuple(explorer.point) == (-1, -1)
    assert np.all(explorer.view.map.limits[:, 0] < -1)


def test_in_a_window_the_dots_glide_to_another_map(
    explorer: Explorer,
    latent_map: LatentMap,
    linear_map: LatentMap,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    monkeypatch.setattr(explorer.loop, "runs", True)
    press(explorer, "g")
    explorer.show_map(linear_map)
    explorer.redraw()
    limits = explorer.view.map.view_limits
    assert np.allclose(dots(explorer), latent_map.latents)
    now = 0.5 * SECONDS_A_GLIDE
    explorer.view.glide.on_frame()
    halfway = (latent_map.latents + linear_map.latents) / 2
    assert np.allclose(dots(explorer), halfway, atol=1e-6)
    middle = (limits + explorer.view.map.limits) / 2
    assert np.allclose(explorer.view.map.view_limits, middle)
    nearest = explorer.view.neighbours[:1]
    assert np.allclose(explorer.view.map.nearest_marker.get_xydata(), halfway[nearest], atol=1e-6)

    # A frame on the way is what a full drawing shows, and the point can move over it.
    for move in ((0, 0), (0.1, 0.1)):
        explorer.move_to(move)
        explorer.redraw()
        frame = pixels_of(explorer)
        explorer.canvas.draw()
        assert (np.abs(frame.astype(int) - pixels_of(explorer)) > 8).mean() < 1e-4

    now = SECONDS_A_GLIDE
    explorer.view.glide.on_frame()
    assert np.allclose(dots(explorer), linear_map.latents)
    assert explorer.view.map.grid.get_visible()
    arrived = pixels_of(explorer)
    explorer.canvas.draw()
    assert np.array_equal(pixels_of(explorer), arrived)


def test_p_shows_the_same_digits_without_a_network_and_back(
    latent_map: LatentMap, linear_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "load_mnist", lambda _root, _split: latent_map.digits)
    explorer = explore(latent_map)
    before = pixels_of(explorer)
    assert explorer.view.name.get_text() == ""
    press(explorer, "p")
    assert np.allclose(dots(explorer), linear_map.latents)
    errors = latent_map.errors.mean(), explorer.latent_map.errors.mean()
    assert explorer.view.name.get_text() == (
        f"PCA, without a network: test error {errors[1]:.4f} (network: {errors[0]:.4f})"
    )
    # The panel shows pixels within [0, 1]; errors are of the digit as it was decoded.
    explorer.take_in(latent_map.pixels(3))
    assert explorer.view.digit.min() >= 0
    own, other = (
        each.errors_at([each.encode(latent_map.pixels(3))], latent_map.pixels(3))[0]
        for each in (explorer.latent_map, latent_map)
    )
    pair = explorer.view.pair.get_text()
    assert pair.startswith(f"error {own:.3f}, ")
    assert pair.endswith(f"; network: {other:.3f}")

    press(explorer, "p")
    assert explorer.view.name.get_text() == ""
    assert explorer.view.pair.get_text().endswith(f"; PCA: {own:.3f}")
    press(explorer, "c")
    press(explorer, "r")
    assert np.array_equal(dots(explorer), latent_map.latents)
    assert np.array_equal(pixels_of(explorer), before)


def test_fitting_pca_says_so_and_waits_for_the_hand(
    latent_map: LatentMap, linear_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer = explore(latent_map, canvas=WindowCanvas)
    is_fitted = threading.Event()
    fits = []

    def fit() -> LatentMap:
        fits.append(is_fitted.wait(60))
        return linear_map

    def message() -> str:
        explorer.background.look()
        explorer.redraw()
        return explorer.view.message.get_text()

    monkeypatch.setattr(explorer.comparison, "fit", fit)
    press(explorer, "p")
    for x in (0, 0.1):
        explorer.move_to((x, 0.1))
        assert message() == "fitting PCA ..."
    press(explorer, "p")
    explorer.say("saved")
    assert message() == "saved"
    # What ends while a button is down waits until it no longer is.
    mouse(explorer, "button_press_event", (0.2, 0.2))
    is_fitted.set()
    concurrent.futures.wait([work for work, _ in explorer.background.pending])
    assert message() == "fitting PCA ..."
    assert explorer.latent_map is latent_map
    mouse(explorer, "button_release_event", (0.2, 0.2))
    assert message() == ""
    assert explorer.latent_map is linear_map
    assert fits == [True]


def test_p_without_the_training_digits_says_so(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_root: Path, _split: str) -> Digits:
        raise UserError("the archive is missing and could not be downloaded")

    monkeypatch.setattr(comparison, "load_mnist", refuse)
    press(explorer, "p")
    assert explorer.view.message.get_text() == "cannot read the training digits"
    assert explorer.view.map.latent_map is explorer.latent_map


# --- the way out --------------------------------------------------------------------------------


def test_closing_ends_all_that_moves_listens_or_waits(
    latent_map: LatentMap, linear_map: LatentMap, tmp_path: Path
) -> None:
    explorer = explore(latent_map, canvas=WindowCanvas)
    explorer.follow(FollowedFile(tmp_path / "best.pth"))
    explorer.show_map(linear_map)
    press(explorer, "t")
    begun, may_end = threading.Event(), threading.Event()
    done = []

    def work() -> None:
        begun.set()
        done.append(may_end.wait(60))

    explorer.background.begin(work)
    explorer.background.begin(work)
    assert begun.wait(60)
    explorer.move_to((0.1, 0.1))
    # Those of the tour, the glide, the follower, the background and the postponed drawing.
    assert [timer.ticks for timer in explorer.canvas.timers] == 5 * [True]

    event = CloseEvent("close_event", explorer.canvas)
    explorer.canvas.callbacks.process("close_event", event)
    assert [timer.ticks for timer in explorer.canvas.timers] == 5 * [False]
    point, shown = explorer.point, pixels_of(explorer)
    press(explorer, "3")
    click(explorer, (0.5, 0.5))
    assert explorer.point is point
    assert np.array_equal(pixels_of(explorer), shown)
    may_end.set()
    explorer.background.thread.shutdown()
    assert done == [True]


# --- a walk -------------------------------------------------------------------------------------


def test_w_walks_from_a_to_b(explorer: Explorer, linear_map: LatentMap) -> None:
    explorer.take_in(explorer.latent_map.pixels(4))
    a = explorer.point
    press(explorer, "w")
    assert explorer.view.message.get_text() == "A is here: move on, mark B"
    assert explorer.view.strip_image.axes.get_visible()
    click(explorer, (-0.2, 0.3))
    b = explorer.point
    press(explorer, "w")
    # A line on the map, and twelve digits decoded along it in place of the nearest.
    walk = explorer.view.walk
    assert np.allclose(walk.line.get_xydata(), [a, b])
    assert not explorer.view.strip_image.axes.get_visible()
    strip = np.asarray(walk.image.get_array())
    for n in range(WALK):
        [digit] = explorer.latent_map.decode([a + n / (WALK - 1) * (b - a)])
        assert np.allclose(strip[:, 32 * n : 32 * n + 28], digit.reshape(28, 28), atol=1e-3)
    # A move is drawn over it as over anything else.
    click(explorer, (0.1, 0.1))
    blitted = pixels_of(explorer)
    explorer.canvas.draw()
    assert (np.abs(blitted.astype(int) - pixels_of(explorer)) > 8).mean() < 1e-4
    # On another map, the digit that was in at A has another code.
    explorer.show_map(linear_map)
    assert np.allclose(walk.ends[0][0], linear_map.latents[4], atol=1e-6)
    press(explorer, "w")
    assert len(np.asarray(walk.line.get_xydata())) == 0
    assert explorer.view.strip_image.axes.get_visible()


def test_the_grid_follows_a_zoom_and_r_brings_the_whole_map_back(explorer: Explorer) -> None:
    press(explorer, "g")
    before = pixels_of(explorer)
    explorer.view.map.axes.set(xlim=(0.2, 0.4), ylim=(-0.1, 0.1))
    explorer.canvas.draw()
    grid = explorer.view.map.grid
    assert np.allclose(grid.get_extent(), (0.2, 0.4, -0.1, 0.1))
    corner = np.asarray(grid.get_array())[:28, :28]
    [digit] = explorer.latent_map.decode([(0.204, 0.096)])
    assert np.allclose(corner, digit.reshape(28, 28), atol=1e-3)
    press(explorer, "r")
    assert np.array_equal(pixels_of(explorer), before)


# --- the command line -------------------------------------------------------------------------


def test_save_writes_the_picture_without_a_display(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    words = ("--checkpoint", PRETRAINED, "--save", tmp_path / "view.png", "--point", "-0.3", "0.4")
    done = invoke(script, *words)
    assert (done.status, done.err) == (None, "")
    assert "(epoch 600, loss 0.0" in done.out
    assert (tmp_path / "view.png").stat().st_size > 50_000


def test_from_the_shell_too(tmp_path: Path) -> None:
    words = ("--samples", "1000", "--save", tmp_path / "view.png")
    done = run_script("interac_decompression.py", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "view.png").stat().st_size > 50_000


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--checkpoint", "none.pth"], "none.pth: no such checkpoint"),
        # A window waits for a training's best file, a picture does not; nor where it is mistyped.
        (
            ["--checkpoint", "docs/autoencoder_best.pth", "--save", "never.png"],
            "no such checkpoint",
        ),
        (["--checkpoint", "dosc/autoencoder_best.pth"], "no such checkpoint"),
        (["--checkpoint", "docs/autoencoder_bset.pth"], "no such checkpoint"),
        (["--checkpoint", "LICENSE"], "not a PyTorch checkpoint"),
        (["--image", "none.png"], "none.png"),
        (["--image", "LICENSE"], "LICENSE"),
        (["--point", "2", "0"], "'2' is not a number from -1 to 1"),
        (["--point", "0", "nan"], "'nan' is not a number from -1 to 1"),
        (["--point", "here", "there"], "'here' is not a number from -1 to 1"),
        (["--point", "0"], "expected 2 arguments"),
        (["--samples", "0"], "--samples"),
        (["--samples", "few"], "--samples"),
        (["--save", "no/such/folder/a.png"], "no such folder"),
        (["--samples", "50", "--save", f"{300 * 'a'}.png"], "cannot write"),
        (["--save", "a.pgf"], "use a name that ends in"),
        (["--save", "a.docx"], "use a name that ends in"),
        (["--save", "a.mp4"], "ends in .png or .pdf or .svg or .webp"),
        (["--save", "picture"], "use a name that ends in"),
        (["--export", "no/such/folder/a.html"], "no such folder"),
        (["--samples", "50", "--export", f"{300 * 'a'}.html"], "cannot write"),
        (["--export", "page.htm"], "use a name that ends in .html"),
        (["--export", "a.html", "--save", "a.png"], "not allowed with"),
        (["--data", "LICENSE", "--save", "never.png"], "cannot read the digits"),
    ],
)
def test_bad_input_gets_one_line(
    words: list[str], says: str, invoke: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare_fitting(monkeypatch)
    assert_refused(invoke(script, *words), says)
    assert not (ROOT / "never.png").exists()


def test_a_folder_in_place_of_the_picture_is_refused(invoke: Any, tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    outcome = invoke(script, "--samples", "50", "--save", tmp_path / "folder.png")
    assert outcome.status == 1
    assert_refused(outcome, "cannot write")


def test_a_code_of_three_numbers_is_refused(invoke: Any, tmp_path: Path) -> None:
    weights = AutoEncoder().state_dict()
    weights["encoder.15.weight"], weights["encoder.15.bias"] = torch.zeros(3, 16), torch.zeros(3)
    torch.save(weights, tmp_path / "three.pth")
    outcome = invoke(script, "--checkpoint", tmp_path / "three.pth")
    assert outcome.status == 1
    assert_refused(outcome, "2 numbers")


# --- the film of the tour ---------------------------------------------------------------------


def test_save_films_the_tour_once_round(
    invoke: Any, latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """At each stop a frame shows what the point decodes to where that digit is densest."""
    monkeypatch.setattr(script, "FILM_FRAMES_A_LEG", 2)
    path = tmp_path / "tour.webp"
    words = ("--checkpoint", PRETRAINED, "--samples", "2000", "--save", path)
    assert f"Saved {path}" in invoke(script, *words).out
    with Image.open(path) as film:
        assert (film.n_frames, film.size) == (20, (840, 480))
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
    left, bottom, width, height = DIGIT
    side = min(840 * width, 480 * height) / 28
    x = 840 * (left + width / 2) + side * (np.arange(28) - 13.5)
    y = 480 * (1 - bottom - height / 2) + side * (np.arange(28) - 13.5)
    for digit in (0, 5, 9):
        stop = latent_map.densest_point(digit)
        assert stop is not None
        expected = latent_map.decode([stop])[0].reshape(28, 28)
        shown = frames[2 * digit][np.ix_(y.astype(int), x.astype(int))]
        assert np.abs(shown - 255 * expected).mean() < 8


# --- beside a training ------------------------------------------------------------------------


def test_a_replaced_checkpoint_is_taken_up(
    latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By a window that looks at its file: every second, which here comes when the test says so."""
    monkeypatch.setattr(follower, "PAUSE", 0.0)
    monkeypatch.setattr(follower, "PAUSE_SHARE", 0)
    explorer = explore(latent_map, (0.3, 0.2))
    titles: list[str] = []
    explorer.canvas.manager = SimpleNamespace(set_window_title=titles.append)
    path = tmp_path / "autoencoder_best.pth"
    explorer.follow(FollowedFile(path))
    look = explorer.follower.on_second

    # The first best checkpoint of a training: dots and digit change, the point stays.
    digit, seen = explorer.view.digit, pixels_of(explorer)
    torch.manual_seed(0)
    contents = torch.load(PRETRAINED, weights_only=True)
    network = {"state_dict": AutoEncoder().state_dict(), "epoch": 7, "best_loss": 0.04}
    save_checkpoint(path, {**network, "test_mse": 0.0321})
    look()
    assert titles == [f"Latent space of MNIST: {path} (epoch 7, loss 0.04000, test MSE 0.03210)"]
    assert tuple(explorer.point) == (0.3, 0.2)
    assert not np.array_equal(explorer.view.digit, digit)
    assert not np.array_equal(explorer.latent_map.latents, latent_map.latents)
    explorer.canvas.draw()
    assert (pixels_of(explorer) != seen).mean() > 0.01
    # Nothing happens where nothing has changed.
    look()
    assert len(titles) == 1

    # Half of a file, a foreign one, none: the window keeps what it has, and says so once.
    shown = explorer.latent_map
    whole = PRETRAINED.read_bytes()
    for damage in (whole[: len(whole) // 2], b"garbage", None):
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(damage)
        look()
        assert explorer.message == (
            "the new checkpoint is unreadable" if damage else "the checkpoint is gone"
        )
        explorer.move_to((0.3, 0.2))
        look()
        assert explorer.message == ""
        assert explorer.latent_map is shown

    # A good one again, which waits until the mouse is free.
    mouse(explorer, "button_press_event", (0.3, 0.2))
    save_checkpoint(path, contents)
    look()
    assert explorer.latent_map is shown
    mouse(explorer, "button_release_event", (0.3, 0.2))
    explorer.move_to((0.3, 0.2))
    explorer.background.look()
    assert np.array_equal(explorer.latent_map.latents, latent_map.latents)
    assert np.array_equal(explorer.view.digit, digit)
    assert "epoch 600" in titles[-1]


def test_a_window_waits_for_the_best_network_of_a_training_that_has_none_yet(
    invoke: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "autoencoder_best.pth"
    titles: list[str] = []
    explorers: list[Explorer] = []

    def open_window(size: tuple[float, float], dpi: float, title: str) -> Figure:
        titles.append(title)
        canvas: Any = FigureCanvasAgg(Figure(size, dpi=dpi))
        canvas.manager = SimpleNamespace(set_window_title=titles.append, key_press_handler_id=None)
        figure: Figure = canvas.figure
        return figure

    def create(*arguments: Any) -> Explorer:
        explorers.append(Explorer(*arguments))
        return explorers[0]

    def visit() -> None:
        [explorer] = explorers
        assert titles == [f"Latent space of MNIST: waiting for {path}"]
        for point in ((0, 0), (0.3, 0.2)):
            explorer.move_to(point)
            explorer.follower.on_second()
            assert explorer.view.message.get_text() == "waiting for the training"
        path.write_bytes(RECORD.read_bytes())
        explorer.follower.on_second()
        assert explorer.view.message.get_text() == ""
        assert f"{path} (epoch " in titles[-1]

    monkeypatch.setattr(windows, "open_window", open_window)
    monkeypatch.setattr(windows, "show_windows", visit)
    monkeypatch.setattr(script, "Explorer", create)
    done = invoke(script, "--checkpoint", path, "--samples", "200")
    assert (done.status, done.err) == (None, "")
    assert f"Using checkpoints/{PRETRAINED.name}" in done.out
    assert f"Waiting for {path}" in done.out


def test_a_training_is_looked_at_only_now_and_then(latent_map: LatentMap, tmp_path: Path) -> None:
    explorer = explore(latent_map)
    explorer.canvas.manager = SimpleNamespace(set_window_title=lambda _: None)
    path = tmp_path / "best.pth"
    explorer.follow(FollowedFile(path))
    path.write_bytes(PRETRAINED.read_bytes())
    began = time.monotonic()
    explorer.follower.on_second()
    assert explorer.follower.next_load >= began + 10
    taken = explorer.latent_map
    path.write_bytes(RECORD.read_bytes())
    explorer.follower.on_second()
    assert explorer.latent_map is taken


def test_a_newer_network_leaves_a_zoomed_view_and_a_tour_where_they_are(
    explorer: Explorer, latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    checkpoint = load_checkpoint(RECORD)
    newer = LatentMap(checkpoint.model, latent_map.digits)
    explorer.canvas.manager = SimpleNamespace(set_window_title=lambda _: None)
    toolbar = NavigationToolbar2(explorer.canvas)
    panel = explorer.view.map
    panel.axes.set(xlim=(0.2, 0.4), ylim=(-0.1, 0.1))
    press(explorer, "t")
    now = 2.25 * SECONDS_A_LEG
    explorer.take_up(checkpoint, newer)
    assert np.array_equal(panel.view_limits, [(0.2, 0.4), (-0.1, 0.1)])
    explorer.tour.on_frame()
    one, two = newer.densest_point(1), newer.densest_point(2)
    assert one is not None
    assert two is not None
    assert np.allclose(explorer.point, 0.75 * one + 0.25 * two)
    # The toolbar's home is the whole of the newer map.
    toolbar.home()
    assert np.array_equal(panel.view_limits, newer.limits((0, 0)))
    # A whole map stays whole.
    explorer.take_up(checkpoint, latent_map)
    assert np.array_equal(panel.view_limits, latent_map.limits(explorer.point))


def test_a_followed_network_leaves_torch_its_threads(latent_map: LatentMap, tmp_path: Path) -> None:
    explorer = explore(latent_map)
    explorer.canvas.manager = SimpleNamespace(set_window_title=lambda _: None)
    path = tmp_path / "best.pth"
    explorer.follow(FollowedFile(path))
    path.write_bytes(PRETRAINED.read_bytes())
    counts: list[int] = []

    def count_threads() -> None:
        explorer.background.begin(torch.get_num_threads, lambda work: counts.append(work.result()))

    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        count_threads()
        explorer.follower.on_second()
        count_threads()
        assert explorer.latent_map is not latent_map
        assert counts == 2 * [threads + 1]
    finally:
        torch.set_num_threads(threads)


def test_p_goes_back_to_the_network_that_came_meanwhile(
    latent_map: LatentMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "load_mnist", lambda _root, _split: latent_map.digits)
    explorer = explore(latent_map, (0.9, -0.9))
    titles: list[str] = []
    explorer.canvas.manager = SimpleNamespace(set_window_title=titles.append)
    checkpoint = load_checkpoint(RECORD)
    newer = LatentMap(checkpoint.model, latent_map.digits)
    press(explorer, "p")
    linear = explorer.latent_map
    press(explorer, "t")
    explorer.take_up(checkpoint, newer)
    assert explorer.latent_map is linear
    assert f"(network: {newer.errors.mean():.4f})" in explorer.view.name.get_text()
    assert explorer.tour.stops
    press(explorer, "t")
    for here in (newer, linear):
        press(explorer, "p")
        assert explorer.latent_map is here
        assert np.array_equal(dots(explorer), here.latents)
        # The point stays, and is on every map.
        assert tuple(explorer.point) == (0.9, -0.9)
        assert np.array_equal(explorer.view.map.clipped(explorer.point), explorer.point)
