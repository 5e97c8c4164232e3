"""Where the dots of each digit are dense: contours on the map of the explorer's window."""

from typing import Any

from autoencoder.view.pictures import DIGIT_COLOURS

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

DENSITY_GRID = 120  # cells a side
ENCLOSED = (0.25, 0.5, 0.75)  # shares of a digit's codes within its contours


def draw_contours(
    axes: Axes, digit: int, codes: NDArray[np.float32], limits: NDArray[np.float64]
) -> Any:
    """Draw the contours of a digit from its codes (N, 2) within [[left, right], [bottom, top]]."""
    field = density(codes, *limits)
    low, high = limits.T
    x, y = np.linspace(low, high, DENSITY_GRID).T
    return axes.contour(x, y, field, enclosing_levels(field), colors=DIGIT_COLOURS[digit], zorder=3)


def density(
    codes: NDArray[np.float32], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A kernel density estimate of (N, 2) codes on a rectangle: (DENSITY_GRID, DENSITY_GRID)."""
    edges = [np.linspace(low, high, DENSITY_GRID + 1) for low, high in (y, x)]
    counts, _, _ = np.histogram2d(codes[:, 1], codes[:, 0], edges)
    down, across = (
        kernel(high - low, values)
        for (low, high), values in zip((y, x), codes.T[::-1], strict=True)
    )
    return down @ counts @ across.T


def kernel(length: float, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """A Gaussian blur along an axis of this length, as a matrix.

    Its width is half of what Scott's rule (1992) says, which is made for a single heap, where a
    digit may have several; at least a cell, where all values are the same.
    """
    width = max(values.std() * len(values) ** (-1 / 6) / 2, length / DENSITY_GRID)
    positions = np.linspace(0, length, DENSITY_GRID)
    return np.exp(-0.5 * ((positions[:, None] - positions) / width) ** 2)


def enclosing_levels(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """The heights above which a field holds each of the shares in ENCLOSED, ascending."""
    heights = np.sort(field, axis=None)[::-1]
    mass = heights.cumsum() / heights.sum()
    return heights[np.searchsorted(mass, ENCLOSED)][::-1]
