"""Digits that go into the explorer's page: drawn by hand, or real ones."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from autoencoder.handwriting import draw_strokes
from autoencoder.view.latent_map import LatentMap
from tests.drawings import DRAWINGS, Stroke
from tests.page import A_PIXEL, NARROW, Visit, in_both_browsers

import numpy as np
import pytest
import torch

if TYPE_CHECKING:
    from playwright.sync_api import Page


@in_both_browsers
def test_a_drawn_digit_goes_among_its_kind_and_comes_back(
    visit: Callable[..., Visit], full: Path
) -> None:
    here = visit(full)
    here.know_all_places()
    drawings = np.array([here.drawn(strokes) for strokes in DRAWINGS])
    for digit, strokes in enumerate(DRAWINGS):
        here.press("c")
        before = here.point()
        here.draw(strokes)
        assert here.point() != before
        assert here.labels().count(digit) >= 4
        assert here.digit_in() == "Digit in: your drawing"
        assert not here.invites()
        assert min(here.ink(*stroke[-1]) for stroke in strokes) > 0.9
        assert here.ink(0.02, 0.02) == 0
        # What comes back is more like what went in than like any other drawing.
        assert ((drawings - here.pixels()) ** 2).mean(axis=1).argmin() == digit


def test_the_same_strokes_become_the_same_pixels_as_in_the_window(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    small = [[[(x / 3, y / 3) for x, y in stroke] for stroke in strokes] for strokes in DRAWINGS]
    dots: list[list[Stroke]] = [[[(0.5, 0.5)]], [[(0, 0.1), (1, 0.9)], [(0.3, 0.9)]]]
    for strokes in [*DRAWINGS, *small, *dots]:
        drawn = draw_strokes(strokes)
        assert drawn is not None
        assert np.abs(here.drawn(strokes) - drawn).mean() <= 0.002


def test_the_point_follows_while_the_hand_still_draws(visit: Callable[..., Visit]) -> None:
    here = visit()
    [stroke] = DRAWINGS[2]
    places = []
    here.page.mouse.move(*here.on_panel(*stroke[0]))
    here.page.mouse.down()
    for point in stroke[1:]:
        here.page.mouse.move(*here.on_panel(*point))
        here.next_frame()
        places.append(tuple(here.point()))
    # Leaving the panel, the stroke ends at its edge.
    here.page.mouse.move(*here.on_panel(0.5, 3))
    here.next_frame()
    assert here.ink(0.5, 0.99) > 0.9
    here.page.mouse.up()
    assert len(set(places)) > 10
    after = here.point()
    here.page.mouse.move(*here.on_panel(0.1, 0.1))
    here.next_frame()
    assert here.point() == after


def test_a_finger_draws_and_nothing_scrolls(visit: Callable[..., Visit], full: Path) -> None:
    here = visit(full, size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    here.know_all_places()
    for digit in (1, 4, 7):
        here.tap("Clear")
        for stroke in DRAWINGS[digit]:
            here.swipe([here.on_panel(*point) for point in stroke])
        assert here.labels().count(digit) >= 3
    here.tap("Eraser")
    assert here.ink(0.5, 0.22) > 0.9
    here.swipe([here.on_panel(0.5, y) for y in (0.1, 0.2, 0.3)])
    assert here.ink(0.5, 0.22) == 0
    assert here.page.evaluate("scrollY") == 0
    here.tap("Eraser")
    # Beside the panel a finger does scroll.
    here.swipe([(350, y) for y in (730, 710, 690, 650, 600)])
    here.wait_until("scrollY > 0")


@in_both_browsers
def test_the_right_button_and_the_eraser_erase_and_c_clears(visit: Callable[..., Visit]) -> None:
    here = visit()
    cross = [[(0.2, 0.5), (0.8, 0.5)], [(0.5, 0.2), (0.5, 0.8)]]
    here.draw(cross)
    whole = here.point()
    assert here.ink(0.8, 0.5) > 0.9
    here.draw([[(0.8, 0.3), (0.8, 0.7)]], button="right")
    assert here.ink(0.8, 0.5) == 0
    assert here.ink(0.2, 0.5) > 0.9
    assert here.point() != whole
    here.click("Eraser")
    here.draw([[(0.2, 0.3), (0.2, 0.7)]])
    assert here.ink(0.2, 0.5) == 0
    assert here.ink(0.5, 0.5) > 0.9
    # What is left of a drawing without ink is an empty panel.
    here.draw([[(0.25 + 0.05 * n, 0.15 + 0.7 * (n % 2)) for n in range(11)]])
    assert here.invites()
    assert here.text("#error") == ""
    here.click("Eraser")
    clears: list[Callable[[], None]] = [lambda: here.press("c"), lambda: here.click("Clear")]
    for clear in clears:
        here.draw(cross)
        point = here.point()
        assert not here.invites()
        clear()
        assert here.invites()
        assert here.ink(0.5, 0.5) == 0
        assert here.point() == point


def test_neighbours_take_in_a_real_digit(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap
) -> None:
    here = visit(full)
    here.press("8")
    for rank in (1, 4, 2):
        [index] = latent_map.nearest(here.page.evaluate("explorer.point"), 5)[0][[rank]]
        here.page.locator("#neighbours button").nth(rank).click()
        here.next_frame()
        assert here.digit_in() == f"Digit in: a real {latent_map.labels[index]}"
        assert here.point() == pytest.approx(latent_map.latents[index], abs=6e-4)
        original = latent_map.images[index] / 255
        assert np.abs(here.pixels("#sketch") - original).max() <= 8.5 / 255  # of 4 bits
        [decoded] = latent_map.decode([latent_map.latents[index]])
        assert np.abs(here.pixels() - decoded).max() <= 3 / 255  # codes of 16 bits
        # A drawing takes its place.
        here.draw([[(0.5, 0.2), (0.5, 0.8)]])
        assert here.digit_in() == "Digit in: your drawing"


def test_a_double_click_or_tap_takes_the_nearest_digit_in(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap
) -> None:
    here = visit(full)
    here.double_click(*here.on_map(0.3, -0.2))
    [nearest], _ = latent_map.nearest((0.3, -0.2), 1)
    assert here.point() == pytest.approx(latent_map.latents[nearest], abs=0.02)
    assert here.digit_in().startswith("Digit in: a real")
    # Two clicks at different places are just that.
    here.page.mouse.click(*here.on_map(0.1, 0.1))
    here.page.mouse.click(*here.on_map(0.2, 0.1))
    here.next_frame()
    assert here.invites()
    here = visit(full, size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    here.double_tap(here.on_map(0.3, -0.2), here.on_map(0.32, -0.2))
    assert here.digit_in().startswith("Digit in: a real")


def test_n_takes_in_a_real_digit_of_those_shown(visit: Callable[..., Visit]) -> None:
    here = visit()
    taken = set()
    for _ in range(12):
        here.press("n")
        taken.add((here.digit_in(), *here.point()))
    assert len(taken) > 8
    here.choose(5, "Only this one")
    takes: list[Callable[[], None]] = [lambda: here.press("n"), lambda: here.click("Real digit")]
    for take in takes * 5:
        take()
        assert here.digit_in() == "Digit in: a real 5"
    here.choose(5, "Hide")
    here.press("n")
    assert here.caption() == "All digits are hidden"


def test_moving_the_point_by_hand_empties_the_panel(visit: Callable[..., Visit]) -> None:
    here = visit()
    assert here.invites()
    takes: list[Callable[[], None]] = [
        lambda: here.press("n"),
        lambda: here.draw(DRAWINGS[1]),
    ]
    # At different places, or it might be a double click.
    places = iter(((0.2, 0.2), (0.4, 0.2)))
    moves: list[Callable[[], None]] = [
        lambda: here.page.mouse.click(*here.on_map(*next(places))),
        lambda: here.press("ArrowLeft"),
        lambda: here.press("3"),
        lambda: here.press("r"),
        lambda: here.press("t"),
    ]
    for take, move in product(takes, moves):
        take()
        assert not here.invites()
        assert here.page.locator("#error").inner_text() != ""
        move()
        here.next_frame()
        assert here.invites()
        assert here.text("#error") == ""
    # What is taken in ends a tour.
    here.press("n")
    assert not here.is_pressed("Tour")


@pytest.mark.parametrize(("locale", "marks"), [("en-GB", ".%"), ("fr-CA", ",\u00a0%")])
def test_the_error_is_told_beside_those_of_real_digits(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap, locale: str, marks: str
) -> None:
    here = visit(full, locale=locale)
    told = set()
    for _ in range(10):
        here.press("n")
        text = here.page.locator("#error").inner_text()
        found = re.match(r"(\d[.,]\d{3})\s?: (\D+) (\d+)\s?% ", text)
        assert found, text
        assert all(mark in text for mark in marks)
        taken = np.array(here.page.evaluate("[...explorer.digitIn.pixels]"))
        error = ((taken - here.pixels()) ** 2).mean()
        assert float(found[1].replace(",", ".")) == pytest.approx(error, abs=6e-4)
        rank = np.searchsorted(latent_map.errors, error) / len(latent_map.errors)
        share = rank if found[2] in ("worse than", "pire que") else 1 - rank
        assert int(found[3]) / 100 == pytest.approx(share, abs=0.025)
        told.add(found[2])
    assert len(told) == 2


def test_a_cross_marks_the_place_that_the_encoder_missed(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap
) -> None:
    here = visit(full)
    here.know_all_places()
    cross = here.page.locator("#cross")
    images = latent_map.images[:60] / 255
    marked = 0
    for index, image in enumerate(images):
        here.page.evaluate(f"explorer.takeIn({index}), explorer.paint()")
        if cross.is_hidden():
            continue
        marked += 1
        box = cross.bounding_box()
        assert box is not None
        x, y = here.on_map(0, 0)
        right, up = np.array(here.on_map(1, 1)) - (x, y)
        best = (
            (box["x"] + box["width"] / 2 - x) / right,
            (box["y"] + box["height"] / 2 - y) / up,
        )
        assert np.hypot(*(latent_map.latents[index] - best)) > 0.03 - A_PIXEL
        errors = ((latent_map.decode([best, latent_map.latents[index]]) - image) ** 2).mean(axis=1)
        assert errors[0] < errors[1]
    assert 3 <= marked <= 30
    here.draw(DRAWINGS[3])
    assert cross.is_hidden()
    here.press("n", "r")
    assert cross.is_hidden()


def test_the_search_is_nearly_as_good_as_trying_every_place(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap
) -> None:
    here = visit(full)
    here.know_all_places()
    steps = np.linspace(-1, 1, 201)
    places = torch.from_numpy(latent_map.decode([(x, y) for x in steps for y in steps]))
    images = latent_map.images[:100] / np.float32(255)
    squares = (places**2).sum(dim=1) - 2 * torch.from_numpy(images) @ places.T
    closest = (squares.min(dim=1).values.numpy() + (images**2).sum(axis=1)) / 784
    found = here.page.evaluate(
        "(all) => all.map((image) => explorer.latentMap.finder.find(Float32Array.from(image)))",
        images.tolist(),
    )
    errors = ((latent_map.decode(found) - images) ** 2).mean(axis=1)
    assert np.median(errors - closest) <= 1e-4
    assert (errors - closest).mean() <= 1e-3


def test_a_drawing_is_found_before_the_page_knows_all_places(
    visit: Callable[..., Visit], new_window: Callable[..., "Page"], full: Path
) -> None:
    window = new_window()
    window.add_init_script("window.requestIdleCallback = (work) => { window.work = work; }")
    here = visit(full, window=window)
    here.page.evaluate("while (explorer.latentMap.finder.known < 512) work()")
    right = 0
    for digit in (3, 1, 6, 7, 0):
        here.press("c")
        here.draw(DRAWINGS[digit])
        right += here.labels().count(digit) >= 3
    assert right >= 4
    early = here.page.evaluate("explorer.point")
    here.page.evaluate("while (!explorer.latentMap.finder.complete) work()")
    here.next_frame()
    assert here.page.evaluate("explorer.point") != early
    assert here.labels().count(0) >= 4


@pytest.mark.parametrize("browser_has", ["", "delete window.requestIdleCallback"])
def test_with_idle_callbacks_or_without_the_places_become_known(
    visit: Callable[..., Visit], new_window: Callable[..., "Page"], browser_has: str
) -> None:
    window = new_window()
    window.add_init_script(browser_has)
    here = visit(window=window)
    known = here.page.evaluate("explorer.latentMap.finder.known")
    here.wait_until(f"explorer.latentMap.finder.known > {known + 50}")


def test_what_goes_in_is_read_aloud(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    assert here.digit_in() == "Digit in: none yet. Draw one here, or press n for a real one"
    here.draw(DRAWINGS[1])
    error = here.page.locator("#error").inner_text()
    here.wait_until("byId('announcement').textContent.includes('your drawing')")
    told = here.page.locator("#announcement").inner_text()
    assert told.endswith(f"In went your drawing. Error {error}.")
