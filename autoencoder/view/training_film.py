"""The film of a training run: its map unfolds from checkpoint to checkpoint."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from autoencoder import UserError
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder, encode_digits, mean_squared_error, unit_pixels
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import Settings, recorded_settings, untrained_network
from autoencoder.view import film
from autoencoder.view.pictures import DIGIT_COLOURS, Floats

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image

DOTS = 1000  # digits on the map
CHECKPOINTS = 60  # shown at most
# Frames of the whole film, where there are enough checkpoints, and from one to the next at most.
FRAMES, FRAMES_A_STEP = 120, 12
ENDS_MS = (1000, 2000)  # how long the first and the last frame stay

SIZE, DPI = (6.4, 4.8), 100  # 640 x 480 pixels
# Left, bottom, width and height as fractions of the figure.
MAP = (0.01, 0.0133, 0.73, 0.9733)
ORIGINALS = (0.815, 0.0133, 0.06, 0.8125)
RECONSTRUCTIONS = (0.915, 0.0133, 0.06, 0.8125)
EDGE = 1.03  # of the map: dots at 1 are still whole
GAP = 2  # rows of pixels between two digits


@dataclass
class Scene:
    """What the film shows of a network.

    Attributes
    ----------
    epoch : int
    test_mse : float
    latents : (N, 2) float32
        The codes of the digits on the map.
    reconstructions : (M, 784) float32 in [0, 1]
        Of the first of each kind among these digits.
    """

    epoch: int
    test_mse: float
    latents: Floats
    reconstructions: Floats


def scenes_of_run(
    folder: RunFolder, epochs: Iterable[int], train_set: Digits, test_set: Digits
) -> tuple[list[Scene], list[str]]:
    """What a film shows of a run, and notes for the user on what it leaves out.

    It begins with the untrained network, unless the run began in another folder or its settings are
    not known.

    Parameters
    ----------
    folder : RunFolder
    epochs : iterable of int
        Those of the numbered checkpoints to show, ascending.
    train_set, test_set : Digits
        The sets that the run trained on and was tested on.
    """
    scenes, notes = [], []
    settings: dict[str, Any] = {}
    for epoch in epochs:
        try:
            checkpoint = load_checkpoint(folder.numbered(epoch))
            settings = settings or recorded_settings(checkpoint)
            scenes.append(scene_of(checkpoint.model, test_set, epoch, checkpoint.test_mse))
        except UserError as error:
            notes.append(f"Not in the film: {error}")
    if len(scenes) > 1 and settings and folder.began_here():
        model = untrained_network(Settings(**settings))
        model.start(train_set.images)
        scenes.insert(0, scene_of(model.eval(), test_set, 0))
    return scenes, notes


@torch.inference_mode()
def scene_of(
    model: AutoEncoder, test_set: Digits, epoch: int, test_mse: float | None = None
) -> Scene:
    """The scene of a network in evaluation mode; its error is measured where it is not known."""
    if test_mse is None:
        test_mse = mean_squared_error(model, test_set.images)
    digits = test_set.first(DOTS)
    latents = encode_digits(model, digits.images)
    reconstructions = model.decode(latents[digits.first_of_each()])
    return Scene(epoch, test_mse, latents.numpy(), reconstructions.numpy())


def count_frames(scenes: Sequence[Scene]) -> int:
    return sum(frames_a_step(scenes)) + 1


def frames_a_step(scenes: Sequence[Scene]) -> list[int]:
    """How many frames lead from each scene to the next: more where the dots have far to go.

    Most of what is to be seen happens in a run's first epochs.
    """
    moved = [np.hypot(*(b.latents - a.latents).T).mean() for a, b in pairwise(scenes)]
    spare = max(FRAMES - len(moved), 0) / max(sum(moved), 1e-9)
    return [min(1 + int(spare * distance), FRAMES_A_STEP) for distance in moved]


def draw_frames(scenes: Sequence[Scene], test_set: Digits) -> Iterator[Image.Image]:
    """The frames of a film: from each scene to the next, the dots glide and the digits fade over.

    Parameters
    ----------
    scenes : sequence of Scene
        At least two.
    test_set : Digits
        The set that they are of.
    """
    screen = Screen(test_set.first(DOTS))
    for (scene, following), count in zip(pairwise(scenes), frames_a_step(scenes), strict=True):
        for step in range(count):
            yield screen.show(scene, following, step / count)
    yield screen.show(scenes[-1], scenes[-1], 0)


class Screen:
    """The figure that the film is of: what moves on it is drawn over a background drawn once."""

    def __init__(self, digits: Digits) -> None:
        self.figure = Figure(SIZE, dpi=DPI)
        canvas: Any = FigureCanvasAgg(self.figure)
        self.canvas = canvas
        self.build_map(digits)
        self.build_digits(digits)
        self.caption = self.figure.text(0.755, 0.975, "", va="top", fontsize=11, linespacing=1.3)
        self.moving = (self.dots, self.reconstructions, self.caption)
        for artist in self.moving:
            artist.set_animated(True)
        self.canvas.draw()
        self.background = self.canvas.copy_from_bbox(self.figure.bbox)

    def build_map(self, digits: Digits) -> None:
        axes = self.figure.add_axes(MAP)
        axes.set(xlim=(-EDGE, EDGE), ylim=(-EDGE, EDGE), xticks=[], yticks=[])
        colours = np.array([to_rgba(colour, 0.7) for colour in DIGIT_COLOURS])
        places = np.zeros(len(digits.labels))
        self.dots = axes.scatter(
            places, places, s=16, c=colours[digits.labels.numpy()], linewidths=0
        )

    def build_digits(self, digits: Digits) -> None:
        """Add two columns: what went in, with its dot on the map, and what comes back."""
        shown = digits.first_of_each()
        originals = self.figure.add_axes(ORIGINALS)
        add_column(originals, unit_pixels(digits.images[shown]).numpy())
        for row, label in enumerate(digits.labels[shown]):
            height = 13.5 + row * (28 + GAP)
            originals.plot(-20, height, "o", color=DIGIT_COLOURS[label], clip_on=False)
        originals.set_title("in", fontsize=9, pad=3)
        axes = self.figure.add_axes(RECONSTRUCTIONS)
        self.reconstructions = add_column(axes, np.zeros((len(shown), 784), np.float32))
        axes.set_title("out", fontsize=9, pad=3)

    def show(self, scene: Scene, following: Scene, progress: float) -> Image.Image:
        """The frame at a progress from 0 to 1 between two scenes."""
        self.dots.set_offsets(between(scene.latents, following.latents, progress))
        pixels = between(scene.reconstructions, following.reconstructions, progress)
        self.reconstructions.set_data(column(pixels))
        self.caption.set_text(f"epoch {scene.epoch}\ntest MSE {scene.test_mse:.4f}")
        self.canvas.restore_region(self.background)
        for artist in self.moving:
            self.figure.draw_artist(artist)
        return film.as_image(self.canvas)


def between(one: Floats, other: Floats, progress: float) -> Floats:
    return one + np.float32(progress) * (other - one)


def add_column(axes: Axes, digits: Floats) -> AxesImage:
    """Draw (N, 784) digits one below the other."""
    axes.set_axis_off()
    axes.set_anchor("N")
    image = axes.imshow(column(digits), cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
    axes.autoscale(False)
    return image


def column(digits: Floats) -> Floats:
    """Digits (N, 784) one below the other, with white between them: (N * (28 + GAP) - GAP, 28)."""
    padded = np.ones((len(digits), 28 + GAP, 28), np.float32)
    padded[:, :28] = digits.reshape(-1, 28, 28)
    return padded.reshape(-1, 28)[:-GAP]
