"""Handwriting, from a file or from the hand, to 784 pixels as MNIST's makers made theirs.

LeCun, Cortes and Burges, "The MNIST database of handwritten digits": the longer side of the ink is
scaled to 20 pixels with anti-aliasing, then the ink is moved by whole pixels until its centre of
mass lies at pixel (14, 14), counted from 0. A network that learnt from such digits misreads others.

read_picture  any picture of one digit: read, ink told from paper, then as_mnist
as_mnist      ink of any size
draw_strokes  what a mouse or a finger drew, with strokes as thick as MNIST's
erase         takes parts of the strokes away

The figures beside the constants were measured on training digits, enlarged 4 to 12 times.
"""

import contextlib
import errno
import logging
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from autoencoder import UserError

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Pixels = NDArray[np.float32]
# Points (x to the right, y down) in the unit square of a panel, in the order of the hand.
Stroke = Sequence[tuple[float, float]]

# MNIST's frame, its box of ink, where the box starts before it is moved, and the centre of mass.
SIDE, BOX, MARGIN, CENTRE = 28, 20, 4, 14

# The picture files that people have. Pillow's other formats ask outside programs, or have no
# signature, so that anything passes for them.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "AVIF", "JPEG2000")
SIGNATURES = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
HEIC = (b"ftypheic", b"ftypheix", b"ftypmif1")
MAX_PIXELS = 50_000_000
# Pillow logs what is odd in a damaged file, and without a handler Python prints it.
logging.getLogger("PIL").addHandler(logging.NullHandler())
# The longer side of the sheet on which ink is looked for: larger pictures are reduced to half of
# this or more. The digit on a phone's photo is still some 50 pixels high.
SHEET = 512
# Lengths, as shares of the sheet's longer side. Noise is smoothed, where ink is looked for only;
# light changes more slowly than over SURROUNDINGS; no stroke is as thick as STROKE, and a shadow
# that is thinner passes for one; ink is no shorter than SPECK, or than SPECK_PIXELS.
SMOOTHING, SURROUNDINGS, STROKE, SPECK, SPECK_PIXELS = 1 / 400, 1 / 8, 1 / 3, 0.03, 8
# One colour is looked at instead of the grey where it shows so many times its contrast.
COLOUR_GAIN = 1.5
# Ink differs from its paper by this at least, and by so many standard deviations of the noise; at
# the sheet's edge, where light falls off and tables begin, by more.
MIN_CONTRAST, MIN_NOISES, MIN_AT_EDGE = 0.06, 8, 0.4
# Where ink begins, as a share of its full strength. It decides what becomes 20 pixels: the median
# distance to the code of the untouched digit is 0.006 with 0.3 to 0.4, 0.011 with 0.02, 0.007 with
# 0.5.
INK = 0.35
# Which pieces belong to the heaviest: those of this share of its mass, and crumbs within this
# share of its length. Together they are so much of all that looks like ink, or there is none.
PIECE, CRUMB, NEAR, WHOLE = 0.1, 0.01, 0.05, 0.4
EDGE_WEIGHT = 0.05  # of pieces that touch the sheet's edge, when the heaviest is looked for

# The brush, in MNIST's pixels: full ink within RADIUS - SOFTNESS / 2 of the stroke's middle, none
# beyond RADIUS + SOFTNESS / 2. 400 digits thinned to lines and drawn again have 0.127 ink a pixel
# where they had 0.130, and 95.8% of them have neighbours of their class (95.3% with a radius of 1.1
# or 1.3); the softness hardly matters.
RADIUS, SOFTNESS = 1.2, 1.5
# Drawings smaller than this share of the panel are enlarged as one of this size: a dot stays one.
SMALLEST = 0.15


# --- pictures ---------------------------------------------------------------------------------


def read_picture(path: Path) -> Pixels:
    """Read a picture of one handwritten digit: a photo, a scan, a drawing of any program.

    The ink may be dark on light or light on dark, as the picture's border tells; of any size and
    colour; on paper that is transparent, or unevenly lit; among noise and specks.

    Returns
    -------
    (784,) float32 in [0, 1], light on dark as MNIST's

    Raises
    ------
    UserError
        If there is no such file, or none that can be read, or no picture in it, or one that is
        damaged or of more than 50 megapixels, which is not decoded then; or if no ink is found.
    """
    ink = find_ink(read_sheet(path))
    if ink is None:
        raise UserError(f"{path}: no ink found, where one digit on plain paper should be")
    return as_mnist(ink)


def as_mnist(ink: Pixels) -> Pixels:
    """Scale ink to a box of 20 pixels and centre it, as MNIST's makers did.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 where there is most ink

    Returns
    -------
    (784,) float32 in [0, 1]

    Raises
    ------
    UserError
        If no pixel reaches INK.
    """
    from PIL import Image

    if not (ink > INK).any():
        raise UserError("no ink found")
    ink = ink[box_of(ink > INK)]
    scale = BOX / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    small = Image.fromarray(ink).resize((width, height), Image.Resampling.HAMMING)
    frame = np.zeros((SIDE, SIDE), np.float32)
    frame[MARGIN : MARGIN + height, MARGIN : MARGIN + width] = np.asarray(small).clip(0, 1)
    return centred(frame, width, height)


def centred(frame: Pixels, width: int, height: int) -> Pixels:
    """Move ink by whole pixels, until its centre of mass is as near to (14, 14) as it can be.

    Parameters
    ----------
    frame : (28, 28)
        The box of the ink, which does not leave the frame, starts at pixel (MARGIN, MARGIN).
    width, height : int
        Of that box.

    Returns
    -------
    (784,)
    """
    shifts = [
        min(max(math.floor(CENTRE - middle + 0.5), -MARGIN), SIDE - MARGIN - side)
        for middle, side in zip(centre_of_mass(frame), (height, width), strict=True)
    ]
    roomy = np.pad(frame, ((0, SIDE), (0, SIDE)))  # what leaves on one side must not come back
    return np.roll(roomy, shifts, axis=(0, 1))[:SIDE, :SIDE].ravel()


def centre_of_mass(frame: Pixels) -> NDArray[np.float64]:
    """The row and column, counted from 0, where a frame (28, 28) has its centre of mass."""
    sums = np.stack([frame.sum(axis=1), frame.sum(axis=0)]).astype(float)
    return sums @ np.arange(SIDE) / sums[0].sum()


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that hold all of a mask."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


# --- from a file to a grey sheet --------------------------------------------------------------


def read_sheet(path: Path) -> Pixels:
    """Read a picture as a grey sheet (H, W) in [0, 1] of at most SHEET pixels a side.

    Raises UserError as read_picture does.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if path.is_dir():
            raise UserError("a folder, not a picture")
        if not path.is_file():
            raise UserError("no such picture")
        with warnings.catch_warnings(), path.open("rb") as file:
            # What Pillow thinks of a stranger's file would be lines that no user can act on.
            warnings.simplefilter("ignore")
            start = file.read(16)
            return grey(decode(file))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (Image.DecompressionBombError, MemoryError) as error:
        raise UserError(f"{path}: {too_large()}") from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path}: {unidentified(start)}") from error
    # A stranger's bytes can make Pillow raise nearly anything, OSErrors without a cause included.
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise UserError(f"{path}: cannot read it: {error.strerror}") from error
        raise UserError(f"{path}: a picture that is damaged or cut short") from error


def too_large() -> str:
    return f"a picture of more than {MAX_PIXELS // 1_000_000} megapixels: please reduce it"


def unidentified(start: bytes) -> str:
    """Why Pillow found no picture in a file that starts like this."""
    if not start:
        return "an empty file"
    if start.startswith(SIGNATURES):
        return "a picture that is damaged or cut short"
    if start[4:12] in HEIC:
        return "a HEIC picture, which Pillow does not read: please save it as JPEG"
    return "not a picture that can be read: please save it as PNG or JPEG"


def decode(file: BinaryIO) -> "Picture":
    """The first frame of a picture, upright, at most SHEET pixels a side.

    Its mode is L, RGB or RGBA; or F, for numbers of any range.
    """
    from PIL import Image, ImageOps

    Image.init()
    # Older versions of Pillow, and some builds, lack some of them.
    image: Picture = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    if image.width * image.height > MAX_PIXELS:
        raise UserError(too_large())
    image.draft(None, (SHEET, SHEET))  # of 12 megapixels of JPEG: 25 ms instead of 41
    with quiet_libtiff() if image.format == "TIFF" else contextlib.nullcontext():
        image.load()
    with contextlib.suppress(Exception):  # a damaged tag says nothing about the picture
        image = ImageOps.exif_transpose(image)
    image = plain(image)
    return image.reduce(math.ceil(max(*image.size, SHEET) / SHEET))


@contextlib.contextmanager
def quiet_libtiff() -> Iterator[None]:
    """Drop what libtiff says of a damaged file, past Python, to the process's stderr."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)


def plain(image: "Picture") -> "Picture":
    """The same picture in mode L, RGB, RGBA or F."""
    if image.mode.startswith(("I", "F")):
        return image.convert("I").convert("F") if ";" in image.mode else image.convert("F")
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "LAB":
        return image.getchannel("L")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def grey(image: "Picture") -> Pixels:
    """The grey values (H, W) in [0, 1] of a picture, or those of the colour that shows most."""
    if image.mode == "F":
        numbers = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
        return ((numbers - numbers.min()) / max(np.ptp(numbers), 1e-6)).astype(np.float32)
    values: Pixels = np.asarray(image, np.float32) / np.float32(255)
    if image.mode == "L":
        return values
    if image.mode == "RGBA":
        values = on_paper(values)
    luminance = values @ np.array([0.299, 0.587, 0.114], np.float32)
    # Yellow on white is hardly there but in blue.
    colour = max(np.moveaxis(values, 2, 0), key=contrast)
    return colour if contrast(colour) > COLOUR_GAIN * contrast(luminance) else luminance


def contrast(sheet: Pixels) -> float:
    """How far a sheet differs from its surroundings, from nearly the least to nearly the most."""
    low, high = np.quantile(beside_surroundings(sheet)[::2, ::2], [0.001, 0.999])
    return float(high - low)


def on_paper(values: Pixels) -> Pixels:
    """Colours (H, W, 3) on opaque paper of a picture (H, W, 4) that is partly transparent.

    The paper continues what it adjoins: the card around a digit, say. Where that leaves no ink, the
    ink itself is what is opaque, and the paper is white or black, whichever is farther from it.
    """
    from scipy import ndimage

    colours, alpha = values[..., :3], values[..., 3:]
    opaque = alpha[..., 0] > alpha.max() / 2
    rim = opaque & ~ndimage.binary_erosion(opaque, border_value=1)
    if not rim.any():
        return colours if opaque.any() else np.ones_like(colours)
    paper = np.median(colours[rim], axis=0)
    if (np.abs(colours[opaque] - paper).max(axis=1) > 0.25).mean() < 0.005:
        paper = np.float32(paper.mean() < 0.5)
    return colours * alpha + paper * (1 - alpha)


# --- from a grey sheet to its ink -------------------------------------------------------------


def find_ink(sheet: Pixels) -> Pixels | None:
    """The ink of the one digit on a sheet, cut out.

    Parameters
    ----------
    sheet : (H, W) float32 in [0, 1]

    Returns
    -------
    (h, w) float32 in [0, 1], 1 where there is most ink; or None where there is none
    """
    from scipy import ndimage

    raw, smooth = beside_paper(sheet)
    noise = noise_of(smooth)
    lumps = Pieces(smooth > max(MIN_CONTRAST, MIN_NOISES / 2 * noise), smooth)
    if not lumps.main:
        return None
    strengths = smooth[lumps.numbers == lumps.main]
    full = np.quantile(strengths[strengths > strengths.max() / 2], 0.75)
    pieces = Pieces(smooth > INK * full, smooth)
    if full < MIN_NOISES * noise or not pieces.are_writing(full):
        return None
    digit = pieces.belong()[pieces.numbers]
    box = box_of(digit)
    # Room for the soft edge of the strokes, a pixel of MNIST's wide.
    reach = 2 * max(1, round(max(digit[box].shape) / BOX)) + 1
    near = ndimage.maximum_filter(digit[box], size=reach, mode="constant")
    return np.clip(raw[box] / full, 0, 1) * near


def beside_paper(sheet: Pixels) -> tuple[Pixels, Pixels]:
    """By how much each pixel of a sheet differs from the paper under it, towards the ink.

    The paper is what closing leaves, the largest and then the smallest value within STROKE: ink
    goes, and light and shadows stay, down to a shadow's hard edge. Light multiplies what paper
    reflects, so that dark ink is a share of it.

    Returns
    -------
    raw, smooth : (H, W), about 0 on paper
        As it is, and with less noise.
    """
    from scipy import ndimage

    longer = max(sheet.shape)
    smooth = ndimage.gaussian_filter(sheet, longer * SMOOTHING, truncate=2)
    size = (max(3, round(longer * STROKE)),) * 2
    if is_dark_on_light(smooth):
        paper = np.maximum(ndimage.grey_closing(smooth, size), 1e-3)
        raw, smooth = 1 - sheet / paper, 1 - smooth / paper
    else:
        paper = ndimage.grey_opening(smooth, size)
        raw, smooth = sheet - paper, smooth - paper
    # The largest value lies above the paper by its noise. A tight crop is more ink than paper.
    sample = smooth[::2, ::2]
    offset = np.median(sample[sample <= (sample.min() + np.quantile(sample, 0.999)) / 2])
    return raw - offset, smooth - offset


def is_dark_on_light(sheet: Pixels) -> bool:
    """Whether the border is nearer to the lightest of a sheet than to the darkest.

    Where it lies between, under a shadow, the skewness decides: against its surroundings ink
    differs by much in few places.
    """
    width = max(1, round(max(sheet.shape) / 50))
    border = np.median(np.concatenate([side.ravel() for side in sides_of(sheet, width)]))
    darkest, lightest = np.quantile(sheet[::2, ::2], [0.001, 0.999])
    if abs(darkest + lightest - 2 * border) < (lightest - darkest) / 2:
        return bool((beside_surroundings(sheet) ** 3).mean() < 0)
    return bool(border - darkest > lightest - border)


def sides_of(sheet: NDArray[Any], width: int) -> tuple[NDArray[Any], ...]:
    """The four sides of a sheet, each so many pixels wide."""
    return sheet[:width], sheet[-width:], sheet[:, :width], sheet[:, -width:]


def beside_surroundings(sheet: Pixels) -> Pixels:
    """By how much each pixel of a sheet is lighter than the mean around it."""
    from scipy import ndimage

    return sheet - ndimage.uniform_filter(sheet, max(3, round(max(sheet.shape) * SURROUNDINGS)))


def noise_of(sheet: Pixels) -> float:
    """The standard deviation of a sheet's noise, from pixels so near that their light is the same.

    The median is not moved by ink.
    """
    rows = sheet if sheet.shape[1] >= sheet.shape[0] else sheet.T
    lag = max(1, round(rows.shape[1] / 64))
    differences = np.abs(rows[:, lag:] - rows[:, :-lag])
    return 1.4826 / math.sqrt(2) * float(np.median(differences)) if differences.size else 0.0


class Pieces:
    """What hangs together in a mask.

    Attributes
    ----------
    numbers : (H, W) int
        The piece that a pixel belongs to, from 1 on; 0 beside the mask.
    mass : (pieces + 1,)
        How much ink each has.
    at_edge : (pieces + 1,) bool
        Whether it touches the edge of the sheet.
    main : int
        The heaviest; 0 if there is none.
    """

    def __init__(self, mask: NDArray[np.bool_], ink: Pixels) -> None:
        from scipy import ndimage

        self.numbers, count = ndimage.label(mask, np.ones((3, 3)))
        self.mass = np.bincount(self.numbers.ravel(), ink.ravel(), count + 1)
        self.mass[0] = 0
        self.at_edge = np.zeros(count + 1, bool)
        for side in sides_of(self.numbers, 1):
            self.at_edge[side.ravel()] = True
        self.main = int(np.where(self.at_edge, EDGE_WEIGHT * self.mass, self.mass).argmax())

    def belong(self) -> NDArray[np.bool_]:
        """Which pieces are parts of the digit: (pieces + 1,)."""
        from scipy import ndimage

        boxes = ndimage.find_objects(self.numbers)
        main = boxes[self.main - 1]
        reach = NEAR * max(side.stop - side.start for side in main)
        belong = self.mass > PIECE * self.mass[self.main]
        for piece in np.flatnonzero(~belong & (self.mass > CRUMB * self.mass[self.main])):
            belong[piece] = all(
                its.stop > side.start - reach and its.start < side.stop + reach
                for its, side in zip(boxes[piece - 1], main, strict=True)
            )
        return belong & (~self.at_edge | self.at_edge[self.main])

    def are_writing(self, strength: float) -> bool:
        """Whether ink of this strength is a digit's, and not a speck, texture or a shadow."""
        rows, columns = box_of(self.numbers == self.main)
        longer = max(rows.stop - rows.start, columns.stop - columns.start)
        if longer < max(SPECK_PIXELS, SPECK * max(self.numbers.shape)):
            return False
        if self.at_edge[self.main]:
            rivals = self.mass.sum()
            return strength > MIN_AT_EDGE and self.mass[self.belong()].sum() > WHOLE * rivals
        rivals = self.mass[~self.at_edge].sum()
        return bool(self.mass[self.belong()].sum() > WHOLE * rivals)


# --- strokes ----------------------------------------------------------------------------------


def draw_strokes(strokes: Sequence[Stroke]) -> Pixels | None:
    """Draw strokes with a soft brush, as thick as MNIST's whatever the size of the drawing.

    In this order, and the same in the page:

    1. The points are scaled and moved, so that the longer side of their box and the brush around
       it are 20 pixels, and that box starts 4 pixels from the left and from the top. A drawing
       smaller than SMALLEST is scaled as one of that size.
    2. A pixel, whose middle lies half a pixel from its edges, has the distance d to the nearest
       segment, and the ink (RADIUS + SOFTNESS / 2 - d) / SOFTNESS, clipped to [0, 1].
    3. The points are moved, by what the ink's centre of mass lacks to (14, 14) but not so far that
       the box leaves the frame, and 2 is done again.

    Nothing is rounded to whole pixels as in a picture's ink: of 400 digits thinned to lines, drawn
    by a mouse over a third of a panel, 6% would then jump by 0.05 or more on the map, and 2% do;
    and the codes of the digits themselves are nearer, by a median of 0.024 instead of 0.028.

    Parameters
    ----------
    strokes : sequence of strokes
        Each a sequence of points (x, y); one point is a dot, none is nothing.

    Returns
    -------
    (784,) float32 in [0, 1]; or None if there is nothing to draw
    """
    segments = [ends for stroke in strokes for ends in segments_of(stroke)]
    if not segments:
        return None
    points = np.array(segments, dtype=float)  # (segments, 2 ends, x and y)
    low, high = points.min(axis=(0, 1)), points.max(axis=(0, 1))
    scale = (BOX - 2 * RADIUS) / max((high - low).max(), SMALLEST)
    points = (points - low) * scale + MARGIN + RADIUS
    lacking = CENTRE - centre_of_mass(brushed(points))[::-1]
    most = SIDE - MARGIN - (high - low) * scale - 2 * RADIUS
    return brushed(points + np.clip(lacking, -MARGIN, most)).ravel()


def brushed(segments: NDArray[np.float64]) -> Pixels:
    """The ink (28, 28) of segments (N, 2, 2), in pixels, drawn with the brush."""
    distances = distances_to(segments[:, 0], segments[:, 1]).reshape(SIDE, SIDE)
    ink = np.clip((RADIUS + SOFTNESS / 2 - distances) / SOFTNESS, 0, 1)
    return ink.astype(np.float32)


def segments_of(stroke: Stroke) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """The two ends of each segment of a stroke; a dot is a segment without length."""
    return list(pairwise(stroke)) if len(stroke) > 1 else [(point, point) for point in stroke]


def distances_to(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance from the middle of each pixel to the nearest segment.

    Parameters
    ----------
    starts, ends : (N, 2)
        In pixels, x to the right and y down.

    Returns
    -------
    (784,), row by row
    """
    y, x = np.indices((SIDE, SIDE)).reshape(2, -1) + 0.5
    pixels = np.stack([x, y], axis=1)
    along = ends - starts
    lengths = np.maximum((along**2).sum(axis=1), 1e-12)  # squared
    projections = pixels @ along.T - (starts * along).sum(axis=1)
    nearest = np.clip(projections / lengths, 0, 1)
    # |p - a|² - 2 t (p - a)·d + t² |d|², by matrix products: 500 segments take 1 ms instead of 20.
    squares = nearest * (nearest * lengths - 2 * projections) - 2 * pixels @ starts.T
    squares += (starts**2).sum(axis=1)
    return np.sqrt(np.maximum(squares.min(axis=1) + (pixels**2).sum(axis=1), 0))


def erase(
    strokes: Sequence[Stroke], point: tuple[float, float], radius: float
) -> list[list[tuple[float, float]]]:
    """Take away what lies within a radius of a point: strokes are cut there, to shorter ones.

    Parameters
    ----------
    strokes : sequence of strokes
        As draw_strokes takes them; they stay as they are.
    point : x, y
    radius : float
        In the same units, sides of the panel.
    """
    return [piece for stroke in strokes for piece in outside(stroke, point, radius)]


def outside(
    stroke: Stroke, point: tuple[float, float], radius: float
) -> Iterator[list[tuple[float, float]]]:
    """The pieces of a stroke that lie outside a circle."""
    piece = [p for p in stroke[:1] if math.dist(p, point) > radius]
    for start, end in pairwise(stroke):
        enter, leave = chord(start, end, point, radius)
        if enter >= leave:
            piece.append(end)
            continue
        (x, y), across, down = start, end[0] - start[0], end[1] - start[1]
        if piece:
            yield [*piece, (x + enter * across, y + enter * down)]
        piece = [(x + leave * across, y + leave * down), end] if leave < 1 else []
    if piece:
        yield piece


def chord(
    start: tuple[float, float], end: tuple[float, float], point: tuple[float, float], radius: float
) -> tuple[float, float]:
    """Where a segment enters a circle and leaves it, as shares of its length in [0, 1].

    Where it stays outside, both are the same.
    """
    across, down = end[0] - start[0], end[1] - start[1]
    x, y = start[0] - point[0], start[1] - point[1]
    length = across**2 + down**2  # squared
    inside = math.hypot(x, y) <= radius
    if not length:
        return 0, float(inside)
    middle = -(x * across + y * down) / length
    half = middle**2 - (x * x + y * y - radius**2) / length
    if half <= 0:
        return 0, 0
    half = math.sqrt(half)
    enter = 0 if inside else min(max(middle - half, 0), 1)
    leave = 1 if math.dist(end, point) <= radius else min(max(middle + half, 0), 1)
    return enter, leave
