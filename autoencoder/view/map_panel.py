"""The map of the explorer's window: its dots, legend, markers, densities and grid of digits."""

from typing import Any

from autoencoder.view.latent_map import GRID, LatentMap, Point
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR, label_latent_axes

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, TransformedBbox
from numpy.typing import ArrayLike, NDArray

# Left, bottom, width and height as fractions of the figure.
MAP = (0.06, 0.075, 0.48, 0.845)
LEGEND = (0.06, 0.93, 0.48, 0.06)
DENSITY_GRID = 120  # cells a side
ENCLOSED = (0.25, 0.5, 0.75)  # shares of a digit's codes within its contours


class MapPanel:
    """The map: a dot per digit, the legend, the grid of decoded digits, the point and its nearest.

    Attributes
    ----------
    axes : Axes
    visible : (10,) bool
        Which digits have their dots on the map.
    shown : (N,) bool
        The same for each digit of the map.
    """

    def __init__(self, figure: Figure, latent_map: LatentMap, limits: NDArray[np.float64]) -> None:
        self.latent_map = latent_map
        self.visible = np.ones(10, dtype=bool)
        self.shown = self.visible[latent_map.labels]
        self.axes = figure.add_axes(MAP)
        self.axes.set(xlim=limits[0], ylim=limits[1])
        label_latent_axes(self.axes)
        colours = np.array([to_rgba(colour, 0.55) for colour in DIGIT_COLOURS])
        self.dot_colours = colours[latent_map.labels]
        x, y = latent_map.latents.T
        self.dots = self.axes.scatter(x, y, s=7, c=self.dot_colours, linewidths=0)
        self.densities: list[Any] = []
        self.grid = AxesImage(self.axes, cmap="gray_r", zorder=0, visible=False)
        self.grid.set_data(np.zeros((1, 1)))
        self.grid.mouseover = False
        self.axes.add_image(self.grid)
        self.build_markers()
        self.build_legend(figure)

    def build_markers(self) -> None:
        (ring,) = self.axes.plot(
            [], [], "o", markersize=12, markerfacecolor="none", markeredgecolor="black", zorder=4
        )
        (dot,) = self.axes.plot(
            [],
            [],
            "o",
            markersize=11,
            color=POINT_COLOUR,
            markeredgecolor="white",
            markeredgewidth=1.5,
            zorder=5,
        )
        (cross,) = self.axes.plot(
            [], [], "x", markersize=9, color="black", markeredgewidth=2, zorder=6
        )
        self.nearest_marker, self.point_marker, self.best_marker = ring, dot, cross
        self.markers = (ring, dot, cross)
        # A little wider than the map, so that the point is whole in its corners too.
        around = TransformedBbox(Bbox([[-0.02, -0.02], [1.02, 1.02]]), self.axes.transAxes)
        for marker in self.markers:
            marker.set_clip_box(around)

    def build_legend(self, figure: Figure) -> None:
        handles = [
            Line2D([], [], marker="o", linestyle="", markersize=9, color=colour, label=str(digit))
            for digit, colour in enumerate(DIGIT_COLOURS)
        ]
        legend = figure.legend(
            handles=handles,
            ncols=10,
            loc="center",
            bbox_to_anchor=LEGEND,
            frameon=False,
            handletextpad=0.1,
            columnspacing=1.6,
            fontsize=12,
        )
        self.legend_entries = list(zip(legend.get_lines(), legend.get_texts(), strict=True))

    def mark(self, point: Point, nearest: ArrayLike) -> None:
        """Set the point, and a ring around the code (1, 2) of the digit nearest to it, if any."""
        self.point_marker.set_data(*np.reshape(point, (2, 1)))
        self.nearest_marker.set_data(*np.transpose(nearest))

    def mark_best(self, point: Point | None) -> None:
        """Set a cross where the digit that went in would be drawn best, or take it away."""
        self.best_marker.set_data(*([[], []] if point is None else np.reshape(point, (2, 1))))

    def marker_boxes(self) -> list[Bbox]:
        """The pixels that each marker covers."""
        return [marker_box(marker) for marker in self.markers if np.size(marker.get_xdata())]

    def at_pixel(self, x: float, y: float) -> Point:
        """The point of the map under a pixel of the figure, or the nearest to it."""
        return self.clipped(self.axes.transData.inverted().transform((x, y)))

    def clipped(self, point: ArrayLike) -> Point:
        """The point of the map nearest to a point of the plane."""
        (left, right), (bottom, top) = self.axes.get_xlim(), self.axes.get_ylim()
        return np.clip(point, (left, bottom), (right, top))

    def legend_entry(self, x: float, y: float) -> int | None:
        """The digit whose legend entry is under a pixel of the figure."""
        for digit, entry in enumerate(self.legend_entries):
            box = Bbox.union([artist.get_window_extent() for artist in entry]).padded(4)
            if box.contains(x, y):
                return digit
        return None

    def toggle_digit(self, digit: int) -> None:
        """Hide or show the dots of a digit."""
        self.visible[digit] ^= True
        self.show_visible()

    def toggle_others(self, digit: int) -> None:
        """Show only this digit, or all digits where only this one is shown."""
        only = np.arange(10) == digit
        self.visible[:] = only | (self.visible == only).all()
        self.show_visible()

    def show_visible(self) -> None:
        """Bring the dots and the legend up to date with the digits that are visible."""
        self.shown = self.visible[self.latent_map.labels]
        self.dots.set_offsets(self.latent_map.latents[self.shown])
        self.dots.set_facecolor(self.dot_colours[self.shown])
        for entry, visible in zip(self.legend_entries, self.visible, strict=True):
            for artist in entry:
                artist.set_alpha(1 if visible else 0.25)

    def toggle_densities(self) -> None:
        """Draw where the dots of each digit are dense, or take that away."""
        if self.densities:
            for contours in self.densities:
                contours.remove()
            self.densities = []
            return
        (left, right), (bottom, top) = self.axes.get_xlim(), self.axes.get_ylim()
        for digit in np.flatnonzero(self.visible):
            codes = self.latent_map.latents[self.latent_map.labels == digit]
            if len(codes):
                field = density(codes, (left, right), (bottom, top))
                x, y = (np.linspace(*ends, DENSITY_GRID) for ends in ((left, right), (bottom, top)))
                levels = enclosing_levels(field)
                self.densities.append(
                    self.axes.contour(x, y, field, levels, colors=DIGIT_COLOURS[digit], zorder=3)
                )

    def toggle_grid(self) -> None:
        """Lay decoded digits under the dots, all over the view, or take them away."""
        if not self.grid.get_visible():
            self.build_grid()
        self.grid.set_visible(not self.grid.get_visible())

    def build_grid(self) -> None:
        (left, right), (bottom, top) = np.clip([self.axes.get_xlim(), self.axes.get_ylim()], -1, 1)
        centres = (np.arange(GRID) + 0.5) / GRID
        x, y = np.meshgrid(left + (right - left) * centres, top + (bottom - top) * centres)
        points = np.stack([x, y], axis=-1).reshape(-1, 2)
        digits = self.latent_map.decode(points).reshape(GRID, GRID, 28, 28)
        self.grid.set_data(digits.swapaxes(1, 2).reshape(GRID * 28, GRID * 28))
        self.grid.set_extent((left, right, bottom, top))


def marker_box(marker: Line2D) -> Bbox:
    """The pixels that a marker covers."""
    figure: Any = marker.figure
    x, y = marker.get_transform().transform(marker.get_xydata())[0]
    margin = marker.get_markersize() * figure.dpi / 72
    return Bbox([[x - margin, y - margin], [x + margin, y + margin]])


# --- densities --------------------------------------------------------------------------------


def density(
    codes: NDArray[np.float32], x: tuple[float, float], y: tuple[float, float]
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
