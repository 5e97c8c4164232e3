"""The explorer's page on every screen, and for every eye."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Literal

from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR
from tests.fixtures import need
from tests.page import AXE, HUGE, NARROW, PARTS, WIDE, Visit
from tests.test_pictures import SIGHT, smallest_distance

import numpy as np
import pytest
from matplotlib.transforms import Bbox

SIZES = (
    *(NARROW, WIDE, HUGE, (360, 800), (360, 660), (320, 568), (375, 547), (667, 375), (740, 360)),
    *((700, 640), (768, 1024), (820, 1180), (1366, 625), (1280, 720)),
)
# Too low for the map and the digit; the first is a screen of 1280 x 1024 at 400%.
LOW_SIZES = (320, 256), (560, 500), (561, 520), (599, 520)
# The greys of the ink on each of the canvases that hold digits.
GREYS = """[...document.querySelectorAll(".digit, #grid")].map((canvas) => {
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return [...new Set(data.filter((_, i) => i % 4 === 0 && data[i + 3] > 100))];
})"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.mark.parametrize("locale", ["en-GB", "fr-CA"])
def test_everything_is_seen_and_nothing_overlaps(visit: Callable[..., Visit], locale: str) -> None:
    here = visit(locale=locale)
    for width, height in SIZES + LOW_SIZES:
        here.page.set_viewport_size({"width": width, "height": height})
        here.next_frame()
        assert here.page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = here.boxes(*PARTS)
        for box in boxes.values():
            assert 0 <= box.x0 < box.x1 <= width
        assert_apart(list(boxes.values()))
        assert_apart(here.all_boxes("button"))
        assert boxes["#frame"].width >= 96
        if (width, height) not in LOW_SIZES:
            assert max(boxes["#map"].y1, boxes["#frame"].y1) <= height
        if boxes["#tools"].x0 > boxes["#map"].x1:
            assert boxes["#tools"].y1 <= height
        texts = here.page.locator("button, #caption, #about, #coordinates, h1, h2")
        for excess in texts.evaluate_all(
            "(all) => all.map((each) => each.scrollWidth - each.clientWidth)"
        ):
            assert excess <= 1


def assert_apart(boxes: list[Bbox]) -> None:
    for one, other in combinations(boxes, 2):
        overlap = Bbox.intersection(one, other)
        assert overlap is None or min(overlap.size) < 0.5


@pytest.mark.parametrize("locale", ["en-GB", "fr-CA"])
def test_a_large_font_scrolls_no_phone_sideways(visit: Callable[..., Visit], locale: str) -> None:
    here = visit(locale=locale, size=(360, 740))
    settings = here.page.context.new_cdp_session(here.page)
    for pixels in (24, 16):  # the last one is how it was
        settings.send("Page.setFontSizes", {"fontSizes": {"standard": pixels}})
        here.next_frame()
        here.wait_until(f"getComputedStyle(document.documentElement).fontSize === '{pixels}px'")
        assert here.page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("locale", ["en-GB", "fr-CA"])
def test_no_caption_moves_the_map_under_the_finger(
    visit: Callable[..., Visit], locale: str
) -> None:
    here = visit(locale=locale, size=(320, 568))
    top = here.boxes("#map")["#map"].y0
    here.press("n")
    for text in ("like(8)", "between(8, 8)", "absent(8)", "noneShown"):
        here.page.evaluate(f"explorer.say(explorer.language.texts.{text}), explorer.paint()")
        assert here.boxes("#map")["#map"].y0 == top


def test_axe_finds_nothing_to_object_to(visit: Callable[..., Visit]) -> None:
    need(AXE.exists(), "axe-core")
    here = visit()
    here.page.evaluate(AXE.read_text(encoding="utf-8"))
    for (width, height), scheme in product((WIDE, NARROW), SCHEMES):
        here.page.set_viewport_size({"width": width, "height": height})
        here.page.emulate_media(color_scheme=scheme)
        for keys in ("gd", "h", "h"):
            here.press(*keys)
            violations = here.page.evaluate("axe.run().then((results) => results.violations)")
            assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []


def test_the_colours_are_the_windows_and_on_a_dark_page_as_easy_to_tell_apart(
    visit: Callable[..., Visit],
) -> None:
    here = visit()
    assert here.digit_colours() == list(DIGIT_COLOURS)
    assert here.colour("#point") == POINT_COLOUR
    here.emulate(color_scheme="light")  # an earlier visit may have left it dark until now
    here.page.evaluate("explorer.map.draw(), light = byId('dots').toDataURL()")
    here.emulate(color_scheme="dark")
    here.wait_until("byId('dots').toDataURL() !== light")
    dark = here.digit_colours()
    assert not set(dark) & set(DIGIT_COLOURS)
    for sight in SIGHT:
        assert smallest_distance(dark, sight) > 0.12


def test_digits_are_ink_on_paper_on_every_page(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.press("g", "n", "w", "w")
    here.wait_until("explorer.grid.rows === explorer.grid.side")
    before = here.pixels()
    for media, grey in (
        ({"color_scheme": "dark"}, 255),
        ({"media": "print"}, 0),
        ({"media": "screen"}, 255),
        ({"color_scheme": "light"}, 0),
    ):
        here.emulate(**media)
        inks = here.page.evaluate(GREYS)
        assert inks == [[grey]] * len(inks)
    assert np.array_equal(here.pixels(), before)
    here.press("g", "w", "c")


def test_forced_colours_and_print_leave_what_colours_mean(visit: Callable[..., Visit]) -> None:
    here = visit()
    for media in ({"forced_colors": "active"}, {"forced_colors": "none", "media": "print"}):
        here.emulate(**media)
        assert here.digit_colours() == list(DIGIT_COLOURS)
        assert here.colour("#point") == POINT_COLOUR
        label = here.labels()[0]
        assert here.colour("#neighbours li:first-child span", "::before") == DIGIT_COLOURS[label]
    prints = "(element) => getComputedStyle(element).printColorAdjust"
    assert here.page.locator("#point").evaluate(prints) == "exact"
    here.emulate(media="screen", forced_colors="active")
    background = "(element) => getComputedStyle(element).backgroundColor"
    switch = here.page.locator("#grid-switch")
    plain = switch.evaluate(background)
    here.press("g")
    assert switch.evaluate(background) != plain
    here.press("g")
