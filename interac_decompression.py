"""Walk over the latent space with the mouse and watch the digit it decodes to.

    python interac_decompression.py
    python interac_decompression.py --checkpoint checkpoints/autoencoder_best.pth
    python interac_decompression.py --save explorer.png      # a picture, no window
    python interac_decompression.py --export explorer.html   # a page that opens without Python

Press h in the window for the keys.
"""

import argparse
import itertools
import time
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backend_bases import Event, KeyEvent, MouseButton, MouseEvent, key_press_handler
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, NonUniformImage
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox, TransformedBbox
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from autoencoder import UserError
from autoencoder.command_line import Parser, coordinate, file_name, positive_int, run
from autoencoder.layers import LATENT
from autoencoder.mnist import load_mnist
from autoencoder.model import AutoEncoder, encode_digits
from autoencoder.storage.checkpoint import Checkpoint, default_checkpoint, load_checkpoint
from autoencoder.storage.files import write_atomically
from autoencoder.view import page, pictures
from autoencoder.view.latent_map import LatentMap

FIGURE_SIZE, DPI = (14, 8), 100  # 1400 x 800 pixels
# Left, bottom, width and height as fractions of the figure.
MAP = (0.06, 0.075, 0.48, 0.845)
LEGEND = (0.06, 0.93, 0.48, 0.06)
DIGIT = (0.575, 0.47, 0.257, 0.45)
STRIP = (0.852, 0.47, 0.0514, 0.45)
HEAT = (0.575, 0.075, 0.171, 0.3)
COLOUR_BAR = (0.752, 0.075, 0.009, 0.3)
HISTOGRAM = (0.835, 0.075, 0.15, 0.13)
PANEL = (0.835, 0.255, 0.15, 0.16)
RIGHT_SIDE = (0.56, 0.0, 0.44, 1.0)  # holds all the moving artists that are not on the map
NEIGHBOURS = 5
STRIP_GAP = 4  # pixels between them
GRID = 25  # digits a side of the manifold
BINS = 20
FIGURES = ("latent", "nearest", "distance", "mean", "max", "min", "std")
NUDGE = 0.01
SECONDS_A_LEG = 3.0  # of the tour
FRAME_MS = 25
# Of matplotlib's own shortcuts, those that do no harm here (some would set a logarithmic scale).
TOOLBAR_KEYS: Final = (
    "keymap.home",
    "keymap.back",
    "keymap.forward",
    "keymap.pan",
    "keymap.zoom",
    "keymap.fullscreen",
    "keymap.quit",
)
ARROWS = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}

HELP = """\
click, drag      move the point
arrows           nudge it; with shift, ten times as far
0 - 9            jump to the densest place of a digit
g                grid of decoded digits, on and off
t                tour through the ten digits, start and stop
s                save the view as a PNG
r                back to the centre
h                this list
click in legend  hide or show a digit"""

Point = NDArray[np.float64]


def densest_place(codes: NDArray[np.float32]) -> Point | None:
    """The code of a digit with the nearest 30th neighbour of its own kind; None without any.

    The k-nearest-neighbour density estimate of Loftsgaarden and Quesenberry, 1965.
    """
    if not len(codes):
        return None
    distances, _ = cKDTree(codes).query(codes, k=[min(30, len(codes))])
    return codes[distances[:, 0].argmin()].astype(float)


class PixelImage(NonUniformImage):
    """Pixels in [0, 1] that fill axes, 28 to a row.

    ``imshow`` shows the same, but draws for any transformation and any interpolation, which takes
    three times as long (2.0 ms, where this takes 0.6 ms, for 28 x 28 pixels on 360 x 360).
    """

    def __init__(self, axes: Axes, rows: int, cmap: str) -> None:
        extent = (-0.5, 27.5, rows - 0.5, -0.5)
        super().__init__(axes, interpolation="nearest", cmap=cmap, extent=extent)
        self.set_clim(0, 1)
        axes.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[], aspect="equal")
        axes.add_image(self)

    def show(self, pixels: NDArray[np.float32]) -> None:
        rows, columns = pixels.shape
        self.set_data(np.arange(columns), np.arange(rows), pixels)


class Explorer:
    """The window: a map of the latent space, a point on it, and the digit it decodes to.

    ``HELP`` lists the keys and gestures.

    Parameters
    ----------
    figure : Figure
        Empty; the explorer listens to its canvas.
    model : AutoEncoder
        In evaluation mode, on the CPU.
    latents : (N, 2) float32
    labels : (N,) int in 0..9
    images : (N, 784) uint8
        The digits on the map.
    point : (x, y) in [-1, 1]²
        Where to start.

    Attributes
    ----------
    point : (2,) float64
        The point shown.
    digit : (784,) float32 in [0, 1]
        What it decodes to.
    """

    def __init__(
        self,
        figure: Figure,
        model: AutoEncoder,
        latents: Tensor,
        labels: Tensor,
        images: Tensor,
        point: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        # Text takes longest of all to draw; without hinting, a third less.
        mpl.rcParams["text.hinting"] = "no_hinting"
        self.figure = figure
        self.canvas: Any = figure.canvas
        self.model = model
        self.latents = latents.numpy()
        self.labels = labels.numpy()
        self.images = images.numpy().reshape(-1, 28, 28)
        self.tree = cKDTree(self.latents)
        self.visible = np.ones(10, dtype=bool)
        self.message = ""
        self.dragging = False

        self.map = self.figure.add_axes(MAP)
        self.build_map()
        self.build_digit()
        self.build_neighbours()
        self.build_heat()
        self.build_histogram()
        self.build_panel()
        self.figure.text(0.985, 0.96, "h: keys", ha="right", va="center", color="grey")
        self.help = self.figure.text(
            0.5,
            0.5,
            HELP,
            ha="center",
            va="center",
            family="monospace",
            fontsize=13,
            linespacing=1.6,
            multialignment="left",
            bbox={"facecolor": "white", "edgecolor": "black", "boxstyle": "round,pad=1.2"},
            zorder=10,
            visible=False,
        )

        # The artists that change when the point moves, by the part of the figure they share.
        self.texts = (*self.labels_shown, *self.values)
        self.moving: list[list[Any]] = [
            [self.nearest_marker, self.point_marker],
            [self.digit_image],
            [self.strip_image],
            [self.heat_image],
            [self.bars],
            *([text] for text in self.texts),
        ]
        for artist in itertools.chain(*self.moving):
            artist.set_animated(self.canvas.supports_blit)
        self.backgrounds: list[Any] = []

        # Without an event loop no timer fires, and no events pile up either.
        self.has_event_loop = self.canvas.required_interactive_framework is not None
        self.redraw_timer = self.canvas.new_timer(1, [(self.redraw, (), {})])
        self.redraw_timer.single_shot = True
        self.redraw_pending = False
        self.tour_timer = self.canvas.new_timer(FRAME_MS, [(self.on_tour, (), {})])
        self.tour_stops: list[Point] = []
        self.tour_began = 0.0

        self.point = np.array(point, dtype=float)
        self.update()
        # The explorer's keys come first; on_key hands on the others.
        manager = self.canvas.manager
        if manager is not None and manager.key_press_handler_id is not None:
            self.canvas.mpl_disconnect(manager.key_press_handler_id)
        self.canvas.mpl_connect("draw_event", self.on_draw)
        self.canvas.mpl_connect("button_press_event", self.on_press)
        self.canvas.mpl_connect("motion_notify_event", self.on_move)
        self.canvas.mpl_connect("button_release_event", self.on_release)
        self.canvas.mpl_connect("key_press_event", self.on_key)

    # --- what is on the figure ----------------------------------------------------------------

    def build_map(self) -> None:
        axes = self.map
        x, y = self.latents.T
        colours = np.array([to_rgba(colour, 0.55) for colour in pictures.DIGIT_COLOURS])
        self.dot_colours = colours[self.labels]
        self.dots = axes.scatter(x, y, s=7, c=self.dot_colours, linewidths=0)
        margin = 0.05 + 0.03 * np.ptp(self.latents, axis=0)
        low, high = self.latents.min(axis=0) - margin, self.latents.max(axis=0) + margin
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        pictures.label_latent_axes(axes)
        self.grid = AxesImage(axes, cmap="gray_r", zorder=0, visible=False)
        self.grid.set_data(np.zeros((1, 1)))
        self.grid.mouseover = False
        axes.add_image(self.grid)
        (self.nearest_marker,) = axes.plot(
            [], [], "o", markersize=12, markerfacecolor="none", markeredgecolor="black", zorder=4
        )
        (self.point_marker,) = axes.plot(
            [],
            [],
            "o",
            markersize=11,
            color=pictures.POINT_COLOUR,
            markeredgecolor="white",
            markeredgewidth=1.5,
            zorder=5,
        )
        self.markers = (self.nearest_marker, self.point_marker)
        handles = [
            Line2D([], [], marker="o", linestyle="", markersize=9, color=colour, label=str(digit))
            for digit, colour in enumerate(pictures.DIGIT_COLOURS)
        ]
        legend = self.figure.legend(
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

    def build_digit(self) -> None:
        axes = self.figure.add_axes(DIGIT)
        axes.set_title("Decoded digit")
        self.digit_image = PixelImage(axes, 28, "gray")

    def build_neighbours(self) -> None:
        """One image for all: five artists would take longer to draw."""
        count = min(NEIGHBOURS, len(self.latents))
        self.strip = np.ones((count, 28 + STRIP_GAP, 28), np.float32)
        axes = self.figure.add_axes(STRIP)
        axes.set_title("Nearest real digits", loc="left")
        self.strip_image = PixelImage(axes, count * (28 + STRIP_GAP) - STRIP_GAP, "gray")
        axes.set_axis_off()
        self.labels_shown = [
            axes.text(33, 18 + n * (28 + STRIP_GAP), "", fontsize=11) for n in range(count)
        ]

    def build_heat(self) -> None:
        axes = self.figure.add_axes(HEAT)
        axes.set_title("The same pixels, as heat")
        self.heat_image = PixelImage(axes, 28, "plasma")
        self.figure.colorbar(self.heat_image, cax=self.figure.add_axes(COLOUR_BAR))

    def build_histogram(self) -> None:
        axes = self.figure.add_axes(HISTOGRAM)
        edges = np.linspace(0, 1, BINS + 1)
        # One artist for all bars: twenty rectangles would take ten times as long to draw.
        self.bars = axes.stairs(np.ones(BINS), edges, baseline=0.1, fill=True, color="#555555")
        axes.set(xlim=(0, 1), ylim=(0.7, 784), yscale="log", xlabel="Pixel value")
        axes.set_title("Pixels per value", fontsize=10)

    def build_panel(self) -> None:
        """Names, which stay, and values, which change: text is what takes longest to draw."""
        axes = self.figure.add_axes(PANEL)
        axes.set_axis_off()
        rows = len(FIGURES) + 1
        self.values = []
        for row, name in enumerate((*FIGURES, "")):
            y = 1 - (row + 1) / rows
            axes.text(0, y, name, fontsize=9)
            self.values.append(axes.text(0.47 * bool(name), y, "", fontsize=9))

    # --- the point and what it decodes to -----------------------------------------------------

    @torch.inference_mode()
    def update(self) -> None:
        """Decode the point and show the digit, its neighbours and its pictures."""
        latent = torch.tensor(self.point, dtype=torch.float32)
        self.digit = self.model.decode(latent[None])[0].numpy()
        pixels = self.digit.reshape(28, 28)
        self.digit_image.show(pixels)
        self.heat_image.show(pixels)
        heights, _ = np.histogram(self.digit, BINS, (0, 1))
        self.bars.set_data(heights)

        distances, nearest = self.tree.query(self.point, k=range(1, len(self.strip) + 1))
        self.strip[:, :28] = self.images[nearest] / 255
        self.strip_image.show(self.strip.reshape(-1, 28)[:-STRIP_GAP])
        for text, label in zip(self.labels_shown, self.labels[nearest], strict=True):
            text.set_text(str(label))
        self.point_marker.set_data([self.point[0]], [self.point[1]])
        self.nearest_marker.set_data(*self.latents[nearest[:1]].T)

        digit = self.digit
        numbers = (distances[0], digit.mean(), digit.max(), digit.min(), digit.std())
        values = (
            f"{self.point[0]:+.3f}, {self.point[1]:+.3f}",
            str(self.labels[nearest[0]]),
            *(f"{number:.3f}" for number in numbers),
            self.message,
        )
        for text, value in zip(self.values, values, strict=True):
            text.set_text(value)

    def move_to(self, point: ArrayLike) -> None:
        """Move the point, at most to the edge of [-1, 1]²; the newest of several moves wins."""
        self.point = np.clip(np.asarray(point, dtype=float), -1, 1)
        self.message = ""
        self.request_redraw()

    def request_redraw(self) -> None:
        if not self.has_event_loop:
            self.redraw()
        elif not self.redraw_pending:
            self.redraw_pending = True
            self.redraw_timer.start()

    def redraw(self) -> None:
        self.redraw_pending = False
        self.update()
        if self.backgrounds and not self.help.get_visible():
            self.blit()
        else:
            self.canvas.draw_idle()

    # --- drawing ------------------------------------------------------------------------------

    def on_draw(self, event: Event) -> None:
        """Keep what lies under the moving artists, then draw them."""
        if not self.canvas.supports_blit or self.canvas.is_saving():
            return
        self.backgrounds = [
            self.canvas.copy_from_bbox(self.part_of(artists[0])) for artists in self.moving
        ]
        for artist in itertools.chain(*self.moving):
            self.figure.draw_artist(artist)
        if self.help.get_visible():
            self.figure.draw_artist(self.help)
        self.marker_boxes = [self.marker_box(marker) for marker in self.markers]

    def part_of(self, artist: Any) -> Bbox:
        """The pixels that an artist and its changes stay in: its axes, or for a text its line."""
        if artist not in self.texts:
            return artist.axes.bbox
        x, y = artist.get_transform().transform(artist.get_position())
        height = artist.get_fontsize() * self.figure.dpi / 72
        return Bbox([[x - 1, y - 0.3 * height], [self.figure.bbox.xmax, y + height]])

    def marker_box(self, marker: Line2D) -> Bbox:
        """The pixels that a marker covers."""
        x, y = marker.get_transform().transform(marker.get_xydata())[0]
        margin = marker.get_markersize() * self.figure.dpi / 72
        return Bbox([[x - margin, y - margin], [x + margin, y + margin]])

    def blit(self) -> None:
        """Draw the artists that changed over their background, and show the pixels that changed."""
        changed = [
            (artists, background)
            for artists, background in zip(self.moving, self.backgrounds, strict=True)
            if any(artist.stale for artist in artists)
        ]
        for artists, background in changed:
            self.canvas.restore_region(background)
            for artist in artists:
                self.figure.draw_artist(artist)
        before = self.marker_boxes
        self.marker_boxes = [self.marker_box(marker) for marker in self.markers]
        right_side = TransformedBbox(Bbox.from_bounds(*RIGHT_SIDE), self.figure.transFigure)
        for box in (right_side, *before, *self.marker_boxes):
            self.canvas.blit(box)

    # --- the mouse ----------------------------------------------------------------------------

    def on_press(self, event: MouseEvent) -> None:
        self.close_help()
        toolbar = self.canvas.toolbar
        if event.button != MouseButton.LEFT or (toolbar is not None and toolbar.mode):
            return
        if event.inaxes is self.map:
            self.stop_tour()
            self.dragging = True
            self.on_move(event)
        elif (digit := self.legend_entry(event)) is not None:
            self.toggle(digit)

    def on_move(self, event: MouseEvent) -> None:
        if self.dragging:
            x, y = self.map.transData.inverted().transform((event.x, event.y))
            self.move_to((np.clip(x, *self.map.get_xlim()), np.clip(y, *self.map.get_ylim())))

    def on_release(self, event: MouseEvent) -> None:
        self.dragging = False

    def legend_entry(self, event: MouseEvent) -> int | None:
        """The digit whose legend entry is under the mouse."""
        for digit, entry in enumerate(self.legend_entries):
            box = Bbox.union([artist.get_window_extent() for artist in entry]).padded(4)
            if box.contains(event.x, event.y):
                return digit
        return None

    def toggle(self, digit: int) -> None:
        """Hide or show the dots of a digit."""
        self.visible[digit] ^= True
        shown = self.visible[self.labels]
        self.dots.set_offsets(self.latents[shown])
        self.dots.set_facecolor(self.dot_colours[shown])
        for artist in self.legend_entries[digit]:
            artist.set_alpha(1 if self.visible[digit] else 0.25)
        self.canvas.draw_idle()

    # --- the keys -----------------------------------------------------------------------------

    def on_key(self, event: KeyEvent) -> None:
        help_was_open = self.close_help()
        key = event.key or ""
        name = key.removeprefix("shift+")
        if name in ARROWS:
            step = NUDGE * (10 if key != name else 1)
            self.stop_and_move_to(self.point + step * np.array(ARROWS[name]))
        elif key in map(str, range(10)):
            self.jump_to(int(key))
        elif key == "r":
            self.stop_and_move_to((0, 0))
        elif key == "g":
            self.toggle_grid()
        elif key == "t":
            self.toggle_tour()
        elif key == "s":
            self.save_view()
        elif key == "h":
            self.help.set_visible(not help_was_open)
            self.canvas.draw_idle()
        elif any(key in mpl.rcParams[name] for name in TOOLBAR_KEYS):
            key_press_handler(event, self.canvas, self.canvas.toolbar)

    def close_help(self) -> bool:
        """Close the list of keys; returns whether it was open."""
        was_open = self.help.get_visible()
        if was_open:
            self.help.set_visible(False)
            self.canvas.draw_idle()
        return was_open

    def stop_and_move_to(self, point: ArrayLike) -> None:
        self.stop_tour()
        self.move_to(point)

    def jump_to(self, digit: int) -> None:
        place = self.densest_place(digit)
        if place is None:
            self.say(f"no {digit} on this map")
        else:
            self.stop_and_move_to(place)

    def densest_place(self, digit: int) -> Point | None:
        return densest_place(self.latents[self.labels == digit])

    def toggle_grid(self) -> None:
        """Lay decoded digits under the dots, all over the view, or take them away."""
        if self.grid.get_visible():
            self.grid.set_visible(False)
        else:
            self.build_grid()
            self.grid.set_visible(True)
        self.canvas.draw_idle()

    @torch.inference_mode()
    def build_grid(self) -> None:
        (left, right), (bottom, top) = np.clip([self.map.get_xlim(), self.map.get_ylim()], -1, 1)
        centres = (np.arange(GRID) + 0.5) / GRID
        x, y = np.meshgrid(left + (right - left) * centres, top + (bottom - top) * centres)
        points = torch.tensor(np.stack([x, y], axis=-1), dtype=torch.float32)
        digits = self.model.decode(points.reshape(-1, 2)).reshape(GRID, GRID, 28, 28)
        self.grid.set_data(digits.transpose(1, 2).reshape(GRID * 28, GRID * 28).numpy())
        self.grid.set_extent((left, right, bottom, top))

    def save_view(self) -> None:
        """Save the window as a PNG in the current folder, over nothing that is there."""
        names = (Path(f"latent_space_{n}.png") for n in itertools.count(1))
        path = next(name for name in names if not name.exists())
        self.message = ""
        self.update()
        try:
            pictures.save(self.figure, path, dpi="figure")
        except UserError:
            self.say("cannot write here")
        else:
            self.say(f"saved {path}")

    def say(self, message: str) -> None:
        """Show a message until the point moves."""
        self.message = message
        self.request_redraw()

    # --- the tour -----------------------------------------------------------------------------

    def toggle_tour(self) -> None:
        """Start or stop morphing through the densest places of the digits."""
        if self.tour_stops:
            self.stop_tour()
            return
        places = [self.densest_place(digit) for digit in range(10)]
        self.tour_stops = [self.point, *(place for place in places if place is not None)]
        self.tour_began = time.perf_counter()
        self.tour_timer.start()

    def stop_tour(self) -> None:
        self.tour_stops = []
        self.tour_timer.stop()

    def on_tour(self) -> None:
        """Move to where the tour is by now: from where it began to each stop in turn, for ever."""
        leg, progress = divmod((time.perf_counter() - self.tour_began) / SECONDS_A_LEG, 1)
        stops = len(self.tour_stops) - 1
        start = self.tour_stops[0 if leg == 0 else 1 + (int(leg) - 1) % stops]
        end = self.tour_stops[1 + int(leg) % stops]
        self.point = start + progress * (end - start)
        self.request_redraw()


def export(
    checkpoint: Checkpoint, latent_map: LatentMap, point: tuple[float, float], path: Path
) -> None:
    """Write the explorer as one HTML page."""
    content = page.build_page(checkpoint, latent_map, point).encode()
    write_atomically(path, content)
    print(f"Saved {path} ({len(content) / 1e6:.1f} MB)")


def picture_path(text: str) -> Path:
    return output_path(text, ".png", ".pdf", ".svg")


def page_path(text: str) -> Path:
    return output_path(text, ".html")


def output_path(text: str, *suffixes: str) -> Path:
    path = file_name(text)
    if path.suffix.lower() not in suffixes:
        raise argparse.ArgumentTypeError(f"{text}: use a name that ends in {' or '.join(suffixes)}")
    try:
        there = path.parent.is_dir()
    except OSError:  # a name that is too long, a folder that may not be entered
        there = False
    if not there:
        raise argparse.ArgumentTypeError(f"{path.parent}: no such folder")
    return path


def parse_arguments() -> argparse.Namespace:
    parser = Parser(
        "Walk over the latent space with the mouse; press h in the window for the keys."
    )
    parser.add_checkpoint()
    parser.add_argument(
        "--samples", type=positive_int, metavar="N", help="how many test digits on the map (all)"
    )
    parser.add_argument(
        "--point",
        type=coordinate,
        nargs=LATENT,
        default=(0.0, 0.0),
        metavar=("X", "Y"),
        help="where to start, from -1 to 1 (0 0)",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument(
        "--save",
        type=picture_path,
        metavar="FILE",
        help="write the window to a picture instead of opening it; needs no display",
    )
    output.add_argument(
        "--export",
        type=page_path,
        metavar="FILE",
        help="write an HTML page that does the same in any browser; needs no display",
    )
    parser.add_data()
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    checkpoint = load_checkpoint(arguments.checkpoint or default_checkpoint(Path("checkpoints")))
    print(f"Using {checkpoint}")
    title = f"Latent space of MNIST: {checkpoint}"
    windowless = arguments.save or arguments.export
    figure = None if windowless else pictures.open_window(FIGURE_SIZE, DPI, title)
    if figure is None and not windowless:
        raise UserError(
            "no window can open: this needs a display, and python3-tk or"
            " `pip install PySide6-Essentials`; --save PICTURE.png works without"
        )
    images, labels = load_mnist(arguments.data, "test")
    images, labels = images[: arguments.samples], labels[: arguments.samples]
    if arguments.export:
        latent_map = LatentMap(checkpoint.model, images, labels)
        export(checkpoint, latent_map, arguments.point, arguments.export)
        return
    latents = encode_digits(checkpoint.model, images)
    figure = figure or Figure(FIGURE_SIZE, dpi=DPI)
    # Held on to: the canvas knows its listeners only by weak references.
    explorer = Explorer(figure, checkpoint.model, latents, labels, images, arguments.point)
    if arguments.save:
        pictures.save(explorer.figure, arguments.save, dpi="figure")
        print(f"Saved {arguments.save}")
    else:
        pictures.show_windows()


if __name__ == "__main__":
    run(main)
