"""The colours of the digits, and the pictures of a training run.

Pictures are drawn without pyplot, which would choose a backend: they need no display.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from autoencoder.storage.files import make_folder, write_atomically

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

# Hill climbing made the two most similar of them as different as possible: they are 0.126 apart in
# OKLab, where tab10 has 0.007, to normal sight and to the three dichromacies of Machado, Oliveira
# and Fernandes (2009); tests/test_pictures.py measures both. Digits that live side by side on the
# map got the most different colours.
DIGIT_COLOURS = (
    "#dd0a6a",
    "#6eaf02",
    "#0ecdf9",
    "#edd12b",
    "#0a7ca7",
    "#bd66f6",
    "#3524b9",
    "#675d00",
    "#7b125f",
    "#ff949b",
)
POINT_COLOUR = "#e00000"

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@contextlib.contextmanager
def our_style() -> Iterator[None]:
    """Draw in one style whatever the user's matplotlibrc says: it could turn digits upside down.

    The style is matplotlib's own, with text as it looks without hinting, which takes a third less
    time to draw. What stays the user's is the backend: the toolkit that opens windows.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"text.hinting": "no_hinting", "toolbar": "toolbar2"})
        yield


def save(figure: Figure, path: Path, dpi: float | Literal["figure"] = 150) -> None:
    """Save a picture atomically, making its folder; raises UserError if that fails."""
    make_folder(path.parent)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=dpi, format=path.suffix.removeprefix(".").lower())
    write_atomically(path, buffer.getvalue())


def label_latent_axes(axes: Axes) -> None:
    axes.set(xlabel="Latent dimension 1", ylabel="Latent dimension 2")


def draw_map(latents: Floats, labels: Integers, title: str) -> Figure:
    """The latent space with a dot per digit.

    Parameters
    ----------
    latents : (N, 2) float
    labels : (N,) int in 0..9
    title : str
    """
    figure = Figure(figsize=(10, 9), layout="constrained")
    axes = figure.subplots()
    axes.set_axisbelow(True)
    axes.grid(alpha=0.3)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.axvline(0, color="grey", linewidth=0.8)
    colours = np.array(DIGIT_COLOURS)[labels]
    x, y = latents.T
    axes.scatter(x, y, s=3, c=colours, alpha=0.5, linewidths=0)
    handles = [
        axes.scatter([], [], s=60, color=colour, label=str(digit))
        for digit, colour in enumerate(DIGIT_COLOURS)
    ]
    figure.legend(handles=handles, title="Digit", loc="outside right center")
    label_latent_axes(axes)
    axes.set_title(title)
    axes.set_aspect("equal")
    return figure


def draw_comparison(
    images: Floats, labels: Integers, latents: Floats, reconstructions: Floats, background: Floats
) -> Figure:
    """Digits in three rows: the original, its point on the map, the reconstruction.

    Parameters
    ----------
    images, reconstructions : (N, 784) float32 in [0, 1]
    labels : (N,) int in 0..9
    latents : (N, 2) float32
    background : (M, 2) float32
        Codes of other digits, drawn faintly for orientation.
    """
    figure = Figure(figsize=(1.6 * len(images), 5.4), layout="constrained")
    rows = figure.subplots(3, len(images), squeeze=False)
    figure.suptitle("784 pixels  →  2 numbers  →  784 pixels")
    for column, (image, label, latent, reconstruction) in enumerate(
        zip(images, labels, latents, reconstructions, strict=True)
    ):
        original, map_, decoded = rows[:, column]
        show_digit(original, image)
        original.set_title(f"digit {label}")
        map_.scatter(background[:, 0], background[:, 1], s=0.3, color="silver", linewidths=0)
        map_.plot(*latent, "o", markersize=7, color=POINT_COLOUR, markeredgecolor="white")
        map_.set(xticks=[], yticks=[], aspect="equal")
        map_.set_xlabel(f"({latent[0]:+.2f}, {latent[1]:+.2f})")
        show_digit(decoded, reconstruction)
        decoded.set_xlabel(f"MSE {((image - reconstruction) ** 2).mean():.3f}")
    for axes, name in zip(rows[:, 0], ("original", "latent space", "reconstruction"), strict=True):
        axes.set_ylabel(name)
    return figure


def show_digit(axes: Axes, pixels: Floats) -> None:
    """Draw the (784,) pixels of a digit in [0, 1], white on black, without ticks."""
    axes.imshow(pixels.reshape(28, 28), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xticks=[], yticks=[])


def draw_training_curve(log: dict[str, list[float]]) -> Figure:
    """Training loss and test MSE against the epoch, from the columns of a training log."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    marker = "o" if len(log["Epoch"]) < 3 else None
    axes.plot(log["Epoch"], log["Avg Loss"], marker=marker, label="training, with its noise")
    axes.plot(log["Epoch"], log["Test MSE"], marker=marker, label="test")
    axes.set(xlabel="Epoch", ylabel="Mean squared error per pixel", yscale="log")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter("{x:.4g}")
    axes.yaxis.set_minor_formatter("{x:.4g}")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    return figure
