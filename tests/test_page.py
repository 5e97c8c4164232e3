"""The explorer's HTML page as a visitor meets it: opened from disk in a real Chromium.

Needs Chromium and Playwright, and axe-core for accessibility (`npm install --no-save axe-core`).
"""

import importlib.util
import json
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import interac_decompression as script
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder, encode_digits
from autoencoder.storage.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from autoencoder.view import page as template
from autoencoder.view.latent_map import LatentMap
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR
from tests.conftest import DATA, PRETRAINED, ROOT, need
from tests.test_pictures import SIGHT, smallest_distance

import numpy as np
import pytest
import torch
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
PARTS = ("h1", "#language", "#legend", "#map", "#frame", "#about", "#tools", "footer")
MINUS = "\N{MINUS SIGN}"
A_PIXEL = 0.004  # in latent coordinates


# As text: numbers would take a hundred times as long on their way.
REDS = """(canvas) => {
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    const reds = data.filter((_, i) => i % 4 === 0);
    return Array.from(reds, (red) => String.fromCharCode(red)).join("");
}"""


def as_pixels(reds: str) -> NDArray[np.float64]:
    return np.frombuffer(reds.encode("latin-1"), np.uint8) / 255


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    need(importlib.util.find_spec("playwright") is not None, "playwright")
    need(shutil.which("chromium") is not None, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def windows(browser: "Browser") -> Callable[..., "Page"]:
    """Hands out one window for each file and set of options: opening pages takes longest."""
    opened: dict[tuple[Any, ...], Page] = {}

    def window(file: Path, **options: Any) -> "Page":
        key = (file, *options.items())
        if key not in opened:
            opened[key] = browser.new_page(**options)
        return opened[key]

    return window


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pretrained network with all test digits, as users export it."""
    return export(tmp_path_factory.mktemp("full") / "explorer.html")


@pytest.fixture(scope="module")
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
        if anew or page.url != file.as_uri() or not self.starts_over():
            self.expected_requests.append(file.as_uri())
            page.goto(file.as_uri())
            page.locator("#explorer:visible, .problem:visible").first.wait_for()

    def starts_over(self) -> bool:
        """Move the point back; whether an earlier visit left all the rest as it had found it."""
        self.page.evaluate("explorer.stopAndMoveTo([0, 0])")
        self.next_frame()
        untouched: bool = self.page.evaluate(
            """navigator.language.startsWith(document.documentElement.lang) &&
            !document.querySelector("#tools [aria-pressed=true], #legend [aria-pressed=false]") &&
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
        return [float(number.replace(",", ".")) for number in re.split(r"\s; |, ", text)]

    def caption(self) -> str:
        return self.page.locator("#caption").inner_text()

    def labels(self) -> list[int]:
        """The labels of the nearest real digits."""
        return [int(text) for text in self.page.locator("#neighbours span").all_inner_texts()]

    def boxes(self, *selectors: str) -> dict[str, Bbox]:
        """The boxes of elements that are seen, in pixels of the window."""
        boxes = {}
        for selector in selectors:
            box = self.page.locator(selector).bounding_box()
            assert box is not None
            boxes[selector] = Bbox.from_bounds(box["x"], box["y"], box["width"], box["height"])
        return boxes

    def pixels(self, canvas: str = "#digit") -> NDArray[np.float64]:
        """The reds of a canvas, from 0 to 1."""
        return as_pixels(self.page.locator(canvas).evaluate(REDS))

    def decoded(self, points: Tensor) -> NDArray[np.float64]:
        """The pixels that the page paints for points (N, 2): (N, 784)."""
        reds = self.page.evaluate(
            f"""(points) => points.map((point) => {{
                explorer.point = point;
                explorer.paint();
                return ({REDS})(explorer.canvas);
            }})""",
            points.tolist(),
        )
        return np.array([as_pixels(each) for each in reds])

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
        window.emulate_media(color_scheme="light")
        visits.append(Visit(window, file, anew))
        return visits[-1]

    yield visit
    for each in visits:
        each.end()


# --- what the page shows ------------------------------------------------------------------------


def test_it_paints_what_pytorch_decodes(visit: Callable[..., Visit], full: Path) -> None:
    steps = torch.linspace(-1, 1, 21)
    points = torch.cartesian_prod(steps, steps)
    with torch.inference_mode():
        expected = load_checkpoint(PRETRAINED).model.decode(points).numpy()
    assert np.abs(visit(full).decoded(points) - expected).max() <= 1.5 / 255


def test_it_paints_what_any_other_network_decodes(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    model = AutoEncoder(decoder_hidden=[17, 130, 33], frequencies=5)
    with torch.inference_mode():
        for _ in range(50):  # gives the batch norms something to fold
            model.decode(torch.rand(100, 2) * 2 - 1)
        list(model.decoder.parameters())[-2].mul_(20)
        points = torch.rand(300, 2) * 2 - 1
        expected = model.eval().decode(points).numpy()
    assert expected.min() < 0.01
    assert expected.max() > 0.99
    contents = {"epoch": 1, "state_dict": model.state_dict(), "network": model.arguments}
    save_checkpoint(tmp_path / "other.pth", contents)
    words = ("--checkpoint", tmp_path / "other.pth", "--samples", "50")
    here = visit(export(tmp_path / "other.html", *words))
    assert np.abs(here.decoded(points) - expected).max() <= 1.5 / 255
    here.see("Network: other.pth, epoch 1, loss unknown.")


def test_it_shows_the_nearest_real_digits(
    visit: Callable[..., Visit], full: Path, test_set: tuple[Tensor, Tensor]
) -> None:
    images, labels = test_set
    here = visit(full)
    x, y = here.on_map(0.3, -0.2)
    here.page.mouse.click(x, y)
    here.next_frame()
    latents = encode_digits(load_checkpoint(PRETRAINED).model, images)
    nearest = (latents - torch.tensor(here.page.evaluate("explorer.point"))).norm(dim=1).argsort()
    assert here.labels() == labels[nearest[:5]].tolist()
    assert here.page.locator("#nearest").inner_text() == str(labels[nearest[0]].item())
    for rank, index in enumerate(nearest[:5]):
        shown = here.pixels(f"#neighbours li:nth-child({rank + 1}) canvas")
        assert np.abs(shown - images[index].numpy() / 255).max() <= 8.5 / 255  # of 4 bits


@pytest.mark.parametrize(
    ("locale", "like", "between", "comma"),
    [
        ("en-GB", "Something like a 0", r"Something between an? \d and an? \d", "."),
        ("fr-CA", "On dirait un 0", r"Entre un \d et un \d", ","),
    ],
    ids=["English", "French"],
)
def test_it_says_what_the_digit_looks_like(
    visit: Callable[..., Visit], locale: str, like: str, between: str, comma: str
) -> None:
    here = visit(locale=locale)
    here.press("0")
    assert here.caption() == like
    assert here.page.locator("#coordinates").inner_text().count(comma) >= 2
    # On the way from one neighbour to the other.
    here.press("4")
    four = np.array(here.point())
    here.press("9")
    nine = np.array(here.point())
    for progress in np.linspace(0, 1, 30):
        here.page.mouse.click(*here.on_map(*(four + progress * (nine - four))))
        here.next_frame()
        if re.fullmatch(between, here.caption()):
            break
    else:
        pytest.fail("nothing lies between a 4 and a 9")


def test_what_is_read_aloud_waits_for_the_point_to_rest(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    announced = here.page.locator("#announcement[aria-live=polite]")
    moved = "explorer.jumpTo(8), explorer.paint(), byId('announcement').textContent"
    assert "an 8" not in here.page.evaluate(f"({moved})")
    here.wait_until("byId('announcement').textContent.includes('an 8')")
    x, y = (f"{number:+.3f}".replace("-", MINUS) for number in here.point())
    assert announced.inner_text() == f"At {x}, {y}, the point decodes to something like an 8."


def test_it_speaks_the_browsers_language_and_switches(visit: Callable[..., Visit]) -> None:
    here = visit(locale="fr-CA", anew=True)
    assert here.page.title() == "Une carte des chiffres manuscrits"
    assert here.page.locator("html").get_attribute("lang") == "fr"
    here.click("English")
    assert here.page.title() == "A map of handwritten digits"
    assert here.page.locator("html").get_attribute("lang") == "en"
    assert here.caption().startswith("Something")
    here.click("Français")
    assert re.match("On dirait un|Entre un", here.caption())
    # Both languages have all texts.
    english, french = here.page.evaluate("[Object.keys(TEXTS.en), Object.keys(TEXTS.fr)]")
    assert english == french


# --- gestures and keys --------------------------------------------------------------------------


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
    left, top = here.page.evaluate("[explorer.map.limits[0][0], explorer.map.limits[1][1]]")
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


def test_a_finger_drags_the_point_and_not_the_page(visit: Callable[..., Visit]) -> None:
    here = visit(size=NARROW, has_touch=True, is_mobile=True, device_scale_factor=2)
    here.page.touchscreen.tap(*here.on_map(0.5, 0.5))
    here.next_frame()
    assert here.point() == pytest.approx([0.5, 0.5], abs=2 * A_PIXEL)
    finger = here.page.context.new_cdp_session(here.page)

    def touch(kind: str, *pixel: float) -> None:
        points = [{"x": pixel[0], "y": pixel[1]}] if pixel else []
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", *here.on_map(0.5, 0.5))
    for y in (0.4, 0.2, 0.0, -0.2, -0.4):
        touch("touchMove", *here.on_map(0.3, y))
    here.next_frame()
    touch("touchEnd")
    assert here.point() == pytest.approx([0.3, -0.4], abs=2 * A_PIXEL)
    assert here.page.evaluate("scrollY") == 0


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
    # The latent space ends at 1.
    here.press(*["Shift+ArrowRight"] * 12)
    assert here.point() == [1, 0]


def test_a_number_jumps_to_where_a_digit_is_densest(
    visit: Callable[..., Visit], full: Path, test_set: tuple[Tensor, Tensor]
) -> None:
    latent_map = LatentMap(load_checkpoint(PRETRAINED).model, Digits(*test_set))
    here = visit(full)
    for digit in range(10):
        here.press(str(digit))
        point = latent_map.densest_point(digit)
        assert point is not None
        assert here.point() == pytest.approx(point, abs=6e-4)
        assert here.labels().count(digit) >= 4


def test_g_lays_decoded_digits_under_the_dots(visit: Callable[..., Visit]) -> None:
    here = visit()
    grid = here.page.locator("#grid")
    assert grid.is_hidden()
    here.press("g")
    assert grid.is_visible()
    here.wait_until("explorer.grid.rows === explorer.grid.side")
    (left, right), (bottom, top) = np.clip(here.page.evaluate("explorer.map.limits"), -1, 1)
    size = 25 * 28
    cells = here.pixels("#grid").reshape(size, size)
    middle = torch.tensor([[left + (right - left) / 50, top + (bottom - top) / 50]])
    assert np.array_equal(cells[:28, :28].reshape(1, 784), here.decoded(middle))
    here.click("Grid")
    assert grid.is_hidden()


def test_d_draws_densities_and_the_legend_hides_a_digit(visit: Callable[..., Visit]) -> None:
    here = visit()
    plain = here.map()
    here.press("d")
    assert here.map() != plain
    assert here.page.get_by_role("button", name="Density", pressed=True).is_visible()
    here.click("Density")
    assert here.map() == plain
    entry = here.page.get_by_role("button", name="Digit 1")
    assert entry.get_attribute("aria-pressed") == "true"
    entry.click()
    assert entry.get_attribute("aria-pressed") == "false"
    assert here.map() != plain
    entry.click()
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
        end = here.point()
        here.page.wait_for_timeout(60)
        assert here.point() == end


def test_who_prefers_stillness_is_shown_one_digit_after_the_other(
    visit: Callable[..., Visit],
) -> None:
    here = visit(reduced_motion="reduce")
    points = here.page.evaluate("explorer.digits.densestPoints")
    here.press("t")
    here.next_frame()
    assert here.point() == pytest.approx(points[0], abs=6e-4)
    here.page.wait_for_timeout(100)
    assert here.point() == pytest.approx(points[0], abs=6e-4)
    here.page.evaluate("explorer.tour.began -= 3000")
    here.next_frame()
    here.next_frame()
    assert here.point() == pytest.approx(points[1], abs=6e-4)


def test_h_shows_the_keys_until_the_next_key_or_click(visit: Callable[..., Visit]) -> None:
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
        assert help_.is_visible()
        close()
        assert help_.is_hidden()


def test_tab_reaches_everything_and_shows_where_it_is(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    reached = []
    for _ in range(17):
        here.page.keyboard.press("Tab")
        reached.append(
            here.page.evaluate(
                """[document.activeElement.ariaLabel || document.activeElement.textContent.trim(),
                    getComputedStyle(document.activeElement).outlineStyle]"""
            )
        )
    names = [name for name, _ in reached]
    assert names[0] == "Français"
    assert names[1:11] == [f"Digit {digit}" for digit in range(10)]
    assert names[11].startswith("Map of the digits")
    assert [name.split()[0] for name in names[12:]] == ["Grid", "Density", "Tour", "Centre", "Keys"]
    assert {outline for _, outline in reached} == {"solid"}


# --- every screen -------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["en-GB", "fr-CA"])
def test_everything_is_seen_and_nothing_overlaps(visit: Callable[..., Visit], locale: str) -> None:
    here = visit(locale=locale)
    for width, height in (NARROW, (740, 360), (820, 1180), WIDE, HUGE):
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


def test_a_move_is_decoded_and_painted_within_4_ms(visit: Callable[..., Visit], full: Path) -> None:
    """The best of five medians: what the page takes, and not what else the machine does."""
    median = visit(full).page.evaluate(
        """() => Math.min(...Array.from({ length: 5 }, () => {
            const times = Array.from({ length: 101 }, (_, i) => {
                explorer.point = [Math.sin(i / 9), Math.cos(i / 7)];
                const began = performance.now();
                explorer.paint();
                return performance.now() - began;
            });
            return times.sort((one, other) => one - other)[50];
        }))"""
    )
    assert median <= 4


# --- what can go wrong --------------------------------------------------------------------------


def test_the_page_may_not_ask_the_network_for_anything(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    for attempt in (
        "fetch('https://example.org/')",
        "new Promise((_, fail) => Object.assign(new Image(), {onerror: fail, src: 'a.png'}))",
        "import('https://example.org/a.js')",
    ):
        assert here.page.evaluate(f"{attempt}.then(() => false, () => true)")
    assert all("Content Security Policy" in error for error in here.errors)
    here.errors.clear()
    assert all(request.failure == "csp" for request in here.requests[1:])
    del here.requests[1:]


def test_without_javascript_a_line_says_so(visit: Callable[..., Visit]) -> None:
    here = visit(java_script_enabled=False)
    notes = here.page.locator("noscript .problem").all_inner_texts()
    assert notes[0].startswith("This page needs JavaScript")
    assert notes[1].startswith("Cette page a besoin de JavaScript")


def test_an_old_browser_is_told(visit: Callable[..., Visit], browser: "Browser") -> None:
    window = browser.new_page(locale="fr")
    window.add_init_script("delete window.DecompressionStream")
    here = visit(window=window)
    here.see("Ce navigateur est trop ancien")
    assert here.page.locator("main").is_hidden()


def test_a_damaged_page_says_so(visit: Callable[..., Visit], small: Path, tmp_path: Path) -> None:
    text = small.read_text(encoding="utf-8")
    cut = text.index('id="numbers"') + 100_000
    (tmp_path / "damaged.html").write_text(text[:cut] + text[cut + 4000 :], encoding="utf-8")
    here = visit(tmp_path / "damaged.html")
    here.see("This page is damaged")
    here.errors.clear()


def test_the_name_of_a_checkpoint_is_only_a_name(
    visit: Callable[..., Visit], tmp_path: Path
) -> None:
    name = "<!--<script>$numbers & <img src=x onerror=alert(1)>"
    model = AutoEncoder().eval()
    digit = Digits(torch.zeros(1, 784, dtype=torch.uint8), torch.tensor([3]))
    latent_map = LatentMap(model, digit)
    text = template.build_page(Checkpoint(Path(name), model), latent_map, (0, 0))
    (tmp_path / "named.html").write_text(text, encoding="utf-8")
    here = visit(tmp_path / "named.html")
    here.see(f"Network: {name}, epoch unknown, loss unknown.")
    assert here.page.locator("footer img").count() == 0


def test_a_single_digit_makes_a_page(visit: Callable[..., Visit], tmp_path: Path) -> None:
    here = visit(export(tmp_path / "one.html", "--samples", "1"))
    here.press("g", "d", "t", "t", "7")
    assert here.labels() == [7]
    assert here.caption() == "Something like a 7"
    here.press("3")
    assert here.caption() == "There is no 3 on this map"


# --- the command --------------------------------------------------------------------------------


def test_export_says_what_it_wrote(invoke: Any, full: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    words = ("--checkpoint", PRETRAINED, "--samples", "1000", "--point", "-0.3", "0.4")
    outcome = invoke(script, "--export", file, *words)
    assert (outcome.status, outcome.err) == (None, "")
    assert f"Saved {file} ({file.stat().st_size / 1e6:.1f} MB)" in outcome.out
    assert '"point": [-0.3, 0.4]' in file.read_text(encoding="utf-8")
    assert full.stat().st_size <= 4e6


def test_the_same_network_makes_the_same_page(small: Path, tmp_path: Path) -> None:
    again = export(tmp_path / "again.html", "--samples", "1000")
    assert again.read_bytes() == small.read_bytes()


def test_the_page_in_the_repository_is_of_this_template(full: Path) -> None:
    """Its numbers may differ in their last bits, as processors round them differently."""
    built, here = (
        path.read_text(encoding="utf-8") for path in (ROOT / "img" / "explorer.html", full)
    )
    data = re.compile('<script type="(?:application/json|text/plain)".*?</script>', re.DOTALL)
    assert data.sub("", built) == data.sub("", here)
    assert network_of(built) == network_of(here)


def network_of(page: str) -> tuple[str, int, float]:
    """The name, epoch and loss of the network in a page."""
    [facts] = re.findall('<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    facts = json.loads(facts)
    return facts["network"], facts["epoch"], facts["loss"]
