"""Pixels on axes, drawn faster than by ``imshow``, and digits side by side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import NonUniformImage
from numpy.typing import NDArray


class PixelImage(NonUniformImage):
    """Pixels in [0, 1] that fill axes.

    ``imshow`` shows the same, but draws for any transformation and any interpolation, which takes
    three times as long (2.0 ms, where this takes 0.6 ms, for 28 x 28 pixels on 360 x 360).
    """

    def __init__(self, axes: Axes, rows: int, cmap: str, columns: int = 28) -> None:
        extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
        super().__init__(axes, interpolation="nearest", cmap=cmap, extent=extent)
        self.set_clim(0, 1)
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[], aspect="equal")
        axes.add_image(self)

    def show(self, pixels: NDArray[np.float32]) -> None:
        rows, columns = pixels.shape
        self.set_data(np.arange(columns), np.arange(rows), pixels)


def side_by_side(digits: NDArray[np.float32], count: int, gap: int) -> NDArray[np.float32]:
    """A row of so many digits, of which (N, 784) are given: (28, count * (28 + gap) - gap).

    White are the gaps, some columns of pixels each, and the places of digits that are missing.
    """
    row = np.ones((28, count, 28 + gap), np.float32)
    row[:, : len(digits), :28] = digits.reshape(-1, 28, 28).swapaxes(0, 1)
    return row.reshape(28, -1)[:, :-gap]
