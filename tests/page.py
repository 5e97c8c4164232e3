"""The explorer's HTML page as a visitor meets it: opened from disk in a real Chromium.

Needs Chromium and Playwright, and axe-core for accessibility (`npm install --no-save axe-core`).
"""

import importlib.util
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import interac_decompression as script
from autoencoder.mnist import Digits
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.view.latent_map import LatentMap
from tests.conftest import DATA, PRETRAINED, ROOT, need
from tests.drawings import Stroke

import numpy as np
import pytest
from matplotlib.transforms import Bbox
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NARROW, WIDE, HUGE = (360, 740), (1280, 800), (3840, 2160)
PARTS = (
    *("h1", "#language", "#legend", "#map", "#panel", "#coordinates", "#frame", "#taking"),
    *("#about", "#real", "#tools", "footer"),
)
MINUS = "\N{MINUS SIGN}"
A_PIXEL = 0.004  # in latent coordinates


# As text: numbers would take a hundred times as long on their way.
INK = """(canvas) => {
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const alphas = data.filter((_, i) => i % 4 === 3);
    return Array.from(alphas, (alpha) => String.fromCharCode(alpha)).join("");
}"""


def as_pixels(ink: str) -> NDArray[np.float64]:
    return np.frombuffer(ink.encode("latin-1"), np.uint8) / 255


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    need(importlib.util.find_spec("playwright") is not None, "playwright")
    need(shutil.which("chromium") is not None, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def windows(browser: "Browser") -> Callable[..., "Page"]:
    """Hands out one window for each file and set of options: opening pages takes longest."""
    opened: dict[tuple[Any, ...], Page] = {}

    def window(file: Path, **options: Any) -> "Page":
        key = (file, *options.items())
        if key not in opened:
            opened[key] = browser.new_page(**options)
        return opened[key]

    return window


@pytest.fixture(scope="session")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pretrained network with all test digits, as users export it."""
    return export(tmp_path_factory.mktemp("full") / "explorer.html")


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same page with the first 1,000 digits: it opens in half the time."""
    return export(tmp_path_factory.mktemp("small") / "explorer.html", "--samples", "1000")


def export(path: Path, *words: str | Path) -> Path:
    """Export a page, of the pretrained network where the words do not name another."""
    with pytest.MonkeyPatch.context() as patch:
        command = ["interac_decompression.py", "--data", DATA, "--checkpoint", PRETRAINED]
        patch.setattr(sys, "argv", list(map(str, [*command, "--export", path, *words])))
        script.main()
    return path


@pytest.fixture(scope="session")
def latent_map(test_set: tuple[Tensor, Tensor]) -> LatentMap:
    return LatentMap(load_checkpoint(PRETRAINED).model, Digits(*test_set))


class Visit:
    """A page as it is when it opens, and the hands and eyes of the person who uses it."""

    def __init__(self, page: "Page", file: Path, anew: bool) -> None:
        self.page = page
        self.requests: list[Request] = []
        self.errors: list[str] = []
        self.listeners: dict[Any, Callable[[Any], None]] = {
            "request": lambda request: self.requests.append(request),
            "pageerror": lambda error: self.errors.append(str(error)),
            "console": self.on_console,
        }
        for event, listener in self.listeners.items():
            page.on(event, listener)
        self.expected_requests: list[str] = []
        if anew or page.url.split("#")[0] != file.as_uri() or not self.starts_over():
            self.expected_requests.append(file.as_uri())
            page.goto(file.as_uri())
            page.locator("#pca-switch:enabled, .problem:visible").first.wait_for()

    def starts_over(self) -> bool:
        """Move the point back; whether an earlier visit left all the rest as it had found it."""
        self.page.evaluate("explorer.goBack()")
        # The colours of an earlier visit may take a frame to go.
        self.next_frame()
        self.next_frame()
        untouched: bool = self.page.evaluate(
            """navigator.language.startsWith(document.documentElement.lang) &&
            !document.querySelector("[aria-pressed=true], #legend .absent") &&
            explorer.walk.ends.length === 0 &&
            !document.querySelector("dialog[open]")"""
        )
        return untouched

    def on_console(self, message: "ConsoleMessage") -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def end(self) -> None:
        """See to it that nothing was requested and nothing went wrong."""
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        assert [request.url for request in self.requests] == self.expected_requests
        assert self.errors == []

    def see(self, text: str) -> None:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.next_frame()

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()
        self.next_frame()

    def wait_until(self, condition: str) -> None:
        end = time.monotonic() + 15
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, "the page never came to that"

    def choose(self, digit: int, action: str) -> None:
        """Choose an action from the menu of a digit in the legend."""
        self.click(f"Digit {digit}")
        self.page.get_by_role("menuitem", name=action).click()
        self.next_frame()

    def next_frame(self) -> None:
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")

    def on_map(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the window at which a point of the latent space lies."""
        box = self.page.locator("#map").bounding_box()
        assert box is not None
        across, down = self.page.evaluate(f"explorer.map.toFractions([{x}, {y}])")
        return box["x"] + across * box["width"], box["y"] + down * box["height"]

    def point(self) -> list[float]:
        """Where the red point is, by the coordinates that the page shows."""
        text = self.page.locator("#coordinates").inner_text().replace(MINUS, "-")
        return [float(number.replace(",", ".")) for number in text.split()]

    def on_panel(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the window at which a point of the panel's unit square lies."""
        box = self.page.locator("#sketch").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def draw(self, strokes: list[Stroke], button: Literal["left", "right"] = "left") -> None:
        mouse = self.page.mouse
        for stroke in strokes:
            mouse.move(*self.on_panel(*stroke[0]))
            mouse.down(button=button)
            for point in stroke[1:]:
                mouse.move(*self.on_panel(*point))
            mouse.up(button=button)
        self.next_frame()

    def swipe(self, pixels: list[tuple[float, float]]) -> None:
        """Move a finger over pixels of the window."""
        finger = self.page.context.new_cdp_session(self.page)
        for kind, at in [("Start", pixels[0]), *(("Move", each) for each in pixels), ("End", None)]:
            points = [{"x": at[0], "y": at[1]}] if at else []
            finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})
        self.next_frame()

    def drawn(self, strokes: list[Stroke]) -> NDArray[np.float64]:
        """The 784 pixels that the page takes strokes for."""
        return np.array(
            self.page.evaluate("(all) => [...drawStrokes(all, explorer.facts.brush)]", strokes)
        )

    def know_all_places(self) -> None:
        """See to it that the page knows at once what it would know after some idle seconds."""
        self.page.evaluate(
            "{ const { finder } = explorer.latentMap; while (!finder.complete) finder.addPlace(); }"
        )

    def digit_in(self) -> str:
        """What a screen reader says of the panel."""
        return self.page.locator("#sketch").get_attribute("aria-label") or ""

    def invites(self) -> bool:
        return self.page.get_by_text("Draw a digit here").is_visible()

    def ink(self, x: float, y: float) -> float:
        """How dark the panel is at a point of its unit square, from 0 to 1."""
        pixels = self.pixels("#sketch")
        side = round(len(pixels) ** 0.5)
        shown: float = pixels[round(y * (side - 1)) * side + round(x * (side - 1))]
        return shown

    def caption(self) -> str:
        return self.page.locator("#caption").inner_text()

    def labels(self) -> list[int]:
        """The labels of the nearest real digits."""
        shown = self.page.locator("#neighbours button:visible span")
        return [int(text) for text in shown.all_inner_texts()]

    def boxes(self, *selectors: str) -> dict[str, Bbox]:
        """The boxes of elements that are seen, in pixels of the window."""
        boxes = {}
        for selector in selectors:
            box = self.page.locator(selector).bounding_box()
            assert box is not None
            boxes[selector] = Bbox.from_bounds(box["x"], box["y"], box["width"], box["height"])
        return boxes

    def all_boxes(self, selector: str) -> list[Bbox]:
        """The boxes of all elements of a kind that are seen."""
        edges = self.page.locator(selector).evaluate_all(
            """(all) => all.filter((each) => each.offsetParent).map((each) => {
                const { left, top, right, bottom } = each.getBoundingClientRect();
                return [left, top, right, bottom];
            })"""
        )
        return [Bbox.from_extents(*each) for each in edges]

    def pixels(self, canvas: str = "#digit") -> NDArray[np.float64]:
        """How opaque the ink of a canvas is, from 0 to 1."""
        return as_pixels(self.page.locator(canvas).evaluate(INK))

    def decoded(self, points: Tensor) -> NDArray[np.float64]:
        """The pixels that the page paints for points (N, 2): (N, 784)."""
        digits = self.page.evaluate(
            f"""(points) => points.map((point) => {{
                explorer.point = point;
                explorer.paint();
                return ({INK})(explorer.canvas);
            }})""",
            points.tolist(),
        )
        return np.array([as_pixels(ink) for ink in digits])

    def emulate(self, **media: Any) -> None:
        """Set the colour scheme, forced colours or the medium, and wait for what follows."""
        self.page.emulate_media(**media)
        self.next_frame()
        self.next_frame()

    def tab(self, count: int) -> list[tuple[str, str]]:
        """Press Tab so often: the names of what it reaches, and the styles of their outlines."""
        reached = []
        for _ in range(count):
            self.page.keyboard.press("Tab")
            reached.append(
                self.page.evaluate(
                    """[document.activeElement.ariaLabel || document.activeElement.innerText,
                        getComputedStyle(document.activeElement).outlineStyle]"""
                )
            )
        return [(name, outline) for name, outline in reached]

    def colour(self, selector: str, pseudo: str = "") -> str:
        """The background of an element as the browser computes it, #rrggbb."""
        colour = self.page.locator(selector).evaluate(
            "(element, pseudo) => getComputedStyle(element, pseudo).backgroundColor", pseudo
        )
        red, green, blue = map(int, re.findall(r"\d+", colour))
        return f"#{red:02x}{green:02x}{blue:02x}"

    def digit_colours(self) -> list[str]:
        """The colours of the ten digits in the legend."""
        entry = "#legend button:nth-child({})"
        return [self.colour(entry.format(digit + 1), "::before") for digit in range(10)]

    def map(self) -> str:
        """What the dots, lines and contours of the map look like, as a data URL."""
        picture: str = self.page.evaluate("document.getElementById('dots').toDataURL()")
        return picture


@pytest.fixture
def visit(windows: Callable[..., "Page"], small: Path) -> Iterator[Callable[..., Visit]]:
    """Brings a page to the state in which it opens; anew, where gestures cannot lead back to it."""
    visits: list[Visit] = []

    def visit(
        file: Path = small,
        size: tuple[int, int] = WIDE,
        window: "Page | None" = None,
        anew: bool = False,
        **options: Any,
    ) -> Visit:
        window = window or windows(file, **{"locale": "en-GB"} | options)
        window.set_viewport_size({"width": size[0], "height": size[1]})
        window.emulate_media(color_scheme="light", forced_colors="none", media="screen")
        visits.append(Visit(window, file, anew))
        return visits[-1]

    yield visit
    for each in visits:
        each.end()
