"""A walk over the map from A to B: its line, and a strip of the digits decoded along it."""

from typing import Any

from autoencoder.view.latent_map import WALK, LatentMap, Point
from autoencoder.view.pixel_image import PixelImage, side_by_side

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

GAP = 4  # columns of pixels between two digits

End = tuple[Point, NDArray[np.float32] | None]


class Walk:
    """The walk's line on the map, and its strip beside it.

    Parameters
    ----------
    axes : Axes
        For the strip.
    map_axes : Axes
    latent_map : LatentMap

    Attributes
    ----------
    ends : list of (Point, pixels)
        A and B, as far as they are marked; with the (784,) pixels of the digit that was in there.
    """

    def __init__(self, axes: Axes, map_axes: Axes, latent_map: LatentMap) -> None:
        self.axes = axes
        self.latent_map = latent_map
        self.ends: list[End] = []
        self.axes.set_title(f"From A to B: {WALK} decoded digits", loc="left", fontsize=10)
        self.image = PixelImage(self.axes, 28, "gray", WALK * (28 + GAP) - GAP)
        self.axes.set_anchor("W")
        self.axes.set_axis_off()
        (self.line,) = map_axes.plot([], [], color="black", linewidth=1.5, zorder=3.5)
        circle = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "black"}
        middle: dict[str, Any] = {"ha": "center", "va": "center", "bbox": circle, "zorder": 3.6}
        self.labels = [map_axes.text(0, 0, name, clip_on=True, **middle) for name in "AB"]
        self.update()

    @property
    def is_whole(self) -> bool:
        return len(self.ends) == 2

    def mark(self, point: Point, pixels: NDArray[np.float32] | None) -> None:
        """Mark A, then B, then take both away; with the digit that is in, if any."""
        self.ends = [] if self.is_whole else [*self.ends, (point, pixels)]
        self.update()

    def show_map(self, latent_map: LatentMap, low: Point, high: Point) -> None:
        """Belong to another map: points stay within its limits, digits have other codes."""
        self.latent_map = latent_map
        self.ends = [
            (np.clip(point if pixels is None else latent_map.encode(pixels), low, high), pixels)
            for point, pixels in self.ends
        ]
        self.update()

    def update(self) -> None:
        """Bring the line, its ends and the strip up to date."""
        points = np.reshape([point for point, _ in self.ends], (-1, 2))
        self.line.set_data(*points.T)
        for label in self.labels:
            label.set_visible(False)
        for label, point in zip(self.labels, points, strict=False):
            label.set(position=point, visible=True)
        self.axes.set_visible(self.is_whole)
        if self.is_whole:
            start, end = points
            digits = self.latent_map.decode(np.linspace(start, end, WALK))
            self.image.show(side_by_side(digits, WALK, GAP))
