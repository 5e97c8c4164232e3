"""The ten colours can be told apart with any kind of sight; pictures keep to their own style."""

from typing import Any

from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder
from autoencoder.view import pictures
from autoencoder.view.event_loop import EventLoop
from autoencoder.view.explorer_view import ExplorerView
from autoencoder.view.latent_map import LatentMap
from autoencoder.view.pictures import DIGIT_COLOURS

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

# How dichromats see linear RGB: Machado, Oliveira and Fernandes, "A Physiologically-based Model
# for Simulation of Color Vision Deficiency", 2009, severity 1.
SIGHT: dict[str, list[list[float]]] = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
# From linear RGB to OKLab: Ottosson, "A perceptual color space for image processing", 2020.
TO_CONES = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def smallest_distance(colours: ArrayLike, sight: str) -> float:
    """The OKLab distance of the two of (N,) colours that are hardest to tell apart."""
    rgb = np.array([to_rgb(colour) for colour in np.asarray(colours)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(SIGHT[sight]), 0, 1)
    lab: NDArray[np.float64] = np.cbrt(seen @ np.transpose(TO_CONES)) @ np.transpose(TO_LAB)
    distances = np.linalg.norm(lab[:, None] - lab, axis=-1)
    return float(distances[~np.eye(len(lab), dtype=bool)].min())


@pytest.mark.parametrize("sight", SIGHT)
def test_the_ten_colours_are_further_apart_than_those_of_tab10(sight: str) -> None:
    ours = smallest_distance(DIGIT_COLOURS, sight)
    assert ours > smallest_distance(mpl.color_sequences["tab10"], sight)
    assert ours > 0.12


# --- the user's matplotlibrc ------------------------------------------------------------------

SETTINGS: dict[Any, Any] = {
    **{"image.origin": "lower", "image.interpolation": "bicubic", "image.cmap": "hot"},
    **{"axes.facecolor": "black", "figure.facecolor": "black", "text.color": "white"},
    **{"font.size": 20, "lines.linewidth": 9, "savefig.bbox": "tight", "figure.dpi": 30},
    **{"text.usetex": True},
    **{"scatter.marker": "", "axes.autolimit_mode": "round_numbers", "axes.grid": True},
}


def as_drawn(figure: Figure) -> NDArray[np.uint8]:
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def drawn() -> list[NDArray[np.uint8]]:
    """Every kind of picture, as pixels."""
    chance = np.random.default_rng(0)
    latents = chance.uniform(-1, 1, (50, 2)).astype(np.float32)
    labels, images = np.arange(50) % 10, chance.random((50, 784), np.float32)
    log = {"Epoch": [1.0, 2.0], "Avg Loss": [0.05, 0.04], "Test MSE": [0.06, 0.05]}
    with pictures.our_style():
        figures = [
            pictures.draw_map(latents, labels, "Title"),
            pictures.draw_comparison(images[:3], labels[:3], latents[:3], images[3:6], latents),
            pictures.draw_training_curve(log),
        ]
        digits = Digits(torch.from_numpy((255 * images).astype(np.uint8)), torch.from_numpy(labels))
        loop = EventLoop(Figure((7, 4)).canvas)
        latent_map = LatentMap(AutoEncoder().eval(), digits)
        view = ExplorerView(loop, latent_map, np.zeros(2), "Help")
        view.map.toggle_grid()
        view.help.set_visible(True)
        return [as_drawn(figure) for figure in (*figures, view.figure)]


def test_pictures_do_not_depend_on_the_users_matplotlibrc() -> None:
    torch.manual_seed(0)
    plain = drawn()
    torch.manual_seed(0)
    with mpl.rc_context(SETTINGS):
        for picture, expected in zip(drawn(), plain, strict=True):
            assert np.array_equal(picture, expected)


def test_the_curve_of_few_epochs_has_whole_epochs_and_different_errors() -> None:
    log = {"Epoch": [1.0, 2.0], "Avg Loss": [0.0411, 0.0409], "Test MSE": [0.0410, 0.0407]}
    figure = pictures.draw_training_curve(log)
    as_drawn(figure)
    x, y = figure.axes[0].xaxis, figure.axes[0].yaxis
    assert all(float(tick.get_text()).is_integer() for tick in x.get_ticklabels())
    errors = [tick.get_text() for tick in y.get_ticklabels(which="both") if tick.get_text()]
    assert len(set(errors)) == len(errors) > 1
