"""The explorer's page under mouse, finger and keys."""

import re
from collections.abc import Callable
from pathlib import Path

from autoencoder.view.latent_map import LatentMap
from tests.page import A_PIXEL, NARROW, Visit, in_both_browsers

import numpy as np
import pytest
import torch


@in_both_browsers
def test_the_mouse_drags_the_point(visit: Callable[..., Visit]) -> None:
    here = visit()
    mouse = here.page.mouse
    # Hovering changes nothing.
    mouse.move(*here.on_map(0.5, 0.5))
    here.next_frame()
    assert here.point() == [0, 0]
    mouse.down()
    before = here.pixels()
    for x in (0.4, 0.2, 0.0, -0.2):
        mouse.move(*here.on_map(x, 0.3))
        here.next_frame()
        assert here.point() == pytest.approx([x, 0.3], abs=A_PIXEL)
        assert not np.array_equal(here.pixels(), before)
        before = here.pixels()
    # Dragging out of the map stops at its edge.
    mouse.move(0, 0)
    here.next_frame()
    left, top = here.page.evaluate(
        "[explorer.latentMap.limits[0][0], explorer.latentMap.limits[1][1]]"
    )
    assert here.point() == pytest.approx([max(left, -1), min(top, 1)], abs=A_PIXEL)
    mouse.up()
    mouse.move(*here.on_map(0.5, 0.5))
    here.next_frame()
    assert here.point() == pytest.approx([max(left, -1), min(top, 1)], abs=A_PIXEL)
    # Another button does nothing.
    point = here.point()
    mouse.click(*here.on_map(0.5, 0.5), button="right")
    here.next_frame()
    assert here.point() == point


@in_both_browsers
def test_a_finger_drags_the_point_and_not_the_page(visit: Callable[..., Visit]) -> None:
    here = visit(size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    here.page.touchscreen.tap(*here.on_map(0.5, 0.5))
    here.next_frame()
    assert here.point() == pytest.approx([0.5, 0.5], abs=2 * A_PIXEL)
    here.swipe([here.on_map(0.3, y) for y in (0.5, 0.4, 0.2, 0.0, -0.2, -0.4)])
    assert here.point() == pytest.approx([0.3, -0.4], abs=2 * A_PIXEL)
    assert here.page.evaluate("scrollY") == 0
    # A button takes the tap that follows at once.
    eraser = here.on_button("Eraser")
    x, y = here.on_map(-0.5, 0.5)
    here.swipe([(x, y + 25 * n) for n in range(8)])
    here.page.touchscreen.tap(*eraser)
    here.next_frame()
    assert here.is_pressed("Eraser")
    here.tap("Eraser")


def test_arrows_nudge_and_r_goes_back(visit: Callable[..., Visit]) -> None:
    here = visit()
    # Keys with these belong to the browser.
    here.press("Control+g", "Alt+1", "Meta+ArrowLeft")
    assert here.point() == [0, 0]
    assert here.page.locator("#grid").is_hidden()
    for key, end in (
        ("ArrowLeft", [-0.01, 0]),
        ("ArrowUp", [-0.01, 0.01]),
        ("Shift+ArrowRight", [0.09, 0.01]),
        ("Shift+ArrowDown", [0.09, -0.09]),
        ("r", [0, 0]),
    ):
        here.press(key)
        assert here.point() == pytest.approx(end)
    # At the map's edge they stop, as the mouse does.
    [[left, right], [bottom, top]] = here.page.evaluate("explorer.latentMap.limits")
    here.press(*["Shift+ArrowLeft"] * 12)
    assert here.point() == pytest.approx([left, 0], abs=6e-4)
    here.press(*["Shift+ArrowUp"] * 12)
    assert here.point() == pytest.approx([left, top], abs=6e-4)
    here.press("r", *["ArrowDown"] * 2, *["Shift+ArrowRight"] * 12)
    assert here.point() == pytest.approx([min(right, 1), -0.02], abs=6e-4)
    assert max(right, -left, top, -bottom) > 0.9


@in_both_browsers
def test_a_number_jumps_to_where_a_digit_is_densest(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap
) -> None:
    here = visit(full)
    for digit in range(10):
        here.press(str(digit))
        point = latent_map.densest_point(digit)
        assert point is not None
        assert here.point() == pytest.approx(point, abs=6e-4)
        assert here.labels().count(digit) >= 4


@in_both_browsers
def test_g_lays_decoded_digits_under_the_dots(visit: Callable[..., Visit]) -> None:
    here = visit()
    is_hidden = "byId('grid').hidden"
    assert here.page.evaluate(is_hidden)
    here.press("g")
    assert not here.page.evaluate(is_hidden)
    here.wait_until("explorer.grid.rows === explorer.grid.side")
    (left, right), (bottom, top) = np.clip(here.page.evaluate("explorer.latentMap.limits"), -1, 1)
    size = 25 * 28
    cells = here.pixels("#grid").reshape(size, size)
    middle = torch.tensor([[left + (right - left) / 50, top + (bottom - top) / 50]])
    assert np.array_equal(cells[:28, :28].reshape(1, 784), here.decoded(middle))
    here.click("Grid")
    assert here.page.evaluate(is_hidden)


def test_d_draws_densities(visit: Callable[..., Visit]) -> None:
    here = visit()
    plain = here.map()
    here.press("d")
    assert here.map() != plain
    assert here.is_pressed("Density")
    here.click("Density")
    assert here.map() == plain


def test_t_tours_the_digits_until_a_gesture_ends_it(visit: Callable[..., Visit]) -> None:
    here = visit()
    endings: list[Callable[[], None]] = [
        lambda: here.press("t"),
        lambda: here.press("ArrowLeft"),
        lambda: here.page.mouse.click(*here.on_map(0.1, 0.1)),
    ]
    for end_it in endings:
        here.page.evaluate("before = byId('coordinates').textContent")
        here.press("t")
        here.wait_until("byId('coordinates').textContent !== before")
        end_it()
        here.next_frame()
        assert here.rests()


def test_who_prefers_stillness_is_shown_one_digit_after_the_other(
    visit: Callable[..., Visit],
) -> None:
    here = visit(reduced_motion="reduce")
    points = here.page.evaluate("explorer.latentMap.densestPoints")
    here.page.evaluate("now = performance.now(), performance.now = () => now")
    here.press("t")
    here.next_frame()
    assert here.point() == pytest.approx(points[0], abs=6e-4)
    assert here.rests()
    here.page.evaluate("now += 3000")
    here.next_frame()
    here.next_frame()
    assert here.point() == pytest.approx(points[1], abs=6e-4)
    here.page.evaluate("delete performance.now")


def test_a_held_key_toggles_once_and_an_arrow_goes_on(visit: Callable[..., Visit]) -> None:
    here = visit()
    keyboard = here.page.keyboard
    for key, switch in (("g", "#grid-switch"), ("d", "#density-switch"), ("t", "#tour-switch")):
        for _ in range(4):  # the last three arrive as repeats
            keyboard.down(key)
        assert here.page.locator(switch).get_attribute("aria-pressed") == "true"
        keyboard.up(key)
        here.press(key)
        assert here.page.locator(switch).get_attribute("aria-pressed") == "false"
    here.press("r")
    for _ in range(4):
        keyboard.down("ArrowUp")
    keyboard.up("ArrowUp")
    here.next_frame()
    assert here.point() == pytest.approx([0, 0.04])


def test_h_shows_the_keys_until_the_next_key_or_a_click_outside(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    help_ = here.page.get_by_role("dialog")
    here.press("h")
    assert help_.is_visible()
    here.press("h")
    assert help_.is_hidden()
    here.press("h", "3")
    assert help_.is_hidden()
    assert here.caption() == "Something like a 3"
    endings: list[Callable[[], None]] = [
        lambda: here.press("Escape"),
        lambda: here.click("Close"),
        lambda: here.page.mouse.click(5, 5),
    ]
    for close in endings:
        here.click("Keys")
        # Its text can be selected, even if that ends outside.
        box = here.page.get_by_text("nudge it").bounding_box()
        assert box is not None
        here.page.mouse.move(box["x"] + 1, box["y"] + 5)
        here.page.mouse.down()
        here.page.mouse.move(box["x"] + 150, box["y"] + 5)
        assert "nudge it" in here.page.evaluate("getSelection().toString()")
        here.page.mouse.move(5, 5)
        here.page.mouse.up()
        here.page.get_by_text("nudge it").click()
        assert help_.is_visible()
        close()
        assert help_.is_hidden()


def test_tab_reaches_everything_in_the_order_of_the_eye_and_shows_where_it_is(
    visit: Callable[..., Visit],
) -> None:
    language = ["Français"]
    taking = ["Clear", "Eraser", "Real"]
    legend = [f"Digit {digit}" for digit in range(10)]
    neighbours = ["Take in a real"] * 5
    zoom = ["Zoom in", "Zoom out"]
    tools = ["Grid", "Density", "Tour", "Without", "Walk", "Centre", "Copy", "Keys"]
    wide = visit(anew=True)
    narrow = visit(size=NARROW, anew=True, locale="en-US")
    for here, order in (
        (wide, [*language, *legend, "Map", *zoom, *taking, *neighbours, *tools]),
        (narrow, [*language, *taking, "Map", *zoom, *legend, *neighbours, *tools]),
    ):
        reached = here.tab(len(order))
        for (name, outline), expected in zip(reached, order, strict=True):
            assert name.startswith(expected)
            assert outline == "solid"


def test_keys_of_one_character_can_be_turned_off(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    here.click("Keys")
    here.page.get_by_role("checkbox", name="Keys of one character").uncheck()
    here.click("Close")
    here.press("g", "3", "h")
    assert here.point() == [0, 0]
    assert here.page.locator("#grid").is_hidden()
    assert here.page.get_by_role("dialog").is_hidden()
    here.press("ArrowUp")
    assert here.point() == [0, 0.01]
    here.click("Keys")
    here.page.get_by_role("checkbox").check()
    here.press("g")
    assert here.page.locator("#grid").is_visible()


def test_a_phone_has_buttons_to_nudge_and_help_without_keys(visit: Callable[..., Visit]) -> None:
    here = visit(size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    for name, end in (("Up", [0, 0.01]), ("Left", [-0.01, 0.01]), ("Down", [-0.01, 0])):
        here.page.get_by_role("button", name=name, exact=True).tap()
        here.next_frame()
        assert here.point() == pytest.approx(end)
    here.page.get_by_role("button", name="Help", exact=True).tap()
    help_ = here.page.get_by_role("dialog")
    assert "double tap" in help_.inner_text()
    assert not re.search("key|shift|click|button", help_.inner_text())
    here.page.get_by_role("button", name="Close").tap()
    assert visit().page.get_by_role("button", name="Left").is_hidden()
