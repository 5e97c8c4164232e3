"""The explorer's figure: the map and its point, the digit it decodes to, and what belongs to it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from autoencoder.handwriting import Pixels
from autoencoder.view.event_loop import EventLoop
from autoencoder.view.latent_map import NEIGHBOURS, LatentMap, Point
from autoencoder.view.layout import Box, arrange, fitting_dpi
from autoencoder.view.map_panel import MapPanel
from autoencoder.view.motion import Glide
from autoencoder.view.pixel_image import PixelImage, side_by_side
from autoencoder.view.walk import Walk

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import Event
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Bbox, ScaledTranslation
from numpy.typing import NDArray

STRIP_GAP = 20  # columns of pixels between two neighbours
BINS = 20
STATISTICS = ("nearest", "distance", "mean", "max", "min", "std")
INVITATION = "draw a digit here"
FAR = "far from any real digit"
# How thick strokes look while they are drawn, as a share of the panel.
PEN = 0.08


@dataclass
class DigitIn:
    """A digit that went in.

    Attributes
    ----------
    pixels : (784,) float32 in [0, 1]
    strokes : list of lists of points
        How it was drawn, in the unit square of the panel; none for a real digit.
    best : Point or None
        The best point for it, where the encoder misses that.
    """

    pixels: Pixels
    strokes: list[list[tuple[float, float]]] = field(default_factory=list)
    best: Point | None = None


class ExplorerView:
    """What the explorer shows; it knows nothing of mouse and keys.

    Parameters
    ----------
    loop : EventLoop
        Of the canvas of an empty figure.
    latent_map : LatentMap
    point : (x, y) in [-1, 1]²
        The first point to show; the map is large enough for it.
    help_text : str
        What ``show_help`` lays over the figure.

    Attributes
    ----------
    digit : (784,) float32 in [0, 1]
        What the point shown last decodes to.
    """

    def __init__(
        self, loop: EventLoop, latent_map: LatentMap, point: Point, help_text: str
    ) -> None:
        self.canvas = loop.canvas
        figure: Figure = loop.canvas.figure
        self.figure = figure
        self.latent_map = latent_map
        self.other_map: LatentMap | None = None
        self.parts: list[tuple[str, Axes]] = []
        self.map = MapPanel(figure, latent_map, latent_map.limits(point))
        self.parts.append(("map", self.map.axes))
        self.paper = Rectangle((0, 0), 1, 1, color="white", transform=figure.transFigure)
        self.glide = Glide(loop, self.map, self.draw_map, self.canvas.draw_idle)
        self.build_digit_in()
        self.build_digit()
        self.build_neighbours()
        self.build_heat()
        self.build_histogram()
        self.build_statistics()
        self.build_texts()
        self.help = add_help(figure, help_text)
        self.walk = Walk(self.add_axes("strip"), self.map.axes, latent_map)
        images = self.digit_image, self.heat_image
        texts = self.numbers, self.name, self.pair, self.message
        self.layers = [
            Layer(self.map.markers, clip_box),
            Layer((self.image_in, self.ink, self.invitation), axes_box),
            Layer((self.strip_image, self.walk.image), axes_box),
            *(Layer((artist,), axes_box) for artist in (*images, self.bars)),
            *(Layer((label,), label_box) for label in self.neighbour_labels),
            *(Layer((text,), axes_box) for text in texts),
            *(Layer((text,), line_box) for text in self.values),
        ]
        for layer in self.layers:
            for artist in layer.artists:
                artist.set_animated(self.canvas.supports_blit)
        self.fit_window()
        loop.connect("resize_event", self.fit_window)
        loop.connect("draw_event", self.on_draw)
        self.update(point)

    # --- what is on the figure ----------------------------------------------------------------

    def add_axes(self, part: str) -> Axes:
        """Add the axes of a part, which the toolbar's zoom and pan leave alone."""
        axes = self.figure.add_axes((0, 0, 1, 1), navigate=False)
        self.parts.append((part, axes))
        return axes

    def fit_window(self, _event: Event | None = None) -> None:
        """Give type the size, and the parts the places, that fit the window's size."""
        self.can_blit = False
        figure: Any = self.figure
        # A little more, for matplotlib rounds down to whole pixels.
        pixels = figure.bbox.size + 1e-6
        ratio = self.canvas.device_pixel_ratio
        # What matplotlib multiplies for other screens, and saves pictures with.
        figure._original_dpi = fitting_dpi(*pixels / ratio)
        dpi = ratio * figure._original_dpi
        # The public way would resize the window.
        figure._set_dpi(dpi, forward=False)
        figure.set_size_inches(pixels / dpi, forward=False)
        self.boxes = arrange(*pixels / dpi)
        for part, axes in self.parts:
            if part in self.boxes:
                put_in(axes, self.boxes[part], pixels)
        self.histogram.set_visible("histogram" in self.boxes)
        self.map.put_legend(self.boxes["legend"])
        self.paper.set_bounds(*self.boxes["map side"])
        self.ink.set_linewidth(PEN * self.panel_in.bbox.height * 72 / dpi)

    def build_digit_in(self) -> None:
        """Add the panel for the digit that goes in, and the two numbers that it becomes."""
        self.panel_in = self.add_axes("digit in")
        self.panel_in.set_title("Digit in")
        self.image_in = PixelImage(self.panel_in, 28, "gray")
        (self.ink,) = self.panel_in.plot([], [], color="white", solid_capstyle="round")
        self.ink.set_solid_joinstyle("round")
        self.invitation = self.panel_in.text(13.5, 13.5, "", color="grey", ha="center", va="center")
        axes = self.add_axes("numbers")
        axes.set_axis_off()
        middle: dict[str, Any] = {"ha": "center", "color": "grey"}
        axes.text(0.5, 0.71, "two\nnumbers", **middle)
        axes.text(0.5, 0.14, "→", fontsize=14, **middle)
        self.numbers = axes.text(0.5, 0.5, "", ha="center", va="center", multialignment="right")

    def build_texts(self) -> None:
        self.name, self.pair, self.message, hint = (
            self.add_text(part) for part in ("name", "pair", "message", "hint")
        )
        hint.set(x=1, ha="right", color="grey", text="h: keys")

    def add_text(self, part: str) -> Text:
        """Add a text on axes of its own, for a saved figure leaves out animated texts."""
        axes = self.add_axes(part)
        axes.set_axis_off()
        return axes.text(0, 1, "", va="top")

    def build_digit(self) -> None:
        axes = self.add_axes("digit")
        axes.set_title("Decoded digit")
        self.digit_image = PixelImage(axes, 28, "gray")

    def build_neighbours(self) -> None:
        """Add the nearest digits as a single image: five artists would take longer to draw."""
        axes = self.add_axes("strip")
        title = "Nearest real digits, the first ringed: click one to take it in"
        axes.set_title(title, loc="left", fontsize=10)
        self.strip_image = PixelImage(axes, 28, "gray", NEIGHBOURS * (28 + STRIP_GAP) - STRIP_GAP)
        axes.set_anchor("W")
        axes.set_axis_off()
        below = axes.transData + ScaledTranslation(0, -0.05, self.figure.dpi_scale_trans)
        self.neighbour_labels = [
            axes.text(13.5 + n * (28 + STRIP_GAP), 27.5, "", transform=below, ha="center", va="top")
            for n in range(NEIGHBOURS)
        ]

    def build_heat(self) -> None:
        axes = self.add_axes("heat")
        # Above the highest number of the colour bar.
        axes.set_title("The same pixels, as heat", loc="left", fontsize=10, pad=9)
        self.heat_image = PixelImage(axes, 28, "plasma")
        self.figure.colorbar(self.heat_image, cax=self.add_axes("colour bar"))

    def build_histogram(self) -> None:
        self.histogram = axes = self.add_axes("histogram")
        edges = np.linspace(0, 1, BINS + 1)
        # One artist for all bars: twenty rectangles would take ten times as long to draw.
        self.bars = axes.stairs(np.ones(BINS), edges, baseline=0.1, fill=True, color="#555555")
        # A little wider than the bars, which would else cover half of the frame.
        axes.set(xlim=(-0.02, 1.02), ylim=(0.7, 784), yscale="log", xlabel="Pixel value")
        axes.set_title("Pixels per value", fontsize=10)

    def build_statistics(self) -> None:
        """Add the names, which stay, and the values, which change, as texts of their own."""
        axes = self.add_axes("statistics")
        axes.set_axis_off()
        rows = len(STATISTICS)
        heights = [1 - (row + 0.8) / rows for row in range(rows)]
        for height, name in zip(heights, STATISTICS, strict=True):
            axes.text(0, height, name)
        self.values = [axes.text(0.7, height, "") for height in heights]

    # --- showing a point ----------------------------------------------------------------------

    def show(self, point: Point, digit_in: DigitIn | None = None, message: str = "") -> None:
        """Show a point of [-1, 1]², what belongs to it, the digit that went in and a message."""
        self.update(point, digit_in, message)
        if self.can_blit and not self.help.get_visible():
            self.blit()
        else:
            self.canvas.draw_idle()

    def update(self, point: Point, digit_in: DigitIn | None = None, message: str = "") -> None:
        """Bring all artists up to date; the next drawing shows them."""
        decoded = self.latent_map.decode([point])[0]
        self.digit = decoded.clip(0, 1)
        self.update_digit_in(point, digit_in, decoded)
        pixels = self.digit.reshape(28, 28)
        self.digit_image.show(pixels)
        self.heat_image.show(pixels)
        heights, _ = np.histogram(self.digit, BINS, (0, 1))
        self.bars.set_data(heights)

        distance = self.update_neighbours(point)
        digit = self.digit
        numbers = (digit.mean(), digit.max(), digit.min(), digit.std())
        values = (
            self.neighbour_labels[0].get_text() or "-",
            "-" if distance is None else f"{distance:.3f}",
            *(f"{number:.3f}" for number in numbers),
        )
        for text, value in zip(self.values, values, strict=True):
            text.set_text(value)
        is_far = distance is not None and distance > self.latent_map.far
        self.message.set_text(message or (FAR if is_far else ""))

    def update_neighbours(self, point: Point) -> float | None:
        """Bring the nearest digits up to date; return how far the first is, of those shown."""
        nearest, distances = self.latent_map.nearest(point, NEIGHBOURS, self.map.shown)
        self.neighbours = nearest
        digits = self.latent_map.pixels(nearest)
        self.strip_image.show(side_by_side(digits, NEIGHBOURS, STRIP_GAP))
        labels = [*map(str, self.latent_map.labels[nearest]), *NEIGHBOURS * [""]]
        for text, label in zip(self.neighbour_labels, labels, strict=False):
            text.set_text(label)
        self.map.mark(point, nearest)
        return distances[0] if len(nearest) else None

    def update_digit_in(
        self, point: Point, digit_in: DigitIn | None, decoded: NDArray[np.float32]
    ) -> None:
        """Bring the panel of the digit that goes in up to date, and what is said of the pair."""
        self.numbers.set_text(f"{point[0]:+.3f}\n{point[1]:+.3f}")
        if digit_in is None and self.invitation.get_text():
            return
        self.invitation.set_text("" if digit_in else INVITATION)
        drawn = digit_in.strokes if digit_in else []
        self.ink.set_data(*lines_through(drawn))
        if digit_in is None:
            self.image_in.show(np.zeros((28, 28), np.float32))
            self.pair.set_text("")
            self.map.mark_best(None)
            return
        shown = np.zeros(784, np.float32) if drawn else digit_in.pixels
        self.image_in.show(shown.reshape(28, 28))
        error = float(((digit_in.pixels - decoded) ** 2).mean())
        share = self.latent_map.percentile(error)
        words = f"error {error:.3f}, larger than that of {share}% of the real digits"
        if self.other_map is not None:
            code = self.other_map.encode(digit_in.pixels)
            [other] = self.other_map.errors_at([code], digit_in.pixels)
            words += f"\n{self.other_map.name}: {other:.3f}"
        self.pair.set_text(words)
        self.map.mark_best(digit_in.best)

    def show_help(self, visible: bool) -> None:
        if visible != self.help.get_visible():
            self.help.set_visible(visible)
            self.canvas.draw_idle()

    def mark_walk(self, point: Point, digit_in: DigitIn | None) -> None:
        """Mark an end of the walk; its strip takes the place of the nearest digits."""
        self.walk.mark(point, None if digit_in is None else digit_in.pixels)
        self.strip_image.axes.set_visible(not self.walk.is_whole)
        self.canvas.draw_idle()

    def toggle_grid(self) -> None:
        self.map.toggle_grid()
        self.canvas.draw_idle()

    def toggle_densities(self) -> None:
        self.map.toggle_densities()
        self.canvas.draw_idle()

    def show_whole(self) -> None:
        """Bring the whole map into view, which the toolbar takes for its home from now on."""
        self.map.show_whole()
        self.forget_views()
        self.canvas.draw_idle()

    def forget_views(self) -> None:
        """Have the toolbar take the whole map for its home, and forget other views than this."""
        toolbar, whole, view = self.canvas.toolbar, self.map.limits, self.map.destination
        if toolbar is None:
            return
        toolbar.update()
        if view is not whole:
            for limits in (whole, view):
                self.map.axes.set(xlim=limits[0], ylim=limits[1])
                toolbar.push_current()

    def compare(self, here: LatentMap, there: LatentMap | None) -> None:
        """Tell the errors of the linear map while it is shown, and of the network's."""
        self.other_map = there
        words = ""
        if there is not None and here.name == "PCA":
            errors = here.errors.mean(), there.errors.mean()
            words = f"PCA, without a network: test error {errors[0]:.4f} (network: {errors[1]:.4f})"
        self.name.set_text(words)
        self.canvas.draw_idle()

    def show_map(self, latent_map: LatentMap, point: Point, glides: bool, keeps_view: bool) -> None:
        """Belong to another map of the same digits, to which the dots glide or jump.

        It is large enough for a point. The view stays where somebody has zoomed, if it is to.
        """
        self.latent_map = latent_map
        self.map.set_off(latent_map, latent_map.limits(point), keeps_view)
        self.walk.show_map(latent_map, *self.map.limits.T)
        self.forget_views()
        if glides:
            self.glide.begin()
        else:
            self.map.arrive()
            self.canvas.draw_idle()

    def on_panel(self, x: float, y: float) -> tuple[float, float]:
        """The point of the panel's unit square, from its top left, nearest to a figure's pixel."""
        box = self.panel_in.bbox
        across, down = (x - box.x0) / box.width, (box.y1 - y) / box.height
        return float(np.clip(across, 0, 1)), float(np.clip(down, 0, 1))

    # --- drawing ------------------------------------------------------------------------------

    def on_draw(self, event: Event) -> None:
        """Keep what lies under the layers, then draw them."""
        if not self.canvas.supports_blit or self.canvas.is_saving():
            return
        for layer in self.layers:
            layer.keep_background(self.canvas)
        for layer in self.layers:
            layer.draw(self.figure)
        if self.help.get_visible():
            self.figure.draw_artist(self.help)
        self.marker_boxes = self.map.marker_boxes()
        self.can_blit = True

    def draw_map(self) -> None:
        """Draw all of the map, but nothing else: the whole figure takes twice as long."""
        if not self.can_blit:
            self.canvas.draw_idle()
            return
        for artist in (self.paper, self.map.axes):
            self.figure.draw_artist(artist)
        markers = self.layers[0]
        markers.keep_background(self.canvas)
        markers.draw(self.figure)
        self.canvas.blit(self.paper.get_window_extent())
        self.marker_boxes = self.map.marker_boxes()

    def blit(self) -> None:
        """Draw the layers that changed over their background, and show the pixels that changed."""
        for layer in self.layers:
            if any(artist.stale for artist in layer.shown()):
                self.canvas.restore_region(layer.background)
                layer.draw(self.figure)
        before, self.marker_boxes = self.marker_boxes, self.map.marker_boxes()
        right_side = Bbox.from_bounds(*self.boxes["right side"]).transformed(
            self.figure.transFigure
        )
        if self.canvas.device_pixel_ratio % 1 and hasattr(self.canvas, "repaint"):
            # Qt at 125%: a part that begins between two pixels of the screen would be drawn askew.
            self.canvas.repaint()
            return
        for box in (right_side, *before, *self.marker_boxes):
            self.canvas.blit(box)


def put_in(axes: Axes, box: Box, pixels: NDArray[np.float64]) -> None:
    """Give axes a place that they keep when the toolbar brings back an earlier view.

    It begins and ends between two pixels: an image drawn again would else cover half of its frame.
    """
    whole = np.array([*pixels, *pixels])
    place = Bbox.from_bounds(*(np.round(box * whole).clip(1) / whole))
    axes.set_position(place)
    axes.set_axes_locator(lambda *_: place)


def add_help(figure: Figure, text: str) -> Text:
    """The list of keys in the middle of a figure, not yet to be seen."""
    return figure.text(
        0.5,
        0.5,
        text,
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


def lines_through(strokes: list[list[tuple[float, float]]]) -> NDArray[np.float64]:
    """The coordinates (2, N) of a line through all strokes on a panel of 28 x 28, with gaps."""
    points = [point for stroke in strokes for point in (*stroke, stroke[-1], (np.nan, np.nan))]
    # A line of no length would not be drawn.
    nudges = np.linspace(0, 1e-3, len(points))
    return np.reshape(points, (-1, 2)).T * 28 - 0.5 + nudges


@dataclass
class Layer:
    """Artists that change together, and what lies under them.

    Attributes
    ----------
    artists : tuple of Artist
    box_of : callable
        Tells, by the first artist, the pixels that all of them stay in.
    background
        A copy of these pixels without the artists.
    """

    artists: tuple[Artist, ...]
    box_of: Callable[[Any], Bbox]
    background: Any = None

    def keep_background(self, canvas: Any) -> None:
        self.background = canvas.copy_from_bbox(self.box_of(self.artists[0]))

    def draw(self, figure: Figure) -> None:
        for artist in self.shown():
            figure.draw_artist(artist)

    def shown(self) -> list[Artist]:
        """The artists whose axes are shown."""
        return [artist for artist in self.artists if artist.axes and artist.axes.get_visible()]


def axes_box(artist: Artist) -> Bbox:
    """The pixels of the axes that an artist is on."""
    axes: Any = artist.axes
    return axes.bbox


def clip_box(artist: Artist) -> Bbox:
    """The pixels that an artist is kept in."""
    box: Any = artist.get_clip_box()
    return box


def label_box(label: Text) -> Bbox:
    """The pixels of the label of a neighbour, a single digit under its position."""
    figure: Any = label.figure
    x, y = label.get_transform().transform(label.get_position())
    height = label.get_fontsize() * figure.dpi / 72
    return Bbox([[x - height / 2, y - 1.3 * height], [x + height / 2, y + 1]])


def line_box(text: Text) -> Bbox:
    """The pixels of the line that a text is on, as far as the figure goes to the right."""
    figure: Any = text.figure
    x, y = text.get_transform().transform(text.get_position())
    height = text.get_fontsize() * figure.dpi / 72
    return Bbox([[x - 1, y - 0.3 * height], [figure.bbox.xmax, y + height]])
