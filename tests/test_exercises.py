"""The answers of the exercises are true of the shipped network, in English and in French."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import view_ml_compressed as densities
from autoencoder import mnist
from autoencoder.handwriting import read_picture
from autoencoder.mnist import Digits
from autoencoder.model import (
    AutoEncoder,
    encode_digits,
    mean_squared_error,
    neighbour_accuracies,
    reconstruction_errors,
)
from autoencoder.view.latent_map import LatentMap
from tests.fixtures import DATA, ROOT, fitted, loaded

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree
from torch import Tensor

SHEETS = (ROOT / "docs" / "exercises.md", ROOT / "docs" / "exercices.md")


@pytest.fixture
def train_set() -> Digits:
    return loaded(DATA, "train")


@pytest.fixture
def test_digits() -> Digits:
    return loaded(DATA, "test")


def exercise(sheet: Path, number: int) -> str:
    """The text of an exercise, without its heading."""
    text = sheet.read_text(encoding="utf-8")
    found = re.search(rf"^### {number}\. .*?$(.*?)(?=^##|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def answer(sheet: Path, number: int) -> str:
    """What is folded away in an exercise, with numbers as English writes them, without commas."""
    folded = re.search(r"<details>.*?</summary>(.*?)</details>", exercise(sheet, number), re.DOTALL)
    assert folded
    if sheet is SHEETS[0]:
        return re.sub(r"(\d),(\d{3})\b", r"\1\2", folded[1])
    without_gaps = re.sub("(?<=\\d)\N{NO-BREAK SPACE}(?=\\d|%)", "", folded[1])
    return re.sub(r"(\d),(\d)", r"\1.\2", without_gaps)


def assert_says(number: int, *figures: str) -> None:
    """Both answers give these figures, and no other decimals and percentages."""
    for sheet in SHEETS:
        prose = re.sub(r"```.*?```", "", answer(sheet, number), flags=re.DOTALL)
        found = re.findall(r"-?\d+(?:\.\d+)?%?", prose)
        assert set(figures) <= set(found), sheet.name
        telling = {figure for figure in found if "." in figure or "%" in figure}
        assert telling <= set(figures), sheet.name


# --- with the page alone ----------------------------------------------------------------------


def test_the_neighbours_and_the_loner(all_codes: tuple[Tensor, Tensor]) -> None:
    latents, labels = all_codes[0].double().numpy(), all_codes[1].numpy()
    of_digits = densities.estimate_densities(latents, labels, range(10), "scott")
    grid = densities.grid_around(list(of_digits.values()), 100)
    heights = [densities.evaluate(density, grid) for density in of_digits.values()]
    overlaps = {
        (one, other): densities.overlap(heights[one], heights[other], grid.cell)
        for one in range(10)
        for other in range(one)
    }
    first, second = sorted(overlaps, key=lambda pair: overlaps[pair])[:-3:-1]
    assert (first, second) == ((9, 4), (8, 3))
    # Of each digit, the one that overlaps it most.
    closest = {
        digit: max((share, pair) for pair, share in overlaps.items() if digit in pair)
        for digit in range(10)
    }
    share, pair = min(closest.values())
    assert pair == (7, 1)
    assert_says(1, *(f"{value:.3f}" for value in (overlaps[first], overlaps[second], share)))


def test_the_centre_of_the_map(latent_map: LatentMap) -> None:
    nearest, _ = latent_map.nearest((0, 0), 5)
    *some, last = latent_map.labels[nearest]
    for sheet, and_ in zip(SHEETS, ("and", "et"), strict=True):
        said = re.sub(r"\s+", " ", answer(sheet, 2))
        assert f"{', '.join(map(str, some))} {and_} {last}" in said
    assert_says(2)


def test_the_two_walks(latent_map: LatentMap) -> None:
    def walk(start: int, end: int) -> Iterator[int | None]:
        """The digits nearest to each step; None where all are far."""
        here, there = (latent_map.densest_point(digit) for digit in (start, end))
        assert here is not None
        assert there is not None
        for point in np.linspace(here, there, 12):
            [nearest], [distance] = latent_map.nearest(point, 1)
            yield None if distance > latent_map.far else int(latent_map.labels[nearest])

    assert list(walk(3, 8)) == [3] * 6 + [8] * 6
    met = list(walk(0, 1))
    assert met.count(None) == 2
    assert set(met) - {0, 1, None} == {2, 3, 7}
    assert_says(3, "6", "2", "12")


def test_no_mans_land(latent_map: LatentMap) -> None:
    left_bottom, right_top = latent_map.limits((0, 0)).T
    cells = (np.stack(np.meshgrid(range(100), range(100)), axis=-1).reshape(-1, 2) + 0.5) / 100
    points = left_bottom + cells * (right_top - left_bottom)
    distances, _ = cKDTree(latent_map.latents).query(points)
    share = np.mean(distances > latent_map.far)
    assert_says(4, f"{100 * share:.0f}%", "99%")


def test_the_drawing_of_the_readme(latent_map: LatentMap) -> None:
    pixels = read_picture(ROOT / "img" / "drawn.png")
    x, y = latent_map.encode(pixels)
    [error] = latent_map.errors_at([(x, y)], pixels)
    assert_says(5, f"{error:.3f}", f"{x:.3f}", f"{y:.3f}")


def test_without_a_network(
    network: AutoEncoder,
    train_set: Digits,
    test_digits: Digits,
    all_codes: tuple[Tensor, Tensor],
) -> None:
    linear = fitted(train_set.images)
    of_network, labels = all_codes
    of_linear = torch.cat([encode_digits(linear, each.images) for each in (train_set, test_digits)])
    shares = [accuracy(codes, labels) for codes in (of_linear, of_network)]
    one, other = (reconstruction_errors(codec, test_digits.images) for codec in (linear, network))
    better = int((one < other).sum())
    assert_says(
        6,
        *(f"{errors.mean():.4f}" for errors in (one, other)),
        *(f"{100 * share:.0f}%" for share in shares),
        str(better),
    )
    means = of_linear[-len(test_digits.labels) :, 0]
    across = [means[test_digits.labels == digit].mean().item() for digit in range(10)]
    assert {np.argmin(across), np.argmax(across)} == {0, 1}


def accuracy(codes: Tensor, labels: Tensor) -> float:
    """How many of the 10,000 test codes their ten nearest of the 60,000 training codes tell."""
    (latents, test_latents), (known, right) = codes.split(60_000), labels.split(60_000)
    return neighbour_accuracies(latents, known, test_latents, right, counts=[10])[10]


# --- with the scripts -------------------------------------------------------------------------


def test_who_suffers_most(network: AutoEncoder, test_digits: Digits) -> None:
    errors = reconstruction_errors(network, test_digits.images)
    means = {digit: errors[test_digits.labels == digit].mean().item() for digit in range(10)}
    best, *_, second, worst = sorted(means, key=lambda digit: means[digit])
    assert (worst, second, best) == (2, 8, 1)
    assert_says(7, *(f"{means[digit]:.5f}" for digit in (worst, second, best)))


def test_all_codes_in_a_table(network: AutoEncoder, train_set: Digits, test_digits: Digits) -> None:
    seen, unseen = (
        reconstruction_errors(network, digits.images) for digits in (train_set, test_digits)
    )
    worst, best = int(unseen.argmax()), int(unseen.argmin())
    assert [test_digits.labels[index].item() for index in (worst, best)] == [9, 1]
    assert_says(
        8,
        *(f"{errors.mean():.4f}" for errors in (seen, unseen)),
        *(str(worst), f"{unseen[worst]:.3f}"),
        *(str(best), f"{unseen[best]:.4f}"),
    )


# --- with the code ----------------------------------------------------------------------------


def printed_by(number: int) -> str:
    """What the code of an exercise prints; both sheets have the same code."""
    blocks = [re.findall(r"```python\n(.*?)```", exercise(sheet, number), re.S) for sheet in SHEETS]
    assert blocks[0] == blocks[1]
    [code] = blocks[0]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), mock.patch.object(mnist, "load_mnist", loaded):
        exec(code, {})
    return out.getvalue()


def test_how_many_straight_lines(
    network: AutoEncoder, test_digits: Digits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    rows = [line.split() for line in printed_by(11).splitlines()]
    errors = {int(count): error for count, error in rows}
    network_error = mean_squared_error(network, test_digits.images)
    fewest = min(count for count, error in errors.items() if float(error) < network_error)
    assert_says(11, str(fewest), errors[fewest], str(fewest - 1), errors[fewest - 1])


def test_who_is_taken_for_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    rows = re.findall(r"\d+", printed_by(12).removeprefix("tensor"))
    table = torch.tensor([int(number) for number in rows]).view(10, 10)
    right = table.diagonal() / table.sum(dim=1)
    assert (int(right.argmin()), int(right.argmax())) == (9, 0)
    confused = table - table.diagonal().diag()
    most = confused.flatten().topk(3).indices.tolist()
    assert [divmod(index, 10) for index in most] == [(4, 9), (7, 9), (9, 4)]
    assert_says(
        12,
        *(f"{100 * share:.1f}%" for share in (right.min(), right.max())),
        *(str(count.item()) for count in (confused[4, 9], confused[7, 9], confused[9, 4])),
        *(str(table[digit].sum().item()) for digit in (4, 9)),
    )
