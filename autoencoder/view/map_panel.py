"""The map of the explorer's window: its dots, their legend and the markers."""

from typing import Any

from autoencoder.view.decoded_grid import DecodedGrid
from autoencoder.view.density import draw_contours
from autoencoder.view.latent_map import LatentMap, Point
from autoencoder.view.layout import Box
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR, label_latent_axes

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, TransformedBbox
from numpy.typing import ArrayLike, NDArray

Limits = NDArray[np.float64]  # [[left, right], [bottom, top]]


class MapPanel:
    """The map: a dot per digit, the legend, the grid of decoded digits, the point and its nearest.

    Parameters
    ----------
    figure : Figure
    latent_map : LatentMap
    limits : (2, 2) float64
        What it shows of the plane before anyone zooms: [[left, right], [bottom, top]].

    Attributes
    ----------
    axes : Axes
    destination : (2, 2) float64
        What it shows when all dots are in their places.
    places : (N, 2) float32
        Where the dots are: the codes, but on their way to another map.
    visible : (10,) bool
        Which digits have their dots on the map.
    shown : (N,) bool
        The same for each digit of the map.
    """

    def __init__(self, figure: Figure, latent_map: LatentMap, limits: Limits) -> None:
        self.latent_map, self.limits, self.destination = latent_map, limits, limits
        self.places = latent_map.latents
        self.visible = np.ones(10, dtype=bool)
        self.shown = self.visible[latent_map.labels]
        self.axes = figure.add_axes((0, 0, 1, 1))
        self.axes.set(xlim=limits[0], ylim=limits[1])
        label_latent_axes(self.axes)
        colours = np.array([to_rgba(colour, 0.55) for colour in DIGIT_COLOURS])
        self.dot_colours = colours[latent_map.labels]
        x, y = latent_map.latents.T
        self.dots = self.axes.scatter(x, y, s=7, c=self.dot_colours, linewidths=0)
        self.contours: list[Any] = []
        self.grid = DecodedGrid(self.axes, latent_map)
        self.with_densities = self.with_grid = False
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
        self.legend = figure.legend(
            handles=handles,
            ncols=10,
            loc="center",
            mode="expand",
            frameon=False,
            handlelength=1,
            handletextpad=0.3,
            fontsize=12,
        )
        texts = self.legend.get_texts()
        self.legend_entries = list(zip(self.legend.get_lines(), texts, strict=True))

    def put_legend(self, box: Box) -> None:
        """Spread the legend over a box."""
        figure: Any = self.legend.figure
        self.legend.set_bbox_to_anchor(box, figure.transFigure)

    def mark(self, point: Point, nearest: NDArray[np.intp]) -> None:
        """Set the point, and a ring around the first of the digits nearest to it, if any."""
        self.point_marker.set_data(*np.reshape(point, (2, 1)))
        self.ringed = nearest[:1]
        self.nearest_marker.set_data(*self.places[self.ringed].T)

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
        return np.clip(point, *self.view_limits.T)

    @property
    def view_limits(self) -> Limits:
        """What is in view of the plane."""
        return np.array([self.axes.get_xlim(), self.axes.get_ylim()])

    def show_whole(self) -> None:
        """Bring the whole map into view."""
        self.destination = self.limits
        self.axes.set(xlim=self.limits[0], ylim=self.limits[1])

    # --- another map --------------------------------------------------------------------------

    def set_off(self, latent_map: LatentMap, limits: Limits, keeps_view: bool) -> None:
        """Belong to another map of the same digits, whose dots are still in their old places.

        They set off to the whole map, or to the part of it that somebody looks at.
        """
        zoomed = not np.array_equal(self.view_limits, self.limits)
        self.destination = self.view_limits if zoomed and keeps_view else limits
        self.latent_map = self.grid.latent_map = latent_map
        self.limits = limits
        self.grid.set_visible(False)
        self.remove_contours()

    def place(self, places: NDArray[np.float32], limits: Limits) -> None:
        """Show the dots in these places (N, 2), and the plane within these limits."""
        self.places = places
        self.axes.set(xlim=limits[0], ylim=limits[1])
        self.dots.set_offsets(places[self.shown])
        self.nearest_marker.set_data(*places[self.ringed].T)

    def arrive(self) -> None:
        """Show the map as it is when all dots are where they belong."""
        self.place(self.latent_map.latents, self.destination)
        self.grid.set_visible(self.with_grid)
        self.draw_densities()

    # --- what is shown ------------------------------------------------------------------------

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
        self.dots.set_offsets(self.places[self.shown])
        self.dots.set_facecolor(self.dot_colours[self.shown])
        for entry, visible in zip(self.legend_entries, self.visible, strict=True):
            for artist in entry:
                artist.set_alpha(1 if visible else 0.25)
        self.draw_densities()

    def toggle_densities(self) -> None:
        """Draw where the dots of each digit are dense, or take that away."""
        self.with_densities ^= True
        self.draw_densities()

    def draw_densities(self) -> None:
        """Draw the contours of the digits that are visible, where they are wanted."""
        self.remove_contours()
        if not self.with_densities:
            return
        for digit in np.flatnonzero(self.visible).tolist():
            codes = self.latent_map.latents[self.latent_map.labels == digit]
            if len(codes):
                self.contours.append(draw_contours(self.axes, digit, codes, self.limits))

    def remove_contours(self) -> None:
        for contours in self.contours:
            contours.remove()
        self.contours = []

    def toggle_grid(self) -> None:
        """Lay decoded digits under the dots, all over the view, or take them away."""
        self.with_grid ^= True
        self.grid.set_visible(self.with_grid)


def marker_box(marker: Line2D) -> Bbox:
    """The pixels that a marker covers."""
    figure: Any = marker.figure
    x, y = marker.get_transform().transform(marker.get_xydata())[0]
    margin = marker.get_markersize() * figure.dpi / 72
    return Bbox([[x - margin, y - margin], [x + margin, y + margin]])
