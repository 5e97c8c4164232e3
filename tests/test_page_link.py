"""The page's state in its address, and the page where a web server hands it out."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import HANG
from tests.page import Visit

import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WRITTEN = "location.hash.includes('{}')"
REST_MS = 700


def test_what_one_sees_is_in_the_address_and_comes_back_with_it(
    visit: Callable[..., Visit], new_window: Callable[..., "Page"]
) -> None:
    window = new_window()
    window.clock.install()
    here = visit(window=window)
    window.clock.run_for(REST_MS)
    assert "#" not in here.page.url
    here.click("Français")
    here.press("4", "w", "9", "w", "g", "d", "+", "+")
    here.page.get_by_role("button", name="Chiffre 3").click(modifiers=["Shift"])
    here.page.evaluate("explorer.takeIn(7)")
    here.wait_until(WRITTEN.format("in=7"))
    kept = "(({ point, zoom, centre, walk, ...kept }) => kept)(explorer.address.state())"
    before, view = here.page.evaluate(kept), here.page.evaluate("explorer.map.viewport.ends")
    length = here.page.evaluate("history.length")
    other = new_window()
    other.goto(here.page.url)
    other.locator("#pca-switch:enabled").wait_for()
    assert other.evaluate(kept) == before
    assert before["real"] == 7
    assert np.allclose(other.evaluate("explorer.map.viewport.ends"), view, atol=0.01)
    assert other.locator("#strip").is_visible()
    assert other.get_by_role("button", name="English").is_visible()
    # It replaces the address: one step back leaves the page.
    assert here.page.evaluate("history.length") == length


def test_it_obeys_an_address_that_changes(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    here.page.evaluate("location.hash = '#at=0.5,-0.2&hide=38&on=density&view=4,0.5,-0.2'")
    here.wait_until("explorer.densitySwitch.on")
    here.next_frame()
    assert here.point() == [0.5, -0.2]
    assert here.page.get_by_role("button", name="hidden").count() == 2
    assert here.page.evaluate("explorer.map.viewport.zoom") == 4
    # What an address does not tell is as when the page opens.
    here.page.evaluate("location.hash = '#map=pca&keys=off'")
    here.wait_until("explorer.pcaSwitch.on")
    here.next_frame()
    assert here.page.get_by_role("button", name="hidden").count() == 0
    assert not here.page.evaluate("explorer.densitySwitch.on")
    here.press("3")
    assert here.point() == [0, 0]


@pytest.mark.parametrize(
    "fragment",
    [
        "#",
        "#nonsense",
        "#at=1e999,NaN&view=1&hide=<script>&map=__proto__&lang=constructor&in=99999999",
        "#at=..,..&from=,&to=1&view=a,b,c&in=-1&lang=xx&%E0%A4%A&on=",
    ],
)
def test_a_broken_address_is_ignored(visit: Callable[..., Visit], fragment: str) -> None:
    here = visit()
    here.press("ArrowUp", "g")
    before = here.page.evaluate("JSON.stringify(explorer.address.state())")
    here.page.evaluate("(hash) => { location.hash = hash; }", fragment)
    here.next_frame()
    here.next_frame()
    assert here.page.evaluate("JSON.stringify(explorer.address.state())") == before
    here.press("g")


def test_a_hostile_address_is_clipped(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    here.page.evaluate("location.hash = '#at=999,-999&view=9999999,-50,50&from=5,5&to=-9,9'")
    here.wait_until("explorer.walk.ends.length === 2")
    here.next_frame()
    [[left, right], [bottom, top]] = here.page.evaluate("explorer.latentMap.limits")
    assert here.point() == pytest.approx([min(right, 1), max(bottom, -1)], abs=6e-4)
    assert here.page.evaluate("explorer.map.viewport.zoom") == 16
    for x, y in here.page.evaluate("explorer.walk.ends.map(({ point }) => point)"):
        assert left <= x <= right
        assert bottom <= y <= top


def test_three_things_to_try_lead_to_states(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    explanation = here.page.locator("#explain")
    assert explanation.get_by_role("img").is_hidden()
    explanation.locator("summary").click()
    assert explanation.get_by_role("img").is_visible()
    tries = (
        ("Walk from a 4 to a 9", "#strip:visible"),
        ("Which two digits overlap", "#density-switch[aria-pressed=true]"),
        ("without a network", "#pca-switch[aria-pressed=true]"),
    )
    for name, seen in tries:
        here.page.get_by_role("link", name=name).click()
        here.page.locator(seen).wait_for()
    assert here.page.locator("#strip").is_hidden()


def test_without_a_clipboard_the_link_is_shown_for_copying(visit: Callable[..., Visit]) -> None:
    here = visit(anew=True)
    here.page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error()), null")
    here.press("5")
    here.click("Copy link")
    link = here.page.get_by_role("textbox", name="A link to this place")
    assert link.input_value() == here.page.url
    assert "#at=" in here.page.url
    assert here.page.evaluate("getSelection().toString()") == here.page.url
    here.press("r")
    assert here.page.get_by_role("dialog").is_visible()
    here.click("Close")
    assert link.is_hidden()


@pytest.fixture
def address(small: Path) -> Iterator[str]:
    """The page's address on a web server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), partial(Quiet, directory=small.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/{small.name}"
        server.shutdown()


def test_from_a_web_server_all_works_under_its_own_policy(
    browser: "Browser", address: str, tmp_path: Path
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(HANG * 1000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}#from=0.1,0&to=0.5,0.5&map=pca")
    page.locator("#strip").wait_for()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("The link is copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert "map=pca" in copied
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a picture").click()
    download.value.save_as(tmp_path / "strip.png")
    assert (tmp_path / "strip.png").read_bytes().startswith(b"\x89PNG")
    # Servers are asked for an icon, which this one has not.
    assert [text for text in wrong if "404" not in text] == []
    context.close()
