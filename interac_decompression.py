"""Walk over the latent space with the mouse and watch the digit it decodes to.

    python interac_decompression.py
    python interac_decompression.py --checkpoint checkpoints/autoencoder_best.pth
    python interac_decompression.py --save explorer.png      # a picture, no window
    python interac_decompression.py --save tour.webp         # the tour through the digits, a film
    python interac_decompression.py --export explorer.html   # a page that opens without Python

Press h in the window for the keys.
"""

import argparse
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from autoencoder import UserError
from autoencoder.command_line import (
    Parser,
    coordinate,
    file_name,
    output_path,
    positive_int,
    run,
    with_bar,
)
from autoencoder.handwriting import Pixels, draw_strokes, erase, read_picture
from autoencoder.layers import LATENT
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits, default_root, load_mnist
from autoencoder.storage.checkpoint import (
    BEST,
    OWN_BEST,
    Checkpoint,
    default_checkpoint,
    load_checkpoint,
    pretrained_checkpoint,
)
from autoencoder.storage.files import write_atomically
from autoencoder.storage.followed_file import FollowedFile
from autoencoder.view import film, page, pictures, windows
from autoencoder.view.background import Background
from autoencoder.view.comparison import Comparison
from autoencoder.view.event_loop import EventLoop
from autoencoder.view.explorer_view import DPI, FIGURE_SIZE, STRIP_GAP, DigitIn, ExplorerView
from autoencoder.view.follower import Follower
from autoencoder.view.keyboard import HeldKey, digit_on_key, disconnect_shortcuts, name_of_key
from autoencoder.view.latent_map import NUDGE, LatentMap, Point
from autoencoder.view.motion import Postponed, Tour, densest_points, point_on_way

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import KeyEvent, MouseButton, MouseEvent, key_press_handler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from PIL import Image

PEN, ERASER = MouseButton.LEFT, MouseButton.RIGHT
# A film of the tour shows the window smaller, 840 x 480 pixels, and hurries: all takes 12 seconds.
FILM, FILM_DPI, FILM_FRAMES_A_LEG = ".webp", 60, 15
ERASER_RADIUS = 0.06  # as a share of the panel
ARROWS = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}
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

HELP = """\
click, drag      move the point
arrows           nudge it; with shift, ten times as far
0 - 9            jump to where a digit is densest
draw             in the panel; the right button erases
double click     take in the nearest real digit
n                take in a real digit at random
c                clear the panel
g                grid of decoded digits, on and off
d                where 25, 50 and 75% of each digit live
t                tour through the ten digits, start and stop
s                save the view as a PNG
p                the same digits without a network, and back
w                a walk: mark A, mark B, end it
r                back to the centre, and to the whole map
h                this list
click in legend  hide or show a digit; with shift, show only this one"""


class Explorer:
    """The window: gestures with mouse and keys move a point over the map, and the view shows it.

    ``HELP`` lists the keys and gestures.

    Parameters
    ----------
    figure : Figure
        Empty; the explorer listens to its canvas.
    latent_map : LatentMap
    point : (x, y) in [-1, 1]²
        Where to start.
    data : Path or None
        The folder of the training digits, for PCA; None for the project's own.

    Attributes
    ----------
    point : (2,) float64
        The point shown.
    view : ExplorerView
    """

    def __init__(
        self,
        figure: Figure,
        latent_map: LatentMap,
        point: Sequence[float] = (0.0, 0.0),
        data: Path | None = None,
    ) -> None:
        self.latent_map = latent_map
        self.point: Point = np.array(point, dtype=float)
        self.loop = EventLoop(figure.canvas)
        self.view = ExplorerView(self.loop, latent_map, self.point, HELP)
        self.canvas: Any = figure.canvas
        self.message = ""
        self.digit_in: DigitIn | None = None
        self.dragging = False
        self.drawing: MouseButton | None = None
        self.button_is_down = False
        self.awaits_network = False
        self.request_redraw = Postponed(self.loop, self.redraw).request
        self.background = Background(self.loop, self.is_free)
        data = data or default_root()
        self.comparison = Comparison(self.background, latent_map, data, self.compare, self.say)
        self.actions = {
            "n": lambda: self.take_in_any_of(np.flatnonzero(self.view.map.shown)),
            "c": self.clear,
            "g": self.view.toggle_grid,
            "d": self.view.toggle_densities,
            "t": self.toggle_tour,
            "s": self.save_view,
            "p": self.toggle_map,
            "w": self.mark_walk,
            "r": self.go_home,
        }
        self.tour = Tour(self.loop, self.go_on)
        self.held_key = HeldKey()
        self.chance = np.random.default_rng()

        if self.loop.runs:
            # What the first digit that goes in needs takes a second, in which a stroke would stall.
            self.background.begin(latent_map.prepare)
        disconnect_shortcuts(self.canvas)  # The explorer's keys come first: see on_key.
        self.loop.connect("button_press_event", self.on_press)
        self.loop.connect("motion_notify_event", self.on_move)
        self.loop.connect("button_release_event", self.on_release)
        self.loop.connect("key_press_event", self.on_key)
        self.loop.connect("key_release_event", self.held_key.on_release)

    # --- the mouse ----------------------------------------------------------------------------

    def on_press(self, event: MouseEvent) -> None:
        self.button_is_down = True
        self.view.show_help(False)
        toolbar = self.canvas.toolbar
        if toolbar is not None and toolbar.mode:
            return
        if event.inaxes is self.view.panel_in and event.button in (PEN, ERASER):
            self.drawing = event.button
            self.begin_stroke()
            self.draw(event)
        elif event.button != MouseButton.LEFT:
            return
        elif event.inaxes is self.view.map.axes:
            self.tour.stop()
            self.dragging = True
            if event.dblclick:
                self.take_in_nearest(self.view.map.at_pixel(event.x, event.y))
            else:
                self.on_move(event)
        elif event.inaxes is self.view.strip_image.axes and event.xdata is not None:
            column = int(event.xdata + 0.5) // (28 + STRIP_GAP)
            if column < len(self.view.neighbours):
                self.take_in(self.latent_map.pixels(self.view.neighbours[column]))
        elif (digit := self.view.map.legend_entry(event.x, event.y)) is not None:
            if "shift" in event.modifiers:
                self.view.map.toggle_others(digit)
            else:
                self.view.map.toggle_digit(digit)
            self.redraw()
            self.canvas.draw_idle()

    def on_move(self, event: MouseEvent) -> None:
        if self.dragging:
            self.move_to(self.view.map.at_pixel(event.x, event.y))
        elif self.drawing:
            self.draw(event)

    def on_release(self, event: MouseEvent) -> None:
        if self.drawing:
            self.find_best_point()
        self.dragging = self.button_is_down = False
        self.drawing = None

    # --- a digit goes in ----------------------------------------------------------------------

    def begin_stroke(self) -> None:
        """Begin a stroke with the pen, on what is drawn already or on an empty panel."""
        self.tour.stop()
        strokes = self.digit_in.strokes if self.digit_in else []
        if self.drawing == PEN:
            strokes = [*strokes, []]
        self.digit_in = DigitIn(np.zeros(784, np.float32), strokes)

    def draw(self, event: MouseEvent) -> None:
        """Go on with a stroke to where the mouse is, or erase what is there."""
        if self.digit_in is None:  # all is erased
            return
        point = self.view.on_panel(event.x, event.y)
        if self.drawing == PEN:
            self.digit_in.strokes[-1].append(point)
        else:
            self.digit_in.strokes = erase(self.digit_in.strokes, point, ERASER_RADIUS)
        pixels = draw_strokes(self.digit_in.strokes)
        if pixels is None:
            self.clear()
        else:
            self.digit_in.pixels = pixels
            self.place_digit_in()

    def take_in(self, pixels: Pixels) -> None:
        """Take in a digit, (784,) float32 in [0, 1]."""
        self.tour.stop()
        self.digit_in = DigitIn(pixels)
        self.place_digit_in()
        self.find_best_point()

    def take_in_nearest(self, point: Point) -> None:
        """Take in the real digit nearest to a point, of those that are not hidden."""
        self.take_in_any_of(self.latent_map.nearest(point, 1, self.view.map.shown)[0])

    def take_in_any_of(self, indices: NDArray[np.intp]) -> None:
        """Take in a real digit at random."""
        if len(indices):
            self.take_in(self.latent_map.pixels(self.chance.choice(indices)))
        else:
            self.say("all digits are hidden")

    def place_digit_in(self) -> None:
        """Move the point to where the encoder puts the digit that went in."""
        assert self.digit_in is not None
        self.point = np.clip(self.latent_map.encode(self.digit_in.pixels), -1, 1)
        self.message = ""
        self.request_redraw()

    def find_best_point(self) -> None:
        """Look for a point that is better for the digit that went in than the encoder's."""
        if self.digit_in is None:
            return
        self.digit_in.best = self.latent_map.better_point(self.digit_in.pixels, self.point)
        self.request_redraw()

    def clear(self) -> None:
        """Empty the panel of the digit that goes in."""
        self.digit_in = None
        self.request_redraw()

    # --- the keys -----------------------------------------------------------------------------

    def on_key(self, event: KeyEvent) -> None:
        key = name_of_key(event)
        name = key.removeprefix("shift+")
        # Switches would go on and off for as long as their keys are held.
        if self.held_key.repeats(event) and name not in ARROWS:
            return
        help_was_open = self.view.help.get_visible()
        self.view.show_help(False)
        if name in ARROWS:
            step = NUDGE * (10 if key != name else 1)
            point = self.point + step * np.array(ARROWS[name])
            self.stop_and_move_to(self.view.map.clipped(point))
        elif (digit := digit_on_key(event)) is not None:
            self.jump_to(digit)
        elif key in self.actions:
            self.actions[key]()
        elif key == "h":
            self.view.show_help(not help_was_open)
        elif any(key in mpl.rcParams[name] for name in TOOLBAR_KEYS):
            key_press_handler(event, self.canvas, self.canvas.toolbar)

    def jump_to(self, digit: int) -> None:
        point = self.latent_map.densest_point(digit)
        if point is None:
            self.say(f"no {digit} on this map")
        else:
            self.stop_and_move_to(point)

    def save_view(self) -> None:
        """Save the window as a PNG in the current folder, over nothing that is there."""
        path = unused_name()
        self.view.update(self.point, self.digit_in)
        try:
            pictures.save(self.view.figure, path, dpi="figure")
        except UserError:
            self.say("cannot write here")
        else:
            self.say(f"saved {path}")

    # --- moving the point ---------------------------------------------------------------------

    def move_to(self, point: ArrayLike) -> None:
        """Move the point by hand, at most to the edge of [-1, 1]²; that empties the panel."""
        self.point = np.clip(np.asarray(point, dtype=float), -1, 1)
        self.digit_in = None
        self.message = ""
        self.request_redraw()

    def stop_and_move_to(self, point: ArrayLike) -> None:
        self.tour.stop()
        self.move_to(point)

    def say(self, message: str) -> None:
        """Show a message until the point moves."""
        self.message = message
        self.request_redraw()

    def redraw(self) -> None:
        self.view.show(self.point, self.digit_in, self.message or self.what_goes_on())

    def what_goes_on(self) -> str:
        """What the user waits for, if anything."""
        if self.comparison.is_fitting:
            return "fitting PCA ..."
        return "waiting for the training" if self.awaits_network else ""

    def go_home(self) -> None:
        """Bring back the centre, and into view the whole map."""
        self.view.show_whole()
        self.stop_and_move_to((0, 0))

    def mark_walk(self) -> None:
        """Mark where a walk begins, then where it ends; then take it away."""
        self.tour.stop()
        self.view.mark_walk(self.point, self.digit_in)
        self.say("A is here: move on, mark B" if len(self.view.walk.ends) == 1 else "")

    # --- what moves by itself -----------------------------------------------------------------

    def toggle_tour(self) -> None:
        """Start or stop morphing through the points where the digits are densest."""
        if self.tour.stops:
            self.tour.stop()
        else:
            self.digit_in = None
            self.tour.begin(self.latent_map, self.point)

    def go_on(self, point: Point) -> None:
        """Move the point a step of the tour."""
        self.point = point
        self.request_redraw()

    def toggle_map(self) -> None:
        """Go over to the map without a network, which is fitted when first asked for, or back."""
        self.message = ""
        self.comparison.toggle()
        self.request_redraw()

    def compare(self, latent_map: LatentMap, other_map: LatentMap | None) -> None:
        """Show a map, and tell its errors beside those of another one."""
        self.view.compare(latent_map, other_map)
        if latent_map is not self.latent_map:
            self.show_map(latent_map)
        self.request_redraw()

    def show_map(self, latent_map: LatentMap) -> None:
        """Go over to another map of the same digits, to which their dots glide in half a second.

        The point stays where it is, or goes with the digit that is in to its code there. A newer
        network leaves the tour and a zoomed view where they are. Without an event loop, the dots
        jump.
        """
        is_newer = latent_map.name == self.latent_map.name
        if is_newer:
            self.tour.change_map(latent_map)
        else:
            self.tour.stop()
        self.latent_map = latent_map
        if self.digit_in is not None:
            self.point = np.clip(latent_map.encode(self.digit_in.pixels), -1, 1)
            self.digit_in.best = None
        self.view.show_map(latent_map, self.point, self.loop.runs, keeps_view=is_newer)
        self.find_best_point()
        self.request_redraw()

    # --- beside a training --------------------------------------------------------------------

    def is_free(self) -> bool:
        """Whether the map can change: not under the hand, and not while it is changing."""
        return not (self.button_is_down or self.view.glide.goes_on)

    def follow(self, file: FollowedFile, is_awaited: bool = False) -> None:
        """Take up each network that replaces the one in this file, or the one awaited there."""
        self.awaits_network = is_awaited
        self.request_redraw()
        digits = self.latent_map.digits
        self.follower = Follower(self.loop, self.background, file, digits, self.take_up, self.say)

    def take_up(self, checkpoint: Checkpoint, latent_map: LatentMap) -> None:
        """Show a network that was trained meanwhile."""
        self.awaits_network = False
        self.comparison.replace_network(latent_map)
        self.canvas.manager.set_window_title(title_of(latent_map.digits, checkpoint))


def unused_name() -> Path:
    """A name for a picture in the current folder that no file has."""
    names = (Path(f"latent_space_{n}.png") for n in itertools.count(1))
    return next(name for name in names if not name.exists())


def is_awaited(file: FollowedFile) -> bool:
    """Whether a training may have yet to write a file: its name and its folder are right."""
    try:
        return file.seen is None and file.path.name == BEST and file.path.parent.is_dir()
    except OSError:
        return False


def title_of(digits: Digits, checkpoint: Checkpoint | str) -> str:
    return f"Latent space of {digits.name}: {checkpoint}"


def export(
    checkpoint: Checkpoint,
    latent_map: LatentMap,
    point: Sequence[float],
    digit_in: Pixels | None,
    data: Path,
    path: Path,
) -> None:
    """Write the explorer as one HTML page."""
    linear = PrincipalComponents(load_mnist(data, "train").images)
    content = page.build_page(checkpoint, latent_map, linear, point, digit_in).encode()
    write_atomically(path, content)
    print(f"Saved {path} ({len(content) / 1e6:.1f} MB)")


def save_tour(explorer: Explorer, path: Path) -> None:
    """Film the tour through the ten digits, once round."""
    stops = densest_points(explorer.latent_map)
    count = len(stops) * FILM_FRAMES_A_LEG
    film.save(path, with_bar(draw_tour(explorer, stops), count, "frame"), count)


def draw_tour(explorer: Explorer, stops: list[Point]) -> Iterator[Image.Image]:
    """What the window shows on a tour, once round, on a canvas of Agg."""
    explorer.clear()
    explorer.canvas.draw()
    for frame in range(len(stops) * FILM_FRAMES_A_LEG):
        explorer.go_on(point_on_way(stops, frame / FILM_FRAMES_A_LEG))
        yield film.as_image(explorer.canvas)


def describe(latent_map: LatentMap, pixels: Pixels) -> str:
    """A digit's code, the classes of the ten nearest codes, and the error of its reconstruction."""
    point = latent_map.encode(pixels)
    nearest, _ = latent_map.nearest(point, 10)
    classes = " ".join(map(str, latent_map.labels[nearest]))
    [error] = latent_map.errors_at([point], pixels)
    return f"({point[0]:+.3f}, {point[1]:+.3f}), nearest {classes}, error {error:.3f}"


def picture_path(text: str) -> Path:
    return output_path(text, ".png", ".pdf", ".svg", FILM)


def page_path(text: str) -> Path:
    return output_path(text, ".html")


def parse_arguments() -> argparse.Namespace:
    parser = Parser(
        "Walk over the latent space with the mouse; press h in the window for the keys."
    )
    parser.add_checkpoint(f"; the window waits for an {BEST} that a training has yet to write")
    parser.add_argument(
        "--samples", type=positive_int, metavar="N", help="how many test digits on the map (all)"
    )
    parser.add_argument(
        "--image", type=file_name, metavar="FILE", help="a picture of a digit to start with"
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
        help="write the window to a picture, or its tour to a .webp film; needs no display",
    )
    output.add_argument(
        "--export",
        type=page_path,
        metavar="FILE",
        help="write an HTML page that does the same in any browser; needs no display",
    )
    parser.add_data()
    return parser.parse_args()


@pictures.our_style()
def main() -> None:
    arguments = parse_arguments()
    windowless = arguments.save or arguments.export
    followed = FollowedFile(arguments.checkpoint or OWN_BEST)
    path = arguments.checkpoint or default_checkpoint()
    waits = path == followed.path and is_awaited(followed) and not windowless
    checkpoint = load_checkpoint(pretrained_checkpoint() if waits else path)
    print(f"Using {checkpoint}")
    if waits:
        print(f"Waiting for {path}, which a training has yet to write")
    pixels = read_picture(arguments.image) if arguments.image else None
    digits = load_mnist(arguments.data, "test").first(arguments.samples)
    if not digits.are_mnist:
        print(digits.note)
    title = title_of(digits, f"waiting for {path}" if waits else checkpoint)
    try:
        figure = None if windowless else windows.open_window(FIGURE_SIZE, DPI, title)
    except UserError as error:
        raise UserError(f"{error}; --save PICTURE.png works without") from error
    latent_map = LatentMap(checkpoint.model, digits)
    point = arguments.point
    if pixels is not None:
        point = latent_map.encode(pixels)
        print(f"{arguments.image}: {describe(latent_map, pixels)}")
    if arguments.export:
        export(checkpoint, latent_map, point, pixels, arguments.data, arguments.export)
        return
    is_film = arguments.save and arguments.save.suffix.lower() == FILM
    figure = figure or FigureCanvasAgg(Figure(FIGURE_SIZE, dpi=FILM_DPI if is_film else DPI)).figure
    # Held on to: the canvas knows its listeners only by weak references.
    explorer = Explorer(figure, latent_map, point, arguments.data)
    if pixels is not None:
        explorer.take_in(pixels)
    if is_film:
        save_tour(explorer, arguments.save)
    elif arguments.save:
        pictures.save(explorer.view.figure, arguments.save, dpi="figure")
    if arguments.save:
        print(f"Saved {arguments.save}")
    else:
        explorer.follow(followed, waits)
        # Work in hand is done to its end before the process ends, and before anything is let go.
        with explorer.background.thread:
            windows.show_windows()


if __name__ == "__main__":
    run(main)
