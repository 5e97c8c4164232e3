"""What the explorer's HTML page shows, what can go wrong with it, and how it is written."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import interac_decompression as script
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder, encode_digits
from autoencoder.storage.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from autoencoder.view import page as template
from autoencoder.view.latent_map import LatentMap
from tests.fixtures import PRETRAINED, ROOT
from tests.page import MINUS, Visit, export, in_both_browsers

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from playwright.sync_api import Page

# --- what the page shows ------------------------------------------------------------------------


@in_both_browsers
def test_it_paints_what_pytorch_decodes(visit: Callable[..., Visit], full: Path) -> None:
    steps = torch.linspace(-1, 1, 11)
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
    here.see("Network: other.pth, trained on each digit once")


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
    assert here.page.locator("#coordinates").inner_text().count(comma) == 2
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
    assert announced.inner_text() == f"At {x}, {y}: something like an 8."


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


def test_an_old_browser_is_told(
    visit: Callable[..., Visit], new_window: Callable[..., "Page"]
) -> None:
    window = new_window(locale="fr-CA")
    window.add_init_script("delete window.DecompressionStream")
    here = visit(window=window)
    here.see("Ce navigateur est trop ancien")
    assert here.page.locator("main").is_hidden()


@pytest.mark.parametrize("part", ["numbers", "later"])
def test_a_damaged_page_says_so(
    visit: Callable[..., Visit], small: Path, tmp_path: Path, part: str
) -> None:
    text = small.read_text(encoding="utf-8")
    cut = text.index(f'id="{part}"') + 100_000
    (tmp_path / "damaged.html").write_text(text[:cut] + text[cut + 4000 :], encoding="utf-8")
    here = visit(tmp_path / "damaged.html")
    here.see("This page is damaged")
    assert here.page.locator("main").is_hidden()
    here.errors.clear()


def test_the_name_of_a_checkpoint_is_only_a_name(
    visit: Callable[..., Visit], test_set: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    name = "<!--<script>$numbers & <img src=x onerror=alert(1)>"
    model = AutoEncoder().eval()
    digit = Digits(torch.zeros(1, 784, dtype=torch.uint8), torch.tensor([3]))
    latent_map = LatentMap(model, digit)
    linear = PrincipalComponents(test_set[0][:100])
    text = template.build_page(Checkpoint(Path(name), model), latent_map, linear, (0, 0))
    (tmp_path / "named.html").write_text(text, encoding="utf-8")
    here = visit(tmp_path / "named.html")
    here.see(f"Network: {name}")
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


def test_a_picture_comes_along(
    visit: Callable[..., Visit], test_set: tuple[Tensor, Tensor], tmp_path: Path
) -> None:
    picture = 255 - test_set[0][0].reshape(28, 28).numpy()  # a 7
    Image.fromarray(picture).resize((150, 150)).save(tmp_path / "seven.png")
    words = ("--checkpoint", PRETRAINED, "--samples", "500", "--image", tmp_path / "seven.png")
    export(tmp_path / "seven.html", *words)
    here = visit(tmp_path / "seven.html")
    assert here.page.locator("#invitation").is_hidden()
    here.know_all_places()
    here.next_frame()
    assert here.labels().count(7) >= 4
    shown = here.pixels("#sketch")
    assert np.abs(shown - (1 - picture.ravel() / 255)).mean() < 0.05


def test_the_same_network_makes_the_same_page(small: Path, tmp_path: Path) -> None:
    again = export(tmp_path / "again.html", "--samples", "1000")
    assert again.read_bytes() == small.read_bytes()


def test_the_page_in_the_repository_is_of_this_template(full: Path) -> None:
    """Its numbers may differ in their last bits, as processors round them differently."""
    built, here = (
        path.read_text(encoding="utf-8") for path in (ROOT / "img" / "explorer.html", full)
    )
    data = re.compile(
        '(?:<script type="application/json"|<template).*?</(?:script|template)>', re.DOTALL
    )
    assert data.sub("", built) == data.sub("", here)
    assert network_of(built) == network_of(here)


def network_of(page: str) -> tuple[str, int, float]:
    """The name, epoch and loss of the network in a page."""
    [facts] = re.findall('<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    facts = json.loads(facts)
    return facts["network"], facts["epoch"], facts["loss"]
