"""The page's legend, and which digits count: those that it does not hide."""

from collections.abc import Callable
from pathlib import Path

from autoencoder.view.latent_map import LatentMap
from tests.page import NARROW, Visit

import numpy as np
import pytest


def test_an_entry_hides_its_digit_shows_only_it_or_jumps_there(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    plain = here.map()
    here.choose(1, "Hide")
    assert here.page.get_by_role("button", name="Digit 1, hidden").is_visible()
    assert here.map() != plain
    here.choose(1, "Show")
    assert here.map() == plain
    here.choose(1, "Only this one")
    assert here.page.get_by_role("button", name="hidden").count() == 9
    here.choose(1, "Show all")
    assert here.map() == plain
    here.choose(3, "Jump there")
    densest = here.page.evaluate("explorer.latentMap.densestPoints[3]")
    assert here.point() == pytest.approx(densest, abs=6e-4)
    # Shift and a click need no menu.
    for count in (9, 0):
        here.page.get_by_role("button", name="Digit 4").click(modifiers=["Shift"])
        assert here.page.get_by_role("button", name="hidden").count() == count
    assert here.page.get_by_role("menu").is_hidden()


def test_keys_move_in_the_menu_and_leave_it_where_they_came_from(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    focused = "document.activeElement.ariaLabel || document.activeElement.textContent"
    menu = here.page.get_by_role("menu", name="Digit 9")
    here.page.get_by_role("button", name="Digit 9").focus()
    here.press("Enter")
    assert here.page.evaluate(focused) == "Hide"
    assert here.page.locator("[aria-expanded=true]").inner_text() == "9"
    for key, name in (
        ("ArrowDown", "Only this one"),
        ("End", "Jump there"),
        ("ArrowDown", "Hide"),
        ("ArrowUp", "Jump there"),
        ("Home", "Hide"),
    ):
        here.press(key)
        assert here.page.evaluate(focused) == name
    assert here.point() == [0, 0]
    here.press("Escape")
    assert menu.is_hidden()
    assert here.page.evaluate(focused) == "Digit 9"
    here.press("Space", "Enter")
    assert here.page.evaluate(focused) == "Digit 9, hidden"
    here.press("Enter", "Enter", "Enter", "Tab")
    assert menu.is_hidden()
    assert "Map of the digits" in here.page.evaluate(focused)
    # A click elsewhere closes it as well, and a second one on its entry.
    for elsewhere in ("#map", "#legend button:last-of-type"):
        here.page.get_by_role("button", name="Digit 9").click()
        assert menu.is_visible()
        here.page.locator(elsewhere).click(position={"x": 5, "y": 5})
        assert menu.is_hidden()


def test_a_finger_finds_all_of_the_menu_on_the_screen(visit: Callable[..., Visit]) -> None:
    here = visit(size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    for digit in (0, 9):
        here.page.get_by_role("button", name=f"Digit {digit}").tap()
        [menu] = here.boxes("#menu").values()
        assert 0 <= menu.x0 < menu.x1 <= NARROW[0]
        here.page.get_by_role("menuitem", name="Jump there").tap()
        here.next_frame()
        assert here.labels().count(digit) >= 4


def test_hidden_digits_are_no_neighbours_and_without_any_there_is_no_ring(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    ring = here.page.locator("#ring")
    here.press("4")
    assert 4 in here.labels()
    here.choose(4, "Hide")
    assert len(here.labels()) == 5
    assert 4 not in here.labels()
    here.double_click(*here.on_map(*here.point()))
    assert "a real 4" not in here.digit_in()
    here.choose(4, "Only this one")
    assert set(here.labels()) == {4}
    here.see("the first is ringed on the map")
    assert ring.is_visible()
    here.choose(4, "Hide")
    assert ring.is_hidden()
    assert here.labels() == []
    assert here.caption() == "All digits are hidden"
    here.press("ArrowLeft")
    here.double_click(*here.on_map(0, 0))
    assert here.caption() == "All digits are hidden"
    assert here.invites()
    here.page.get_by_role("button", name="Digit 4").click(modifiers=["Shift"])
    here.page.get_by_role("button", name="Digit 4").click(modifiers=["Shift"])


@pytest.mark.parametrize(
    ("locale", "words"),
    [("en-GB", "Far from any real digit"), ("fr-CA", "Loin de tout chiffre réel")],
    ids=["English", "French"],
)
def test_far_from_any_digit_it_says_so(
    visit: Callable[..., Visit], latent_map: LatentMap, locale: str, words: str, full: Path
) -> None:
    here = visit(full, locale=locale)
    far = 0
    points = np.random.default_rng(0).uniform(-0.9, 0.8, (30, 2))
    for point in points:
        here.page.evaluate(f"explorer.moveTo({point.tolist()}), explorer.paint()")
        _, [distance] = latent_map.nearest(point, 1)
        assert (here.caption() == words) == (distance > latent_map.far)
        far += distance > latent_map.far
    assert 5 < far < 25
