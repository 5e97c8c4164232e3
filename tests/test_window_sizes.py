"""The explorer's window in every size, drawn on Agg: its texts, its parts and its toolbar."""

from pathlib import Path
from typing import Any

from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits
from autoencoder.view import pictures
from autoencoder.view.latent_map import LatentMap
from autoencoder.view.layout import DPI, FIGURE_SIZE
from interac_decompression import Explorer
from tests.fixtures import DATA, loaded
from tests.test_explorer import click, pixels_of, press

import numpy as np
import pytest
from matplotlib.backend_bases import NavigationToolbar2, ResizeEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from numpy.typing import NDArray
from torch import Tensor

# Among them is what the toolbar and other bars leave of 800 x 500, 1280 x 720 and 1920 x 1080.
SIZES = (
    *((800, 500), (800, 458), (900, 600), (1144, 704), (1280, 640), (1400, 800), (2560, 1440)),
    *((1000, 1000), (1600, 600)),
)
SMALLEST_TYPE = 9.5  # pixels
# What ``draw`` is told of every text that is drawn.
Drawn = list[tuple[Text, Bbox]]


@pytest.fixture(scope="module")
def maps(network: Any, test_set: tuple[Tensor, Tensor]) -> tuple[LatentMap, LatentMap]:
    """Two maps of 200 digits: the network's, and that of principal components."""
    digits = Digits(*test_set).first(200)
    linear = PrincipalComponents(loaded(DATA, "test").images)
    return LatentMap(network, digits), LatentMap(linear, digits)


@pytest.fixture
def explorer(maps: tuple[LatentMap, LatentMap]) -> Any:
    with pictures.our_style():
        figure = Figure(FIGURE_SIZE, dpi=DPI)
        FigureCanvasAgg(figure)
        yield Explorer(figure, maps[0])


def resize(explorer: Explorer, size: tuple[int, int]) -> None:
    """Resize the window, as toolkits do."""
    figure: Any = explorer.view.figure
    figure.set_size_inches(*(pixels / figure.dpi for pixels in size), forward=False)
    event = ResizeEvent("resize_event", explorer.canvas)
    explorer.canvas.callbacks.process("resize_event", event)
    assert explorer.canvas.get_width_height() == size


@pytest.fixture
def texts(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """The texts that are drawn, and where."""
    drawn: Drawn = []
    draw = Text.draw

    def note(text: Any, renderer: Any) -> None:
        draw(text, renderer)
        if text.get_visible() and text.get_text():
            drawn.append((text, text.get_window_extent(renderer)))

    monkeypatch.setattr(Text, "draw", note)
    return drawn


def show_much(explorer: Explorer, maps: tuple[LatentMap, LatentMap]) -> None:
    """A digit, its error on both maps and their errors, the longest message, the densities."""
    explorer.compare(*maps)
    explorer.take_in(maps[0].pixels(0))
    explorer.view.toggle_densities()
    NavigationToolbar2(explorer.canvas).zoom()
    explorer.say("the new checkpoint is unreadable")


def show_walk(explorer: Explorer, maps: tuple[LatentMap, LatentMap]) -> None:
    """A walk, on the map without a network, with the grid, far from any digit."""
    explorer.compare(*maps[::-1])
    explorer.view.toggle_grid()
    for point in ((-0.5, 0.4), (0.4, -0.4)):
        explorer.move_to(point)
        press(explorer, "w")
    explorer.move_to((-1, -1))


def show_help(explorer: Explorer, _maps: tuple[LatentMap, LatentMap]) -> None:
    press(explorer, "h")


@pytest.mark.parametrize("show", [show_much, show_walk, show_help])
def test_every_text_can_be_read_and_lies_over_nothing_else(
    explorer: Explorer, maps: tuple[LatentMap, LatentMap], texts: Drawn, show: Any
) -> None:
    show(explorer, maps)
    view = explorer.view
    for size in SIZES:
        resize(explorer, size)
        texts.clear()
        explorer.canvas.draw()
        assert len(texts) > 30
        boxes = np.array([box.extents for _, box in texts])
        assert (boxes > 0).all(), size
        assert (boxes[:, 2:] < size).all(), size
        sizes = [float(text.get_fontsize()) * view.figure.dpi / 72 for text, _ in texts]
        assert min(sizes) > SMALLEST_TYPE

        # The list of keys lies over everything, and these over their axes.
        on_axes = [view.invitation, *view.walk.labels, view.help]
        apart = np.array([text not in on_axes for text, _ in texts])
        axes = [each for each in view.figure.axes if each.get_visible()]
        pictures = [each.bbox.extents for each in axes if each.axison or each.images]
        assert not overlap(boxes[apart], np.array(pictures)).any(), size
        under = boxes[[text is not view.help for text, _ in texts]]
        assert np.array_equal(overlap(under, under), np.eye(len(under), dtype=bool)), size


def overlap(some: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of (N, 4) boxes overlap which of (M, 4) by more than a trace: (N, M)."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:], others[None, :, 2:])
    return np.asarray((high - low > 0.5).all(axis=2))


def test_the_histogram_goes_where_it_has_no_room_and_comes_back(explorer: Explorer) -> None:
    for size, has_room in (((800, 500), False), ((1144, 704), True), ((900, 600), False)):
        resize(explorer, size)
        assert explorer.view.histogram.get_visible() == has_room


@pytest.mark.parametrize("size", [(803, 501), (1280, 640), (1001, 999), (1921, 1003)])
def test_after_a_resize_a_blitted_frame_and_a_picture_are_what_a_full_drawing_shows(
    explorer: Explorer, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explorer.canvas.draw()
    resize(explorer, size)
    for point in ((0.4, 0.4), (-0.3, 0.1)):  # before the new size is drawn, and after
        click(explorer, point)
        assert np.allclose(explorer.point, point, atol=0.01)
        blitted = pixels_of(explorer)
        explorer.canvas.draw()
        # Text may differ by rounding of its grey levels, nothing by more.
        assert (np.abs(blitted.astype(int) - pixels_of(explorer)) > 8).mean() < 1e-4
    monkeypatch.chdir(tmp_path)
    press(explorer, "s")
    saved = imread(tmp_path / "latent_space_1.png")[..., :3] * 255
    assert (np.abs(saved - blitted) > 8).mean() < 1e-3


def test_the_toolbars_earlier_views_leave_the_parts_where_the_new_size_has_them(
    explorer: Explorer,
) -> None:
    toolbar = NavigationToolbar2(explorer.canvas)
    explorer.canvas.draw()
    whole = explorer.view.map.view_limits
    toolbar.push_current()
    explorer.view.map.axes.set(xlim=(0, 0.5), ylim=(0, 0.5))
    toolbar.push_current()
    resize(explorer, (900, 600))
    explorer.canvas.draw()
    places = [axes.bbox.frozen() for axes in explorer.view.figure.axes]
    toolbar.home()
    explorer.canvas.draw()
    assert np.array_equal(explorer.view.map.view_limits, whole)
    for axes, place in zip(explorer.view.figure.axes, places, strict=True):
        assert np.allclose(axes.bbox.extents, place.extents)


def test_no_window_is_too_small_to_draw(explorer: Explorer) -> None:
    for size in ((300, 200), (40, 900), (3, 2), (1, 1)):
        resize(explorer, size)
        explorer.canvas.draw()
