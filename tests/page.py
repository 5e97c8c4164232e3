"""The explorer's HTML page as a visitor meets it: opened from disk in a real browser.

Needs Chromium and Playwright, Firefox for what is tested in both, and axe-core for accessibility
(`npm install --no-save axe-core`).
"""

import importlib.util
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import interac_decompression as script
from autoencoder.mnist import Digits
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.view.latent_map import LatentMap
from tests.drawings import Stroke
from tests.faults import HANG
from tests.firefox import FirefoxPage, open_firefox
from tests.fixtures import DATA, PRETRAINED, ROOT, need, spare_fitting

import numpy as np
import pytest
from matplotlib.transforms import Bbox
from numpy.typing import NDArray
from torch import Tensor

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

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
OPEN = """document.querySelector(".problem:not([hidden])") !== null ||
    !document.querySelector("#pca-switch").disabled"""
NEVER_IDLE = "window.requestIdleCallback = () => 0"
# Browsers tell of a new colour scheme some frames after it is there, and later when busy.
LISTEN = """typeof DARK !== "undefined" && (told = DARK.matches, DARK.addEventListener("change",
    ({ matches }) => { told = matches; }))"""
# Read from another list, as reading DARK's own state would make Chromium think that it is told.
IS_TOLD = 'typeof told === "undefined" || told === matchMedia(DARK.media).matches'
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
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=QUIET, timeout=HANG * 1000
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(browser: "Browser") -> Callable[..., "BrowserContext"]:
    """Hands out one context for each set of options: making it takes longest."""

    @cache
    def context(**options: Any) -> "BrowserContext":
        made = browser.new_context(**{"locale": "en-GB"} | options)
        made.set_default_timeout(HANG * 1000)
        return made

    return context


@pytest.fixture
def new_window(context: Callable[..., "BrowserContext"]) -> Iterator[Callable[..., "Page"]]:
    """Opens windows that the test has for itself."""
    opened: list[Page] = []

    def new_window(**options: Any) -> "Page":
        opened.append(context(**options).new_page())
        return opened[-1]

    yield new_window
    for window in opened:
        window.close()


@pytest.fixture(scope="session")
def windows(context: Callable[..., "BrowserContext"]) -> Callable[..., "Page"]:
    """Hands out one window for each file and set of options.

    They do no work while idle; otherwise each would for half a minute. See Visit.know_all_places.
    """

    @cache
    def opened(file: Path, **options: Any) -> "Page":
        window = context(**options).new_page()
        window.add_init_script(NEVER_IDLE)
        return window

    def window(file: Path, **options: Any) -> "Page":
        window = opened(file, **options)
        window.bring_to_front()  # behind another, it would draw nothing
        return window

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
        spare_fitting(patch)
        command = ["interac_decompression.py", "--data", DATA, "--checkpoint", PRETRAINED]
        patch.setattr(sys, "argv", list(map(str, [*command, "--export", path, *words])))
        script.main()
    return path


@pytest.fixture(scope="session")
def latent_map(test_set: tuple[Tensor, Tensor]) -> LatentMap:
    return LatentMap(load_checkpoint(PRETRAINED).model, Digits(*test_set))


class Visit:
    """A page as it is when it opens, and the hands and eyes of the person who uses it."""

    def __init__(self, page: Any, file: Path, anew: bool) -> None:
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
            if not isinstance(page, FirefoxPage):  # which tells of no request for a file
                self.expected_requests.append(file.as_uri())
            page.goto(file.as_uri())
            self.wait_until(OPEN)
            page.evaluate(LISTEN)

    def starts_over(self) -> bool:
        """Go back to the centre, at the top; whether a visit before left the rest as it was."""
        self.page.evaluate("explorer.goBack(), scrollTo(0, 0)")
        self.wait_until(IS_TOLD)  # of the colours of an earlier visit, which have gone
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
        # A data: address asks nobody; Firefox has one for the marker of what is folded away.
        asked = [request.url for request in self.requests if not request.url.startswith("data:")]
        assert asked == self.expected_requests
        assert self.errors == []

    def see(self, text: str) -> None:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        self.next_frame()

    def click(self, name: str) -> None:
        self.page.mouse.click(*self.on_button(name))
        self.next_frame()

    def tap(self, name: str) -> None:
        self.page.touchscreen.tap(*self.on_button(name))
        self.next_frame()

    def on_button(self, name: str) -> tuple[float, float]:
        """The pixel of the window at which a button has its middle; scrolls to it."""
        x, y = self.page.evaluate(
            """(name) => {
                const names = (button) => (button.ariaLabel || button.innerText).startsWith(name);
                const seen = [...document.querySelectorAll("button")].filter(
                    (button) => button.checkVisibility() && names(button),
                );
                seen[0].scrollIntoView({ block: "nearest" });
                const box = seen[0].getBoundingClientRect();
                return [box.left + box.width / 2, box.top + box.height / 2];
            }""",
            name,
        )
        return x, y

    def is_pressed(self, name: str) -> bool:
        pressed: list[str] = self.page.evaluate(
            """[...document.querySelectorAll("[aria-pressed=true]")].map((button) =>
                button.ariaLabel || button.innerText)"""
        )
        return any(text.startswith(name) for text in pressed)

    def wait_until(self, condition: str) -> None:
        end = time.monotonic() + HANG
        while not self.page.evaluate(condition):
            assert time.monotonic() < end, "the page never came to that"

    def choose(self, digit: int, action: str) -> None:
        """Choose an action from the menu of a digit in the legend."""
        self.click(f"Digit {digit}")
        self.page.get_by_role("menuitem", name=action).click()
        self.next_frame()

    def next_frame(self) -> None:
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => done()))")

    def rests(self) -> bool:
        """Whether the point stays where it is from frame to frame."""
        before = self.point()
        for _ in range(3):
            self.next_frame()
        return self.point() == before

    def double_click(self, x: float, y: float) -> None:
        clicks = [
            {"type": f"mouse{kind}", "x": x, "y": y, "button": "left", "clickCount": count}
            for count in (1, 2)
            for kind in ("Pressed", "Released")
        ]
        self.send("Input.dispatchMouseEvent", clicks)

    def double_tap(self, *pixels: tuple[float, float]) -> None:
        touches = [[{"x": x, "y": y}] for x, y in pixels]
        taps = [
            {"type": type_, "touchPoints": points}
            for touch in touches
            for type_, points in (("touchStart", touch), ("touchEnd", []))
        ]
        self.send("Input.dispatchTouchEvent", taps)

    def send(self, command: str, events: list[dict[str, Any]]) -> None:
        """Send events as if they came a millisecond apart, however busy the machine is.

        An earlier click counts for no double click, as the browser may have told it another time.
        """
        self.page.evaluate("explorer.gestures.last = null")
        browser = self.page.context.new_cdp_session(self.page)
        began = time.time()
        for n, event in enumerate(events):
            browser.send(command, {"timestamp": began + 0.001 * n, **event})
        self.next_frame()

    def on_map(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the window at which a point of the latent space lies."""
        across, down = self.page.evaluate(f"explorer.map.toFractions([{x}, {y}])")
        return self.inside("#map", across, down)

    def inside(self, selector: str, across: float, down: float) -> tuple[float, float]:
        """The pixel of the window at fractions of an element's box."""
        left, top, width, height = self.page.evaluate(
            """(selector) => {
                const box = document.querySelector(selector).getBoundingClientRect();
                return [box.left, box.top, box.width, box.height];
            }""",
            selector,
        )
        return left + across * width, top + down * height

    def point(self) -> list[float]:
        """Where the red point is, by the coordinates that the page shows."""
        text = self.text("#coordinates").replace(MINUS, "-")
        return [float(number.replace(",", ".")) for number in text.split()]

    def text(self, selector: str) -> str:
        text: str = self.page.evaluate("(at) => document.querySelector(at).innerText", selector)
        return text

    def on_panel(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of the window at which a point of the panel's unit square lies."""
        return self.inside("#sketch", x, y)

    def draw(self, strokes: list[Stroke], button: Literal["left", "right"] = "left") -> None:
        mouse = self.page.mouse
        (left, top), (right, bottom) = self.on_panel(0, 0), self.on_panel(1, 1)
        for stroke in strokes:
            start, *others = (
                (left + x * (right - left), top + y * (bottom - top)) for x, y in stroke
            )
            mouse.move(*start)
            mouse.down(button=button)
            for pixel in others:
                mouse.move(*pixel)
            mouse.up(button=button)
        self.next_frame()

    def swipe(self, pixels: list[tuple[float, float]]) -> None:
        """Move a finger over pixels of the window."""
        if isinstance(self.page, FirefoxPage):
            finger = self.page.touchscreen
            finger.move(*pixels[0])
            finger.down()
            for pixel in pixels[1:]:
                finger.move(*pixel)
            finger.up()
        else:
            self.swipe_in_chromium(pixels)
        self.next_frame()

    def swipe_in_chromium(self, pixels: list[tuple[float, float]]) -> None:
        finger = self.page.context.new_cdp_session(self.page)
        for kind, at in [("Start", pixels[0]), *(("Move", each) for each in pixels), ("End", None)]:
            points = [{"x": at[0], "y": at[1]}] if at else []
            finger.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    def drawn(self, strokes: list[Stroke]) -> NDArray[np.float64]:
        """The 784 pixels that the page takes strokes for."""
        return np.array(
            self.page.evaluate("(all) => [...drawStrokes(all, explorer.facts.brush)]", strokes)
        )

    def know_all_places(self) -> None:
        """See to it that the page knows at once what it would know after some idle seconds."""
        self.page.evaluate(
            """(() => {
                const { finder } = explorer.latentMap;
                while (!finder.complete) finder.addPlace();
                explorer.digitIn.onComplete();
            })()"""
        )

    def digit_in(self) -> str:
        """What a screen reader says of the panel."""
        name: str = self.page.evaluate("byId('sketch').getAttribute('aria-label')")
        return name

    def invites(self) -> bool:
        invites: bool = self.page.evaluate("byId('invitation').checkVisibility()")
        return invites

    def ink(self, x: float, y: float) -> float:
        """How dark the panel is at a point of its unit square, from 0 to 1."""
        pixels = self.pixels("#sketch")
        side = round(len(pixels) ** 0.5)
        shown: float = pixels[round(y * (side - 1)) * side + round(x * (side - 1))]
        return shown

    def caption(self) -> str:
        return self.text("#caption")

    def labels(self) -> list[int]:
        """The labels of the nearest real digits."""
        return [int(text) for text in self.text("#neighbours").split()]

    def boxes(self, *selectors: str) -> dict[str, Bbox]:
        """The boxes of elements, all of which are seen, in pixels of the window."""
        edges = self.page.evaluate(
            """(selectors) => selectors.map((selector) => {
                const [element, ...others] = document.querySelectorAll(selector);
                if (others.length) throw new Error(`${selector} has several elements`);
                const box = element.getBoundingClientRect();
                return [box.left, box.top, box.right, box.bottom];
            })""",
            selectors,
        )
        boxes = {at: Bbox.from_extents(*each) for at, each in zip(selectors, edges, strict=True)}
        assert all(box.width or box.height for box in boxes.values())
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
        return as_pixels(self.page.evaluate(f"({INK})(document.querySelector({canvas!r}))"))

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
        self.wait_until(IS_TOLD)
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


@pytest.fixture(scope="session")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FirefoxPage]:
    need(importlib.util.find_spec("websockets") is not None, "websockets")
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    need(program is not None, "firefox-esr")
    assert program is not None
    with open_firefox(program, tmp_path_factory.mktemp("profile")) as page:
        page.add_init_script(NEVER_IDLE)
        yield page


in_both_browsers = pytest.mark.parametrize("visit", ["Chromium", "Firefox"], indirect=True)


@pytest.fixture
def visit(request: pytest.FixtureRequest, small: Path) -> Iterator[Callable[..., Visit]]:
    """Brings a page to the state in which it opens; anew, where gestures cannot lead back to it."""
    visits: list[Visit] = []

    def visit(
        file: Path = small,
        size: tuple[int, int] = WIDE,
        window: Any = None,
        anew: bool = False,
        **options: Any,
    ) -> Visit:
        if getattr(request, "param", "Chromium") == "Firefox":
            window = request.getfixturevalue("firefox")
        elif window is None:
            windows = request.getfixturevalue("windows")
            window = windows(file, **options)
        window.set_viewport_size({"width": size[0], "height": size[1]})
        if not isinstance(window, FirefoxPage):
            window.emulate_media(color_scheme="light", forced_colors="none", media="screen")
        visits.append(Visit(window, file, anew))
        return visits[-1]

    yield visit
    for each in visits:
        each.end()
