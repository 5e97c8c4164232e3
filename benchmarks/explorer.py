"""One mouse move, and the time to the first frame: the reference's way and ours, on Agg.

    python -m benchmarks.explorer
    python -m benchmarks.explorer --check      # exit 1 where a bar is missed

The reference's way is written here from its description: a figure of five axes (2,000 digits in
their colours, encoded one at a time; two images; a text panel; a histogram of 20 bins), with titles
and labels; every move clears and replots the histogram and redraws the whole figure.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from autoencoder.mnist import load_mnist
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.view.latent_map import LatentMap
from autoencoder.view.layout import DPI, FIGURE_SIZE
from benchmarks.reference import DigitByDigit
from benchmarks.report import (
    CHECKPOINT,
    DATA,
    IMPORTS,
    bests,
    check,
    imports,
    medians,
    parse_arguments,
    print_machine,
    print_table,
    shell,
    time_by_turns,
)
from interac_decompression import Explorer

import numpy as np
import torch
from matplotlib.backend_bases import MouseButton, MouseEvent
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.spatial import cKDTree

REFERENCE_DIGITS = 2000
MOVE_BAR, STROKE_BAR, START_BAR = 15, 2.5, 2
REFERENCE, OURS = "the reference's way", "interac_decompression.py"
STROKE = "the same, drawing a digit"


def circling() -> Iterator[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    return itertools.cycle(zip(0.5 * np.cos(angles), 0.5 * np.sin(angles), strict=True))


def blank_figure() -> Figure:
    figure = Figure(FIGURE_SIZE, dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def reference_move() -> Callable[[], None]:
    """Draw the first frame of the reference's window; return what moves its point."""
    model = load_checkpoint(CHECKPOINT).model
    digits = DigitByDigit("test")
    with torch.no_grad():
        codes = [model.encode(digits[n][0].view(1, -1))[0] for n in range(REFERENCE_DIGITS)]
    latents = torch.stack(codes).numpy()
    labels = np.array([digits[n][1] for n in range(REFERENCE_DIGITS)])
    tree = cKDTree(latents)

    figure = blank_figure()
    cells = figure.add_gridspec(2, 4)
    plane = figure.add_subplot(cells[:, :2])
    for digit in range(10):
        x, y = latents[labels == digit].T
        plane.scatter(x, y, s=10, alpha=0.5, label=str(digit))
    plane.set(title="Latent space", xlabel="Latent dimension 1", ylabel="Latent dimension 2")
    plane.legend()
    plane.grid(alpha=0.3)
    (marker,) = plane.plot([], [], "ro", markersize=12)
    grey, heat = figure.add_subplot(cells[0, 2]), figure.add_subplot(cells[0, 3])
    images = [
        axes.imshow(np.zeros((28, 28)), cmap=cmap, vmin=0, vmax=1)
        for axes, cmap in ((grey, "gray"), (heat, "plasma"))
    ]
    panel, histogram = figure.add_subplot(cells[1, 2]), figure.add_subplot(cells[1, 3])
    grey.set_title("Decoded digit")
    heat.set_title("Heat map")
    panel.set_title("Statistics")
    panel.axis("off")
    text = panel.text(0, 1, "", va="top", family="monospace")
    points = circling()

    def move() -> None:
        x, y = next(points)
        with torch.no_grad():
            digit = model.decode(torch.tensor([[x, y]], dtype=torch.float32))[0].numpy()
        for image in images:
            image.set_data(digit.reshape(28, 28))
        distance, nearest = tree.query((x, y))
        text.set_text(
            f"latent   ({x:.3f}, {y:.3f})\nnearest  {labels[nearest]}\ndistance {distance:.4f}\n"
            f"mean     {digit.mean():.4f}\nmax      {digit.max():.4f}\n"
            f"min      {digit.min():.4f}\nstd      {digit.std():.4f}"
        )
        marker.set_data([x], [y])
        histogram.clear()
        histogram.hist(digit, bins=20)
        histogram.set(title="Pixel values", xlabel="Value", ylabel="Pixels")
        histogram.grid(alpha=0.3)
        figure.canvas.draw()

    move()
    return move


def our_move() -> Callable[[], None]:
    latent_map = LatentMap(load_checkpoint(CHECKPOINT).model, load_mnist(DATA, "test"))
    figure = blank_figure()
    explorer = Explorer(figure, latent_map)
    figure.canvas.draw()
    points = circling()
    return lambda: explorer.move_to(next(points))


def our_stroke() -> Callable[[], None]:
    """Begin to draw in the panel; what it returns goes on with the stroke, up to 100 points."""
    latent_map = LatentMap(load_checkpoint(CHECKPOINT).model, load_mnist(DATA, "test"))
    figure = blank_figure()
    explorer = Explorer(figure, latent_map)
    figure.canvas.draw()
    box, points = explorer.view.panel_in.bbox, circling()

    def event(name: str) -> MouseEvent:
        x, y = next(points)
        pixel = box.x0 + (0.5 + 0.6 * x) * box.width, box.y0 + (0.5 + 0.6 * y) * box.height
        return MouseEvent(name, figure.canvas, *pixel, MouseButton.LEFT)

    def go_on() -> None:
        if explorer.digit_in is None or len(explorer.digit_in.strokes[-1]) == 100:
            explorer.clear()
            explorer.on_press(event("button_press_event"))
        explorer.on_move(event("motion_notify_event"))

    go_on()
    return go_on


def main() -> None:
    arguments = parse_arguments("Time the explorer, the reference's way and ours.")
    print("One mouse move to the finished frame, 1400 x 800 pixels")
    moves = time_by_turns(
        {REFERENCE: reference_move(), OURS: our_move(), STROKE: our_stroke()},
        turns=10,
        repeats={REFERENCE: 5, OURS: 50, STROKE: 50},
    )
    print_table(moves, REFERENCE, unit=1e-3, name="ms")

    print(f"\nFrom the shell to the first frame ({REFERENCE_DIGITS:,} digits; ours: 10,000)")
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "frame.png")
        save = ("interac_decompression.py", "--checkpoint", str(CHECKPOINT), "--save", picture)
        reference = ("-c", "from benchmarks import explorer; explorer.reference_move()")
        starts = time_by_turns(
            {IMPORTS: imports(), REFERENCE: shell(*reference), OURS: shell(*save)},
            turns=3,
            repeats={},
            warm_up=False,
        )
    print_table(starts, REFERENCE)
    print_machine()

    if arguments.check:
        move, start, median = bests(moves), bests(starts), medians(moves)
        check(
            {
                f"a move at least {MOVE_BAR} times as fast as the reference's way": (
                    move[REFERENCE] >= MOVE_BAR * move[OURS]
                ),
                f"a stroke in at most {STROKE_BAR} times the time of a move": (
                    median[STROKE] <= STROKE_BAR * median[OURS]
                ),
                f"the first frame in at most {START_BAR} times the time of the imports": (
                    start[OURS] <= START_BAR * start[IMPORTS]
                ),
                "the first frame before the reference's way": start[OURS] < start[REFERENCE],
            }
        )


if __name__ == "__main__":
    main()
