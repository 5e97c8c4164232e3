"""Draw where each digit lives in the latent space, as a 3D density surface.

    python view_ml_compressed.py                  # digit 3
    python view_ml_compressed.py --digit 3 5 8
    python view_ml_compressed.py --digit all      # and all ten in one sheet, and a table
    python view_ml_compressed.py --codes codes.csv    # the codes, for a spreadsheet or pandas

Pictures go to img/densityNumber/.
"""

import argparse
import csv
import io
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.command_line import (
    Parser,
    bar_shows,
    output_path,
    positive_float,
    positive_int,
    run,
)
from autoencoder.mnist import Split, load_mnist
from autoencoder.model import AutoEncoder, encode_digits, reconstruction_errors
from autoencoder.storage.checkpoint import default_checkpoint, load_checkpoint
from autoencoder.storage.files import make_folder, write_atomically
from autoencoder.view import pictures, windows

import numpy as np
import torch
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

DIGITS = tuple(range(10))
ELEVATION, AZIMUTH = 30, 12
SURFACE_SIZE, SURFACE_DPI = (9, 7), 300
SHEET_SIZE, SHEET_DPI = (40 / 3, 6), 225
WINDOW_DPI = 100

# A density counts as vanished below a thousandth of its peak. A single kernel does so within
# KERNEL_REACH standard deviations; a grid of COARSE x COARSE points finds where all of it does.
VANISHED = 1e-3
KERNEL_REACH = 4.0
COARSE = 60
# A code counts at points nearer than this many standard deviations of the kernel: further away the
# kernel is below 3e-18 of its peak.
NEAR = 9.0
# Grids are evaluated in blocks of 10 x 10 points. Smaller ones ask more often which codes are near,
# larger ones have more codes near them: 20 x 20 takes twice as long.
BLOCK = 10
# Halving 20 times takes the search for a peak from the distance of two grid points to a millionth.
HALVINGS = 20
# A density in the plane takes as many codes.
LEAST = 3

SPLITS: dict[Split, tuple[Split, ...]] = {
    "train": ("train",),
    "test": ("test",),
    "all": ("train", "test"),
}
CODES_HEADER = ("split", "index", "label", "x", "y", "error")

# The floor with the contours lies this far below the surface, as a part of the scale's height.
FLOOR = 0.6
# The contours and the surface end at this part of the scale, so that the floor shows.
EDGE = 0.004
# The surface shows only what rises to this part of the scale; the contours show the rest, which
# would be lone flat islands in the air.
HILL = 0.08

Array = NDArray[np.float64]
Draw = Callable[[Figure], None]


# --- densities --------------------------------------------------------------------------------


@dataclass
class Grid:
    """A rectangle of evenly spaced points.

    Attributes
    ----------
    x, y : (n,) float64
        The coordinates of its columns and rows.
    """

    x: Array
    y: Array

    @property
    def cell(self) -> float:
        """The area that belongs to one point."""
        return float((self.x[1] - self.x[0]) * (self.y[1] - self.y[0]))

    @property
    def points(self) -> Array:
        """(2, n * n), row by row."""
        return np.stack(np.meshgrid(self.x, self.y)).reshape(2, -1)


class Density:
    """A Gaussian kernel density estimate: the mean of N normal distributions, one around each code.

    The values are those of scipy.stats.gaussian_kde. On a grid this takes a tenth of the time,
    since each point asks only the codes near it; and importing scipy.stats alone takes 0.6 s.

    Parameters
    ----------
    codes : (N, 2) float64
    covariance : (2, 2) float64
        The covariance that the normal distributions, the kernels, have in common.
    """

    def __init__(self, codes: Array, covariance: Array) -> None:
        self.codes = codes
        self.covariance = covariance
        # In round coordinates a kernel has the standard deviation 1 in every direction.
        self.to_round = np.linalg.inv(np.linalg.cholesky(covariance))
        self.round_codes = self.to_round @ codes.T
        self.kernel_peak = 1 / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))

    def at(self, points: Array) -> Array:
        """The density at (2, M) points, fastest where they are close together: (M,)."""
        points = self.to_round @ points
        low, high = points.min(axis=1) - NEAR, points.max(axis=1) + NEAR
        x, y = self.round_codes
        near = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
        squares = np.subtract.outer(points[0], x[near]) ** 2
        squares += np.subtract.outer(points[1], y[near]) ** 2
        squares *= -0.5
        kernels = np.exp(squares, out=squares)
        return kernels.sum(axis=1) * (self.kernel_peak / len(self.codes))


def estimate_density(codes: Array, bandwidth: str | float) -> Density:
    """The kernel density estimate of (N, 2) codes.

    Parameters
    ----------
    codes : (N, 2) float64
    bandwidth : {"scott", "silverman"} or float
        The width of the kernels, as a part of the codes' own spread. The rules of Scott and of
        Silverman are the same in two dimensions.

    Raises
    ------
    UserError
        If there are too few codes, or they lie on a line or a point.
    """
    if len(codes) < LEAST:
        raise UserError(f"it has {len(codes)} codes here, and a density takes {LEAST}")
    covariance = np.cov(codes.T)
    low, high = np.linalg.eigvalsh(covariance)
    if low <= 1e-9 * high:
        raise UserError(
            "the codes all lie on a line or a point, as in an untrained network:"
            " there is no density to draw"
        )
    factor = len(codes) ** (-1 / 6) if isinstance(bandwidth, str) else bandwidth
    return Density(codes, covariance * factor**2)


def grid_around(densities: list[Density], size: int) -> Grid:
    """A grid of size x size points that reaches to where all the densities have vanished.

    Raises
    ------
    UserError
        If the grid is too coarse to see the kernels.
    """
    codes = np.concatenate([density.codes for density in densities])
    variances = np.array([np.diag(density.covariance) for density in densities])
    reach = KERNEL_REACH * np.sqrt(variances.max(axis=0))
    low, high = codes.min(axis=0) - reach, codes.max(axis=0) + reach
    # That is far enough, but most of this rectangle holds only a few lone codes.
    coarse = spread(low, high, COARSE)
    heights = np.stack([evaluate(density, coarse) for density in densities])
    # The density may be higher between the coarse points than on them, hence the half.
    filled = (heights > VANISHED / 2 * heights.max(axis=(1, 2), keepdims=True)).any(axis=0)
    rows, columns = filled.nonzero()
    if len(rows):
        margin = np.array([coarse.x[1] - coarse.x[0], coarse.y[1] - coarse.y[0]])
        low = np.array([coarse.x[columns.min()], coarse.y[rows.min()]]) - margin
        high = np.array([coarse.x[columns.max()], coarse.y[rows.max()]]) + margin
    grid = spread(low, high, size)
    narrowest = math.sqrt(min(np.linalg.eigvalsh(density.covariance)[0] for density in densities))
    if narrowest < 0.5 * max(grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]):
        raise UserError(
            f"a grid of {size} points is too coarse for kernels {narrowest:.1g} wide:"
            " give a larger --grid or --bandwidth"
        )
    return grid


def spread(low: Array, high: Array, size: int) -> Grid:
    return Grid(np.linspace(low[0], high[0], size), np.linspace(low[1], high[1], size))


def evaluate(density: Density, grid: Grid) -> Array:
    """The density at each point of a grid: (n, n), a row per y."""
    heights = np.empty((len(grid.y), len(grid.x)))
    blocks = [slice(start, start + BLOCK) for start in range(0, max(heights.shape), BLOCK)]
    for rows, columns in itertools.product(blocks, blocks):
        points = Grid(grid.x[columns], grid.y[rows]).points
        heights[rows, columns] = density.at(points).reshape(heights[rows, columns].shape)
    return heights


def find_peak(density: Density, grid: Grid, heights: Array) -> tuple[Array, float]:
    """The position (2,) and the height of the peak above the highest point of a grid.

    The search looks around the highest point so far on ever smaller grids, each half as wide as the
    one before.
    """
    position = grid.points[:, heights.argmax()]
    reach = np.array([grid.x[1] - grid.x[0], grid.y[1] - grid.y[0]])
    for _ in range(HALVINGS):
        around = spread(position - reach, position + reach, 5)
        heights = evaluate(density, around)
        position = around.points[:, heights.argmax()]
        reach /= 2
    return position, float(heights.max())


def half_mass_area(heights: Array, cell: float) -> float:
    """The area of the smallest region that holds half of the probability.

    Parameters
    ----------
    heights : (n, n)
        A density on a grid that reaches to where it vanishes.
    cell : float
        The area that belongs to a point of the grid.
    """
    mass = np.sort(heights, axis=None)[::-1].cumsum()
    return float(np.searchsorted(mass, mass[-1] / 2) + 1) * cell


def overlap(one: Array, other: Array, cell: float) -> float:
    """The overlap coefficient of two densities on one grid: the integral of the smaller, 0 to 1.

    Weitzman, "Measures of overlap of income distributions", 1970.
    """
    return float(np.minimum(one, other).sum() * cell)


# --- pictures ---------------------------------------------------------------------------------


def draw_surface(axes: Any, grid: Grid, heights: Array, scale: Normalize) -> Any:
    """Draw a density as a surface over its contours; return what a colour bar needs."""
    x, y = np.meshgrid(grid.x, grid.y)
    top = scale.vmax or 1.0
    levels = np.linspace(EDGE * top, heights.max(), 16)
    axes.contourf(x, y, heights, levels, zdir="z", offset=-FLOOR * top, cmap="plasma", norm=scale)
    surface = axes.plot_surface(
        x,
        y,
        np.where(find_hills(heights / top), heights, np.nan),
        rcount=100,
        ccount=100,
        cmap="plasma",
        norm=scale,
        edgecolor="black",
        linewidth=0.1,
    )
    axes.set(xlim=grid.x[[0, -1]], ylim=grid.y[[0, -1]], zlim=(-FLOOR * top, top))
    axes.set_zticks([tick for tick in MaxNLocator(4).tick_values(0, top) if 0 <= tick <= top])
    axes.view_init(ELEVATION, AZIMUTH)
    return surface


def find_hills(heights: Array) -> NDArray[np.bool_]:
    """Which points of a surface (n, n) with heights from 0 to 1 belong to a hill or its slopes."""
    land, hills = heights > EDGE, heights > HILL
    while True:
        # A hill takes in the land next to it until all of its slopes belong to it.
        grown = hills.copy()
        grown[1:] |= hills[:-1]
        grown[:-1] |= hills[1:]
        grown[:, 1:] |= hills[:, :-1]
        grown[:, :-1] |= hills[:, 1:]
        grown &= land
        if (grown == hills).all():
            return hills
        hills = grown


def draw_digit(
    figure: Figure, digit: int, density: Density, grid_size: int, model: AutoEncoder
) -> None:
    """Draw one digit's density as a surface, and in a corner the digit that its peak decodes to."""
    grid = grid_around([density], grid_size)
    heights = evaluate(density, grid)
    axes: Any = figure.add_axes((0.0, 0.0, 0.86, 0.95), projection="3d")
    surface = draw_surface(axes, grid, heights, Normalize(0, heights.max()))
    pictures.label_latent_axes(axes)
    axes.set_zlabel("Density")
    axes.xaxis.labelpad = 12
    figure.colorbar(surface, cax=figure.add_axes((0.88, 0.2, 0.02, 0.5)), label="Density")
    figure.suptitle(f"Digit {digit}: the density of its {len(density.codes):,} codes")

    (x, y), _ = find_peak(density, grid, heights)
    with torch.inference_mode():
        decoded = model.decode(torch.tensor([[x, y]], dtype=torch.float32))[0].numpy()
    inset = figure.add_axes((0.03, 0.7, 0.17, 0.17 * SURFACE_SIZE[0] / SURFACE_SIZE[1]))
    pictures.show_digit(inset, decoded)
    inset.set_title(f"decoded at the peak\n({x:+.2f}, {y:+.2f})", fontsize=9)


def draw_sheet(figure: Figure, digits: Sequence[int], grid: Grid, heights: Array) -> None:
    """Draw the densities (D, n, n) of D digits side by side, with the same axes and heights.

    On each floor the home of all the digits is grey. Only the outer axes carry numbers and names,
    since all are the same.
    """
    scale = Normalize(0, heights.max())
    grid, heights = crop(grid, heights)
    for digit, its_heights in zip(digits, heights, strict=True):
        row, column = divmod(digit, 5)
        # The upper row is drawn last, since its axes' names hang into the lower row.
        axes: Any = figure.add_axes(
            (0.013 + 0.176 * column, 0.54 - 0.47 * row, 0.195, 0.433),
            projection="3d",
            proj_type="ortho",
            computed_zorder=False,
            facecolor="none",
            zorder=-row,
        )
        draw_whole_map(axes, grid, heights)
        surface = draw_surface(axes, grid, its_heights, scale)
        axes.set_box_aspect((1, 1.15, 0.93), zoom=1.16)
        axes.set_title(f"Digit {digit}", y=1.01, fontsize=13)
        axes.tick_params(pad=-2)
        for axis, outer, name in (
            (axes.xaxis, column == 4, "Latent dimension 1"),
            (axes.yaxis, row == 1, "Latent dimension 2"),
        ):
            axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
            if outer:
                axis.set_label_text(name)
                axis.labelpad = -4
            else:
                axis.set_major_formatter("")
        if column > 0:
            axes.zaxis.set_major_formatter("")
    figure.colorbar(surface, cax=figure.add_axes((0.952, 0.25, 0.01, 0.5)), label="Density")
    figure.text(0.937, 0.8, "in grey:\nall the\ndigits")


def crop(grid: Grid, heights: Array) -> tuple[Grid, Array]:
    """The part of a grid where any of the densities (D, n, n) shows, and the densities there."""
    shown = (heights > EDGE * heights.max()).any(axis=0)
    indices = [np.flatnonzero(shown.any(axis=axis)) for axis in (1, 0)]
    rows, columns = (slice(max(index[0] - 1, 0), index[-1] + 2) for index in indices)
    return Grid(grid.x[columns], grid.y[rows]), heights[:, rows, columns]


def draw_whole_map(axes: Any, grid: Grid, heights: Array) -> None:
    """Paint the floor grey where any of the densities (D, n, n) shows."""
    x, y = np.meshgrid(grid.x, grid.y)
    top = heights.max()
    axes.contourf(
        x,
        y,
        heights.max(axis=0),
        [EDGE * top, top],
        zdir="z",
        offset=-FLOOR * top,
        colors=["#d8d8d8"],
        zorder=0,
    )


# --- the run ----------------------------------------------------------------------------------


def print_table(
    densities: dict[int, Density], grid: Grid, heights: Array, errors: Tensor, labels: Tensor
) -> None:
    """Print a row per digit: how well two numbers serve it, how compactly it lives, and with whom.

    Parameters
    ----------
    densities : dict
        The density of each of D digits.
    grid : Grid
    heights : (D, n, n)
        The densities on the grid.
    errors, labels : (N,)
        The reconstruction error and the label of each test digit.
    """
    print("digit  samples  test MSE  peak density   peak position  half within  overlaps most")
    by_digit = dict(zip(densities, heights, strict=True))
    for digit, density in densities.items():
        (x, y), height = find_peak(density, grid, by_digit[digit])
        overlaps = {
            other: overlap(by_digit[digit], by_digit[other], grid.cell)
            for other in densities
            if other != digit
        }
        error = errors[labels == digit].mean().item()
        closest = max(overlaps, key=lambda other: overlaps[other], default=digit)
        print(
            f"{digit:5}  {len(density.codes):7}  {'-' if math.isnan(error) else f'{error:.5f}':>8}"
            f"  {height:12.2f}  ({x:+.3f}, {y:+.3f})"
            f"  {half_mass_area(by_digit[digit], grid.cell):11.4f}"
            f"  {closest:6} ({overlaps.get(closest, 1):.3f})"
        )


def write_codes(path: Path, model: AutoEncoder, data: Path, split: Split) -> None:
    """Write a table with a row per digit: its split, its index there, label, code and error.

    Parameters
    ----------
    path : Path
    model : AutoEncoder
        In evaluation mode.
    data : Path
        The folder that holds the digits.
    split : {"train", "test", "all"}

    Raises
    ------
    UserError
        If the digits cannot be read, or the table cannot be written.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(CODES_HEADER)
    total = 0
    for name in SPLITS[split]:
        digits = load_mnist(data, name)
        if not digits.are_mnist:
            print(digits.note)
        labels = digits.labels.tolist()
        codes = encode_digits(model, digits.images).tolist()
        errors = reconstruction_errors(model, digits.images).tolist()
        for index, (label, code, error) in enumerate(zip(labels, codes, errors, strict=True)):
            writer.writerow((name, index, label, *(f"{x:.6f}" for x in (*code, error))))
        total += len(labels)
    write_atomically(path, table.getvalue().encode())
    print(f"Saved {path}: the codes of {total:,} digits")


def csv_path(text: str) -> Path:
    return output_path(text, ".csv")


def bandwidth(text: str) -> str | float:
    if text in ("scott", "silverman"):
        return text
    times = positive_float(text)
    if not 1e-6 <= times <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1e-6 and 1000")
    return times


def grid_size(text: str) -> int:
    size = positive_int(text)
    if not 10 <= size <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not between 10 and 1000")
    return size


def parse_arguments() -> argparse.Namespace:
    parser = Parser("Draw where each digit lives in the latent space, as a 3D density surface.")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--digit",
        nargs="+",
        choices=(*map(str, DIGITS), "all"),
        default=["3"],
        metavar="D",
        help="0 to 9, or all: ten pictures, a sheet of them and a table (3)",
    )
    what.add_argument(
        "--codes",
        type=csv_path,
        metavar="FILE",
        help="write the codes of all digits as a table, FILE.csv, and draw nothing",
    )
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="all",
        help="the digits whose codes count (%(default)s 70,000)",
    )
    parser.add_argument(
        "--bandwidth",
        type=bandwidth,
        default="scott",
        metavar="B",
        help="width of the kernels: scott, silverman, or a number times the codes' spread"
        " (%(default)s)",
    )
    parser.add_argument(
        "--grid", type=grid_size, default=100, metavar="N", help="points on a side (%(default)s)"
    )
    parser.add_argument("--no_show", action="store_true", help="open no window")
    parser.add_checkpoint()
    parser.add_data()
    parser.add_folder("output", "img/densityNumber", "where the pictures go")
    return parser.parse_args()


def estimate_densities(
    latents: Array, labels: Array, digits: Sequence[int], bandwidth: str | float
) -> dict[int, Density]:
    """The density of each digit's codes; raises UserError where codes have no density."""
    densities = {}
    for digit in digits:
        codes = latents[labels == digit]
        try:
            densities[digit] = estimate_density(codes, bandwidth)
        except UserError as error:
            raise UserError(f"digit {digit}: {error}") from None
    return densities


def dense_enough(labels: Tensor) -> list[int]:
    """The digits that have the three codes which a density takes; says which have fewer."""
    counts = labels.bincount(minlength=len(DIGITS)).tolist()
    if few := [digit for digit in DIGITS if counts[digit] < LEAST]:
        print(f"Left out, for want of {LEAST} codes: {', '.join(map(str, few))}")
    digits = [digit for digit in DIGITS if counts[digit] >= LEAST]
    if not digits:
        raise UserError(f"no digit has {LEAST} codes: there is no density to draw")
    return digits


def save(draw: Draw, size: tuple[float, float], dpi: int, folder: Path, name: str) -> None:
    path = folder / f"latent_space_density_3d_{name}.png"
    figure = Figure(size)
    draw(figure)
    pictures.save(figure, path, dpi)
    tqdm.write(f"Saved {path}")


def show(draw: Draw, size: tuple[float, float]) -> None:
    """Draw a picture in a window too, where one can open."""
    try:
        figure = windows.open_window(size, WINDOW_DPI, "Density of the digits")
    except UserError as error:
        print(f"Not shown: {error}")
        return
    draw(figure)
    windows.show_windows()


def draw_densities(arguments: argparse.Namespace, model: AutoEncoder) -> None:
    """Draw the densities of the digits asked for; for all of them also a sheet and a table."""
    everything = "all" in arguments.digit
    digits = DIGITS if everything else [int(digit) for digit in dict.fromkeys(arguments.digit)]
    make_folder(arguments.output)
    data = load_mnist(arguments.data, arguments.split)
    if not data.are_mnist:
        print(data.note)
    if everything:
        digits = dense_enough(data.labels)
    wanted = torch.isin(data.labels, torch.tensor(digits))
    latents = encode_digits(model, data.images[wanted]).double().numpy()
    labels = data.labels[wanted].numpy()
    densities = estimate_densities(latents, labels, digits, arguments.bandwidth)

    size: tuple[float, float] = SURFACE_SIZE
    with tqdm(
        total=len(digits) + everything, unit="picture", leave=False, disable=not bar_shows()
    ) as bar:
        for digit in digits:
            draw = partial(
                draw_digit,
                digit=digit,
                density=densities[digit],
                grid_size=arguments.grid,
                model=model,
            )
            save(draw, size, SURFACE_DPI, arguments.output, f"digit{digit}")
            bar.update()
        if everything:
            grid = grid_around(list(densities.values()), arguments.grid)
            heights = np.stack([evaluate(density, grid) for density in densities.values()])
            size = SHEET_SIZE
            draw = partial(draw_sheet, digits=digits, grid=grid, heights=heights)
            save(draw, size, SHEET_DPI, arguments.output, "all")
            bar.update()
    if everything:
        test_set = load_mnist(arguments.data, "test")
        errors = reconstruction_errors(model, test_set.images)
        print_table(densities, grid, heights, errors, test_set.labels)
    # Last of all, so that no window can keep a picture from being saved.
    if not arguments.no_show:
        show(draw, size)


@pictures.our_style()
def main() -> None:
    arguments = parse_arguments()
    checkpoint = load_checkpoint(arguments.checkpoint or default_checkpoint())
    print(f"Using {checkpoint}")
    if arguments.codes:
        write_codes(arguments.codes, checkpoint.model, arguments.data, arguments.split)
    else:
        draw_densities(arguments, checkpoint.model)


if __name__ == "__main__":
    run(main)
