"""The page's other map, without a network, and its walk from A to B."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from autoencoder.mnist import Digits
from autoencoder.view.latent_map import WALK, LatentMap
from tests.drawings import DRAWINGS
from tests.fixtures import DATA, fitted, loaded
from tests.page import Visit

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def linear_map(test_set: tuple[Tensor, Tensor]) -> LatentMap:
    return LatentMap(fitted(loaded(DATA, "train").images), Digits(*test_set))


def test_p_shows_the_map_of_two_principal_components_and_goes_back(
    visit: Callable[..., Visit], full: Path, linear_map: LatentMap
) -> None:
    here = visit(full, reduced_motion="reduce")
    network = here.map()
    here.press("3")
    point = here.point()
    here.press("p")
    assert here.caption().endswith("map, without a network")
    assert here.point() == point
    assert here.map() != network
    # The errors of both maps.
    here.see("0.0282 with the network, 0.0557 without")
    points = torch.from_numpy(np.random.default_rng(0).uniform(-0.5, 0.6, (50, 2))).float()
    expected = linear_map.decode(points).clip(0, 1)
    assert np.abs(here.decoded(points) - expected).max() <= 1.5 / 255
    for digit in (0, 1):
        here.press(str(digit))
        assert here.point() == pytest.approx(linear_map.densest_point(digit), abs=6e-4)
        nearest, _ = linear_map.nearest(here.page.evaluate("explorer.point"), 5)
        assert here.labels() == linear_map.labels[nearest].tolist()
    here.press("r")
    here.click("Without a network")
    assert here.map() == network


def test_a_digit_stays_in_on_the_other_map(
    visit: Callable[..., Visit], full: Path, latent_map: LatentMap, linear_map: LatentMap
) -> None:
    here = visit(full, reduced_motion="reduce")
    here.page.evaluate("explorer.takeIn(17), explorer.paint()")
    errors = [
        float(each.errors_at([each.latents[17]], each.pixels(17))[0])
        for each in (latent_map, linear_map)
    ]
    for each in (linear_map, latent_map):
        here.press("p")
        assert here.point() == pytest.approx(each.latents[17], abs=6e-4)
        assert here.digit_in() == f"Digit in: a real {latent_map.labels[17]}"
        shown = re.search(r"Of the digit in: (\S+) and (\S+)\.", here.page.inner_text("#errors"))
        assert shown
        # Of 4 bits a pixel.
        assert [float(shown[1]), float(shown[2])] == pytest.approx(errors, abs=3e-3)
    # A drawing is projected, without a search.
    here.press("p")
    here.draw(DRAWINGS[0])
    [code] = linear_map.model.encode(torch.tensor(here.drawn(DRAWINGS[0]))[None].float())
    assert here.point() == pytest.approx(code.tolist(), abs=2e-3)
    assert here.page.locator("#cross").is_hidden()
    here.press("c", "p")


def test_dots_glide_to_the_other_map(
    visit: Callable[..., Visit], new_window: Callable[..., "Page"]
) -> None:
    window = new_window()
    window.clock.install()
    here = visit(window=window)
    before = here.map()
    window.clock.pause_at(window.evaluate("Date.now() + 1000"))
    window.keyboard.press("p")
    window.clock.run_for(250)
    halfway = here.map()
    window.clock.run_for(750)
    after = here.map()
    assert len({before, halfway, after}) == 3
    window.clock.resume()
    # A glide that is cut short ends where it was to.
    here.press("p", "p")
    here.wait_until("!explorer.map.dots.gliding")
    after = here.map()
    here.press("p")
    here.wait_until("!explorer.map.dots.gliding")
    assert here.map() != after


def test_w_marks_a_then_b_and_shows_the_way_between_them(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.page.mouse.click(*here.on_map(-0.2, -0.5))
    here.press("w")
    assert here.caption() == "A is here: move on, mark B"
    assert here.page.get_by_text("A", exact=True).is_visible()
    assert here.page.locator("#strip").is_hidden()
    here.page.mouse.click(*here.on_map(0.5, 0.3))
    here.click("Walk to B")
    [start, end] = here.page.evaluate("explorer.walk.ends.map(({ point }) => point)")
    assert start == pytest.approx([-0.2, -0.5], abs=0.01)
    assert end == pytest.approx([0.5, 0.3], abs=0.01)
    strip = here.pixels("#strip").reshape(28, WALK, 28).swapaxes(0, 1).reshape(WALK, 784)
    points = np.linspace(start, end, WALK)
    assert np.abs(strip - here.decoded(torch.from_numpy(points).float())).max() <= 1.5 / 255
    # The line leads from one mark to the other.
    boxes = here.boxes("#walk-a", "#walk-b", "#walk-line line")
    line, marks = boxes["#walk-line line"], [boxes["#walk-a"], boxes["#walk-b"]]
    for x, y in ((mark.x0 + mark.width / 2, mark.y0 + mark.height / 2) for mark in marks):
        assert min(abs(x - line.x0), abs(x - line.x1)) < 3
        assert min(abs(y - line.y0), abs(y - line.y1)) < 3
    here.press("w")
    assert here.page.locator("#strip").is_hidden()
    assert here.page.locator("#walk-a").is_hidden()
    assert here.page.locator("#real").is_visible()


def test_a_walk_leads_from_real_digit_to_real_digit(
    visit: Callable[..., Visit], latent_map: LatentMap
) -> None:
    here = visit()
    for index in (3, 9):
        here.page.evaluate(f"explorer.takeIn({index}), explorer.paint()")
        here.press("w")
    one, other = latent_map.labels[[3, 9]]
    here.see(f"From A, a real {one}, to B, a real {other}")
    ends = here.page.evaluate("explorer.walk.ends.map(({ point }) => point)")
    assert np.allclose(ends, latent_map.latents[[3, 9]], atol=1e-4)
    here.press("p")
    moved = here.page.evaluate("explorer.walk.ends.map(({ point }) => point)")
    assert not np.allclose(moved, ends, atol=0.05)
    here.press("p", "c", "w")


def test_the_strip_is_saved_in_black_on_white(visit: Callable[..., Visit], tmp_path: Path) -> None:
    here = visit()
    here.page.emulate_media(color_scheme="dark")
    here.press("4", "w", "9", "w")
    with here.page.expect_download() as download:
        here.click("Save as a picture")
    download.value.save_as(tmp_path / "strip.png")
    assert download.value.suggested_filename == "walk.png"
    with Image.open(tmp_path / "strip.png") as picture:
        saved = 1 - np.array(picture.convert("L")) / 255
    assert np.abs(saved[2::4, 2::4].ravel() - here.pixels("#strip")).max() <= 1.5 / 255
    here.press("w")
