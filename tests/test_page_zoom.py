"""The page's view of the map: zoom, pan, and the way back."""

from collections.abc import Callable

from tests.page import A_PIXEL, NARROW, Visit

import numpy as np
import pytest
import torch


def ends(here: Visit) -> list[list[float]]:
    """What is in view: [[left, right], [bottom, top]]."""
    shown: list[list[float]] = here.page.evaluate("explorer.map.viewport.ends")
    return shown


def test_a_wheel_zooms_around_the_pointer_and_r_goes_back(visit: Callable[..., Visit]) -> None:
    here = visit()
    whole, plain = ends(here), here.map()
    pixel = here.on_map(0.4, -0.3)
    here.page.mouse.move(*pixel)
    here.page.mouse.wheel(0, -700)
    here.next_frame()
    here.wait_until("explorer.map.viewport.zoom > 3.5")
    here.next_frame()
    assert np.ptp(ends(here)[0]) == pytest.approx(np.ptp(whole[0]) / np.exp(1.4), rel=0.01)
    assert here.on_map(0.4, -0.3) == pytest.approx(pixel, abs=4)
    assert here.map() != plain
    # What is clicked is what is there.
    here.page.mouse.click(*here.on_map(0.45, -0.25))
    here.next_frame()
    assert here.point() == pytest.approx([0.45, -0.25], abs=A_PIXEL)
    # The point is followed where it leaves the view.
    here.press("0")
    (left, right), (bottom, top) = ends(here)
    x, y = here.point()
    assert left < x < right
    assert bottom < y < top
    assert right - left < 0.6
    # It zooms out to the whole map, and no farther.
    here.page.mouse.wheel(0, 3000)
    here.wait_until("explorer.map.viewport.zoom === 1")
    assert np.allclose(ends(here), whole)
    here.press("+", "+", "r")
    assert np.allclose(ends(here), whole)
    assert here.point() == [0, 0]
    assert here.map() == plain


def test_keys_and_buttons_zoom_and_shift_and_drag_pans(visit: Callable[..., Visit]) -> None:
    here = visit()
    whole = ends(here)
    here.press("+")
    here.click("Zoom in")
    assert np.ptp(ends(here)[0]) == pytest.approx(np.ptp(whole[0]) / 1.5**2)
    before = ends(here)
    x, y = here.on_map(0, 0)
    mouse = here.page.mouse
    here.page.keyboard.down("Shift")
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 50, y + 20)
    mouse.up()
    here.page.keyboard.up("Shift")
    here.next_frame()
    assert here.on_map(0, 0) == pytest.approx((x - 50, y + 20), abs=1)
    assert here.point() == [0, 0]
    assert not np.allclose(ends(here), before)
    here.press("-")
    here.click("Zoom out")
    assert np.allclose(ends(here), whole)
    # Never so far in that nothing is left to see.
    here.press(*["+"] * 20)
    assert np.ptp(ends(here)[0]) == pytest.approx(np.ptp(whole[0]) / 16)


def test_two_fingers_zoom_and_pan_and_leave_the_point(visit: Callable[..., Visit]) -> None:
    here = visit(size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    finger = here.page.context.new_cdp_session(here.page)
    x, y = here.on_map(0.2, 0)
    before = here.point()

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})

    touch("Start", (x - 30, y))
    touch("Start", (x - 30, y), (x + 30, y))
    for reach in (40, 50, 60):
        touch("Move", (x - reach + 20, y), (x + reach + 20, y))
    touch("End")
    here.next_frame()
    assert here.page.evaluate("explorer.map.viewport.zoom") == pytest.approx(2, rel=0.15)
    assert here.on_map(0.2, 0) == pytest.approx((x + 20, y), abs=6)
    assert here.point() == before
    # Then one finger moves the point again.
    here.page.touchscreen.tap(*here.on_map(0.3, 0.1))
    here.wait_until("explorer.point[0] > 0.2")
    here.next_frame()
    assert here.point() == pytest.approx([0.3, 0.1], abs=2 * A_PIXEL)


def test_the_grid_and_the_densities_follow_the_view(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.press("g", "d")
    here.wait_until("explorer.grid.rows === explorer.grid.side")
    here.press("+", "+", "+")
    here.wait_until("String(explorer.grid.limits) === String(bounds(explorer.map.viewport.ends))")
    (left, right), (bottom, top) = np.clip(ends(here), -1, 1)
    cell = here.pixels("#grid").reshape(700, 700)[:28, :28].reshape(1, 784)
    middle = torch.tensor([[left + (right - left) / 50, top + (bottom - top) / 50]])
    assert np.array_equal(cell, here.decoded(middle))
    # The grid lies where its digits belong.
    boxes = here.boxes("#map", "#grid")
    assert boxes["#grid"].x0 == pytest.approx(boxes["#map"].x0, abs=2)
    assert boxes["#grid"].width == pytest.approx(boxes["#map"].width, abs=3)
    # Close to its peak, a density covers all that is in view; in a corner of the map, nothing.
    here.press("g", "6", *["+"] * 8)
    covered = """(({ data }) => data.filter((value, i) => i % 4 === 3 && value > 0).length * 4
        / data.length)(explorer.map.context.getImageData(0, 0, 500, 500))"""
    here.page.evaluate("explorer.map.showAxes(false)")
    assert here.page.evaluate(covered) > 0.9
    here.page.evaluate("explorer.map.changeView((viewport) => viewport.show(16, [-1, 1]))")
    here.next_frame()
    assert here.page.evaluate(covered) < 0.05
    here.page.evaluate("explorer.map.showAxes(true)")
    here.press("d", "r")
