"""The densities are right, the pictures are written, bad input gets one line."""

import csv
import importlib.util
import math
import os
from pathlib import Path
from typing import Any

import view_ml_compressed as script
from autoencoder import UserError, view
from autoencoder.mnist import Digits, Split
from autoencoder.model import AutoEncoder, unit_pixels
from tests.fixtures import PRETRAINED, assert_refused, loaded, need, run_script
from view_ml_compressed import (
    Array,
    Grid,
    estimate_density,
    evaluate,
    find_hills,
    find_peak,
    grid_around,
    half_mass_area,
    overlap,
)

import numpy as np
import pytest
import scipy  # it loads its stats, which take a while, where they are first used
import torch
from PIL import Image
from torch import Tensor


@pytest.fixture(scope="module")
def codes(all_codes: tuple[Tensor, Tensor]) -> list[Array]:
    """The codes of all 70,000 digits, an array per digit."""
    latents, labels = all_codes
    return [latents[labels == digit].double().numpy() for digit in range(10)]


# --- the numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("digit", range(10))
def test_a_density_integrates_to_one_and_vanishes_at_the_edge(
    codes: list[Array], digit: int
) -> None:
    density = estimate_density(codes[digit], "scott")
    grid = grid_around([density], 100)
    heights = evaluate(density, grid)
    assert heights.sum() * grid.cell == pytest.approx(1, abs=0.01)
    edge = np.concatenate([heights[0], heights[-1], heights[:, 0], heights[:, -1]])
    assert edge.max() < heights.max() / 1000


@pytest.mark.parametrize("bandwidth", ["scott", "silverman", 0.3])
def test_it_is_the_kernel_density_estimate(codes: list[Array], bandwidth: str | float) -> None:
    density = estimate_density(codes[5], bandwidth)
    grid = grid_around([density], 60)
    heights = evaluate(density, grid)
    some = np.flatnonzero(heights > 1e-6 * heights.max())[::15]
    expected = scipy.stats.gaussian_kde(codes[5].T, bandwidth)(grid.points[:, some])
    assert heights.flat[some] == pytest.approx(expected, rel=1e-9)


def gaussian(mean: tuple[float, float], deviation: tuple[float, float], grid: Grid) -> Array:
    density = scipy.stats.multivariate_normal(mean, np.diag(np.square(deviation)))
    return np.asarray(density.pdf(grid.points.T)).reshape(len(grid.y), len(grid.x))


@pytest.fixture
def plane() -> Grid:
    return Grid(np.linspace(-8, 8, 400), np.linspace(-8, 8, 300))


def test_half_of_a_gaussian_lies_within_the_known_area(plane: Grid) -> None:
    # The ellipse of Mahalanobis radius r holds 1 - exp(-r² / 2) of the probability.
    heights = gaussian((0.5, -1), (0.7, 1.5), plane)
    expected = math.pi * 2 * math.log(2) * 0.7 * 1.5
    assert half_mass_area(heights, plane.cell) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("distance", [0.0, 0.5, 1.0, 3.0, 8.0])
def test_two_gaussians_overlap_as_known(plane: Grid, distance: float) -> None:
    one = gaussian((-distance / 2, 0), (1, 1), plane)
    other = gaussian((distance / 2, 0), (1, 1), plane)
    expected = 2 * scipy.stats.norm.cdf(-distance / 2)
    assert overlap(one, other, plane.cell) == pytest.approx(expected, abs=0.002)


def test_the_peak_is_no_lower_than_any_point_of_the_grid(codes: list[Array]) -> None:
    density = estimate_density(codes[3], "scott")
    grid = grid_around([density], 60)
    heights = evaluate(density, grid)
    position, height = find_peak(density, grid, heights)
    assert height >= heights.max()
    steps = np.array([(0, 0), (0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)])
    there, *nearby = scipy.stats.gaussian_kde(codes[3].T)((position + steps).T)
    assert there == pytest.approx(height)
    assert max(nearby) < height


@pytest.mark.parametrize("shape", ["point", "line", "two codes"])
def test_degenerate_codes_get_a_clear_message(shape: str) -> None:
    along = np.linspace(0, 1, 500)
    codes = {
        "point": np.full((500, 2), 0.1),
        "line": np.stack([along, 0.3 * along - 0.2], axis=1),
        "two codes": np.array([[0.0, 0.0], [0.1, 0.4]]),
    }[shape]
    with pytest.raises(UserError, match=r"on a line or a point|it has 2 codes here"):
        estimate_density(codes, "scott")


def test_a_grid_too_coarse_for_the_kernels_is_refused(codes: list[Array]) -> None:
    with pytest.raises(UserError, match="too coarse"):
        grid_around([estimate_density(codes[2], 0.001)], 100)


def test_a_surface_shows_hills_and_their_slopes_and_no_islands() -> None:
    hill_and_island = [0.0, 0.01, 0.05, 0.9, 0.05, 0.0, 0.05, 0.01, 0.0]
    heights = np.array([[0.0] * 9, hill_and_island, [0.0] * 9])
    assert np.flatnonzero(find_hills(heights)[1]).tolist() == [1, 2, 3, 4]


# --- the command line -------------------------------------------------------------------------


def test_without_a_display_or_standard_output_it_saves_the_picture_of_a_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    words = ("view_ml_compressed.py", "--checkpoint", PRETRAINED, "--output", tmp_path)
    done = run_script(*words, without_stdout=os.name != "nt")
    assert (done.returncode, done.stderr) == (0, "")
    picture = tmp_path / "latent_space_density_3d_digit3.png"
    assert list(tmp_path.iterdir()) == [picture]
    with Image.open(picture) as image:
        image.verify()
        assert image.size == (2700, 2100)


@pytest.mark.parametrize(
    ("toolkit", "why"),
    # PyQt5 is not among the requirements; Qt 6 would abort the process.
    [("qt5agg", "PyQt5"), ("qtagg", 'Could not find the Qt platform plugin "nonsense"')],
)
def test_without_the_toolkit_that_was_named_the_picture_is_saved_all_the_same(
    toolkit: str, why: str, invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(importlib.util.find_spec("PySide6") is not None, "PySide6")
    monkeypatch.setattr(view, "BACKEND", toolkit)
    monkeypatch.setenv("QT_QPA_PLATFORM", "nonsense")
    done = invoke(script, "--split", "test", "--grid", "50", "--output", tmp_path)
    assert (done.status, done.err) == (None, "")
    assert done.out.splitlines()[-1].startswith("Not shown: no window can open (")
    assert why in done.out
    assert [file.name for file in tmp_path.iterdir()] == ["latent_space_density_3d_digit3.png"]


def test_several_digits(invoke: Any, tmp_path: Path) -> None:
    words = ["--digit", "8", "5", "8", "--split", "test", "--grid", "50", "--output", tmp_path]
    done = invoke(script, "--no_show", *words)
    assert done.status is None
    names = {f"latent_space_density_3d_digit{digit}.png" for digit in (5, 8)}
    assert names == {file.name for file in tmp_path.iterdir()}
    assert all(str(tmp_path / name) in done.out for name in names)


def test_all_digits_with_sheet_and_table(
    invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The test above holds the pictures of one digit to their size; here they may be small.
    monkeypatch.setattr(script, "SURFACE_DPI", 30)
    words = ["--checkpoint", PRETRAINED, "--digit", "all", "--split", "test", "--grid", "60"]
    done = invoke(script, "--no_show", *words, "--output", tmp_path)
    assert done.status is None
    names = {file.name for file in tmp_path.iterdir()}
    assert names == {
        *(f"latent_space_density_3d_digit{digit}.png" for digit in range(10)),
        "latent_space_density_3d_all.png",
    }
    with Image.open(tmp_path / "latent_space_density_3d_all.png") as sheet:
        sheet.verify()
        assert sheet.size == (3000, 1350)
    rows = done.out.strip().splitlines()[-10:]
    assert [int(row.split()[0]) for row in rows] == list(range(10))
    assert sum(int(row.split()[1]) for row in rows) == 10_000
    # The table's errors, weighed by samples, are the test MSE of the checkpoint.
    mean = sum(int(row.split()[1]) * float(row.split()[2]) for row in rows) / 10_000
    recorded = torch.load(PRETRAINED, weights_only=True)["test_mse"]
    assert mean == pytest.approx(recorded, abs=2e-5)
    assert rows[4].split()[-2] == "9"


@pytest.mark.parametrize(
    ("trained", "tested"),
    [(600, 300), pytest.param(60_000, 10_000, marks=pytest.mark.slow)],
)
def test_the_codes_as_a_table_say_where_each_digit_lives(
    trained: int,
    tested: int,
    network: AutoEncoder,
    invoke: Any,
    tmp_path: Path,
    test_set: tuple[Tensor, Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = {"train": trained, "test": tested}

    def first(root: Path, split: Split) -> Digits:
        return loaded(root, split).first(counts[split])

    monkeypatch.setattr(script, "load_mnist", first)
    table = tmp_path / "codes.csv"
    done = invoke(script, "--checkpoint", PRETRAINED, "--codes", table)
    assert done.status is None
    total = trained + tested
    assert done.out.splitlines()[-1] == f"Saved {table}: the codes of {total:,} digits"
    assert list(tmp_path.iterdir()) == [table]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["split"] for row in rows] == ["train"] * trained + ["test"] * tested
    tests = rows[trained:]
    assert [int(row["index"]) for row in tests] == list(range(tested))
    images, labels = test_set
    assert [int(row["label"]) for row in tests] == labels[:tested].tolist()
    codes = torch.tensor([(float(row["x"]), float(row["y"])) for row in tests[:100]])
    pixels = unit_pixels(images[:100])
    assert torch.allclose(codes, network.encode(pixels), atol=1e-5)
    expected = ((network.decode(codes) - pixels) ** 2).mean(dim=1)
    errors = torch.tensor([float(row["error"]) for row in tests[:100]])
    assert torch.allclose(errors, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--digit", "10"], "--digit"),
        (["--digit", "x"], "--digit"),
        (["--digit"], "--digit"),
        (["--grid", "1"], "--grid"),
        (["--grid", "many"], "--grid"),
        (["--bandwidth", "0"], "--bandwidth"),
        (["--bandwidth", "-1"], "--bandwidth"),
        (["--bandwidth", "nan"], "--bandwidth"),
        (["--bandwidth", "wide"], "--bandwidth"),
        (["--bandwidth", "1e-6"], "too coarse"),
        (["--split", "both"], "--split"),
        (["--codes", "codes.xls"], "use a name that ends in .csv"),
        (["--codes", "no/such/folder/codes.csv"], "no such folder"),
        (["--codes", "codes.csv", "--digit", "3"], "not allowed with argument"),
        (["--output", "LICENSE/below"], "cannot write to"),
        (["--checkpoint", "none.pth"], "no such checkpoint"),
        (["--checkpoint", "LICENSE"], "not a PyTorch checkpoint"),
        (["--data", "LICENSE"], "cannot read the digits"),
    ],
)
def test_bad_input_gets_one_line(words: list[str], says: str, invoke: Any, tmp_path: Path) -> None:
    output = [] if "--output" in words else ["--output", tmp_path]
    assert_refused(invoke(script, "--no_show", *output, *words), says)
    assert not list(tmp_path.iterdir())


def test_a_network_that_maps_all_to_one_point(invoke: Any, tmp_path: Path) -> None:
    weights = AutoEncoder().state_dict()
    weights["encoder.15.weight"] = torch.zeros(2, 16)
    torch.save(weights, tmp_path / "flat.pth")
    words = ["--checkpoint", tmp_path / "flat.pth", "--output", tmp_path]
    outcome = invoke(script, "--no_show", *words)
    assert_refused(outcome, "digit 3: the codes all lie on a line or a point")


def test_help_fits_a_screen(invoke: Any) -> None:
    shown = invoke(script, "--help")
    assert shown.status == 0
    assert len(shown.out.splitlines()) <= 40
