"""The explorer's page on every screen, and for every eye."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Literal

from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR
from tests.conftest import need
from tests.page import AXE, HUGE, NARROW, PARTS, WIDE, Visit
from tests.test_pictures import SIGHT, smallest_distance

import pytest
from matplotlib.transforms import Bbox


@pytest.mark.parametrize("locale", ["en-GB", "fr-CA"])
def test_everything_is_seen_and_nothing_overlaps(visit: Callable[..., Visit], locale: str) -> None:
    here = visit(locale=locale)
    low = (1366, 625), (667, 375), (375, 547), (320, 568)
    for width, height in (NARROW, (740, 360), (820, 1180), WIDE, HUGE, *low):
        here.page.set_viewport_size({"width": width, "height": height})
        here.next_frame()
        assert here.page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = here.boxes(*PARTS)
        for box in boxes.values():
            assert 0 <= box.x0 < box.x1 <= width
        for one, other in combinations(boxes.values(), 2):
            overlap = Bbox.intersection(one, other)
            assert overlap is None or min(overlap.size) < 0.5
        # The map and its digit are seen together, and no text is cut off.
        assert max(boxes["#map"].y1, boxes["#frame"].y1) <= height
        texts = here.page.locator("#legend button, #tools button, #caption, #about, h1")
        for excess in texts.evaluate_all(
            "(all) => all.map((each) => each.scrollWidth - each.clientWidth)"
        ):
            assert excess <= 1


def test_axe_finds_nothing_to_object_to(visit: Callable[..., Visit]) -> None:
    need(AXE.exists(), "axe-core")
    here = visit()
    here.page.evaluate(AXE.read_text(encoding="utf-8"))
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for (width, height), scheme in product((WIDE, NARROW), schemes):
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
    here.page.evaluate("light = byId('dots').toDataURL()")
    here.page.emulate_media(color_scheme="dark")
    here.wait_until("byId('dots').toDataURL() !== light")
    dark = here.digit_colours()
    assert not set(dark) & set(DIGIT_COLOURS)
    for sight in SIGHT:
        assert smallest_distance(dark, sight) > 0.12
