"""The grid of decoded digits under the dots of the map."""

from autoencoder.view.latent_map import GRID, LatentMap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.image import AxesImage


class DecodedGrid(AxesImage):
    """GRID x GRID decoded digits that fill what is in view of the map.

    Whenever it is drawn and the view has changed, by the toolbar or by another map, it decodes
    them anew, which takes 10 ms.
    """

    def __init__(self, axes: Axes, latent_map: LatentMap) -> None:
        super().__init__(axes, cmap="gray_r", zorder=0, visible=False)
        self.latent_map = latent_map
        self.decoded_by: LatentMap | None = None
        self.mouseover = False
        self.set_clim(0, 1)
        axes.add_image(self)

    def draw(self, renderer: RendererBase) -> None:
        if self.get_visible():
            self.fill_view()
            super().draw(renderer)

    def fill_view(self) -> None:
        """Decode the middle of each cell of what is in view of [-1, 1]²."""
        limits = np.array([self.axes.get_xlim(), self.axes.get_ylim()])
        (left, right), (bottom, top) = limits.clip(-1, 1)
        extent = left, right, bottom, top
        if self.decoded_by is self.latent_map and extent == self.get_extent():
            return
        centres = (np.arange(GRID) + 0.5) / GRID
        x, y = np.meshgrid(left + (right - left) * centres, top + (bottom - top) * centres)
        points = np.stack([x, y], axis=-1).reshape(-1, 2)
        digits = self.latent_map.decode(points).reshape(GRID, GRID, 28, 28)
        self.set_data(digits.swapaxes(1, 2).reshape(GRID * 28, GRID * 28))
        self.set_extent(extent)
        self.decoded_by = self.latent_map
