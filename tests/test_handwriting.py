"""Pictures and strokes become digits as MNIST's, and lie where such digits lie on the map.

Real test digits, enlarged and put on sheets of paper, are read again; the pretrained network must
put them where it puts the untouched ones.
"""

import errno
import io
import math
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.handwriting import (
    BOX,
    CENTRE,
    INK,
    Pixels,
    Stroke,
    as_mnist,
    centre_of_mass,
    draw_strokes,
    erase,
    read_picture,
)
from autoencoder.model import AutoEncoder
from tests.fixtures import ROOT

import numpy as np
import pytest
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor

Codes = NDArray[np.float32]
Transpose = Image.Transpose
FROM_MIDDLE = np.hypot(*np.ogrid[-2.5:3, -2.5:3])  # of 6 x 6 pixels


class Pretrained:
    """The pretrained network and the codes of the 60,000 training digits."""

    def __init__(self, network: AutoEncoder, codes: Tensor, labels: Tensor) -> None:
        self.network = network
        self.tree = cKDTree(codes[:60_000])
        self.labels = labels[:60_000].numpy()

    @torch.inference_mode()
    def codes(self, images: Pixels | list[Pixels]) -> Codes:
        """(N, 784) in [0, 1] to (N, 2)"""
        return self.network.encode(torch.from_numpy(np.asarray(images))).numpy()

    def classes(self, codes: Codes) -> NDArray[np.intp]:
        """The class that most of the ten nearest training digits have."""
        nearest = self.labels[self.tree.query(codes, k=10)[1]]
        return np.array([np.bincount(row).argmax() for row in nearest])


@pytest.fixture(scope="session")
def pretrained(network: AutoEncoder, all_codes: tuple[Tensor, Tensor]) -> Pretrained:
    return Pretrained(network, *all_codes)


@pytest.fixture(scope="session")
def digits(test_set: tuple[Tensor, Tensor]) -> Pixels:
    """The 10,000 test digits: (10000, 28, 28) in [0, 1]."""
    return (test_set[0].numpy() / np.float32(255)).reshape(-1, 28, 28)


def on_sheet(digit: Pixels, random: Generator) -> Pixels:
    """A digit enlarged 4 to 12 times, anywhere on a larger sheet: 1 where there is most ink."""
    side = round(28 * random.uniform(4, 12))
    enlarged = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    height, width = (side * random.uniform(1, 2.5, 2)).astype(int)
    y, x = random.integers(height - side + 1), random.integers(width - side + 1)
    sheet = np.zeros((height, width), np.float32)
    sheet[y : y + side, x : x + side] = np.asarray(enlarged).clip(0, 1)
    return sheet


def photographed(ink: Pixels, random: Generator) -> Pixels:
    """A sheet under a lamp and half in a shadow, with specks, and noise of the camera."""
    ink = ink.copy()
    height, width = ink.shape
    for _ in range(random.integers(3, 20)):
        radius, strength = random.uniform(0.7, 2.5), random.uniform(0.4, 1)
        top, left = random.integers(0, (max(height - 6, 1), max(width - 6, 1)))
        place = ink[top : top + 6, left : left + 6]
        speck = (radius + 0.5 - FROM_MIDDLE).clip(0, 1) * strength
        np.maximum(place, speck[: len(place), : place.shape[1]], out=place)
    dark, light = random.uniform(0.05, 0.35), 0.95
    reflected = light + (dark - light) * (ink if random.random() < 0.5 else 1 - ink)
    y, x = np.linspace(-0.5, 0.5, height)[:, None], np.linspace(-0.5, 0.5, width)
    lamp, shadow = (y * np.sin(turn) + x * np.cos(turn) for turn in random.uniform(0, 2 * np.pi, 2))
    edge = (random.uniform(-0.4, 0.4) - shadow) / random.uniform(0.01, 0.1)
    lit = 1 - random.uniform(0, 0.5) * (lamp + 0.7) / 1.4
    lit *= 1 - random.uniform(0, 0.35) / (1 + np.exp(edge))
    noise = random.normal(0, random.uniform(0, 0.06), ink.shape)
    return (reflected * lit + noise).astype(np.float32)


def as_image(sheet: Pixels) -> Image.Image:
    return Image.fromarray((sheet * 255).round().clip(0, 255).astype(np.uint8))


def scan(ink: Pixels, file: Path, random: Generator) -> None:
    as_image(ink if random.random() < 0.5 else 1 - ink).save(file, "PNG", compress_level=1)


def photo(ink: Pixels, file: Path, random: Generator) -> None:
    quality = int(random.integers(25, 80))
    as_image(photographed(ink, random)).save(file, "JPEG", quality=quality)


# --- pictures: where they end on the map ------------------------------------------------------


@pytest.mark.parametrize(
    ("save", "count", "right", "farthest"),
    [
        pytest.param(scan, 300, 0.93, 0.02, id="on a larger sheet"),
        pytest.param(scan, 1000, 0.93, 0.02, id="on more sheets", marks=pytest.mark.slow),
        pytest.param(photo, 100, 0.90, math.inf, id="in bad photos"),
        pytest.param(photo, 1000, 0.90, math.inf, id="in more", marks=pytest.mark.slow),
    ],
)
def test_enlarged_digits_end_where_the_untouched_ones_do(
    save: Callable[[Pixels, Path, Generator], None],
    count: int,
    right: float,
    farthest: float,
    pretrained: Pretrained,
    digits: Pixels,
    test_set: tuple[Tensor, Tensor],
    tmp_path: Path,
) -> None:
    random, read = np.random.default_rng(0), []
    chosen = random.choice(len(digits), count, replace=False)
    for digit in digits[chosen]:
        save(on_sheet(digit, random), tmp_path / "digit", random)
        read.append(read_picture(tmp_path / "digit"))
    codes = pretrained.codes(read)
    share = (pretrained.classes(codes) == test_set[1].numpy()[chosen]).mean()
    away = np.median(np.hypot(*(codes - pretrained.codes(digits[chosen].reshape(-1, 784))).T))
    print(f"{share:.1%} right, median distance {away:.4f}")  # shown with -s
    assert share >= right
    assert away <= farthest


@pytest.fixture
def sheet(digits: Pixels) -> Pixels:
    """The first test digit, a 7, on a sheet: 1 where there is most ink."""
    return on_sheet(digits[0], np.random.default_rng(0))


@pytest.fixture
def is_read(pretrained: Pretrained, digits: Pixels, tmp_path: Path) -> Callable[..., bool]:
    """Whether an image, saved like this, is read as that 7."""

    def is_read(image: Image.Image, name: str = "seven.png", **options: Any) -> bool:
        image.save(tmp_path / name, **options)
        codes = pretrained.codes([read_picture(tmp_path / name), digits[0].ravel()])
        return math.dist(*codes.tolist()) < 0.03

    return is_read


@pytest.mark.parametrize(
    "name", ["7.png", "7.jpg", "7.gif", "7.bmp", "7.pgm", "7.webp", "7.tif", "7.jp2"]
)
def test_any_kind_of_file_is_read(name: str, sheet: Pixels, is_read: Callable[..., bool]) -> None:
    assert is_read(as_image(1 - sheet), name)


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "LA", "RGBA", "CMYK", "LAB", "I", "F"])
def test_any_kind_of_pixels_are_read(
    mode: str, sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    image = as_image(1 - sheet)
    converted = Image.merge("LAB", [image] * 3) if mode == "LAB" else image.convert(mode)
    assert is_read(converted, "seven.tif")


@pytest.mark.parametrize("most", [65535, 4095])
def test_sixteen_bits_are_read(most: int, sheet: Pixels, is_read: Callable[..., bool]) -> None:
    numbers = ((1 - sheet) * most).astype(np.uint16)
    assert is_read(Image.fromarray(numbers))
    assert is_read(Image.fromarray(numbers.astype(">u2")), "seven.tif")


@pytest.mark.parametrize(
    ("ink", "paper"),
    [
        ((0, 0, 160), (255, 255, 255)),
        ((255, 240, 0), (255, 255, 255)),
        ((0, 0, 255), (0, 0, 0)),
        ((255, 255, 255), (20, 60, 40)),
        ((200, 0, 0), (0, 102, 0)),  # equally bright
    ],
)
def test_any_colours_are_read(
    ink: tuple[int, int, int],
    paper: tuple[int, int, int],
    sheet: Pixels,
    is_read: Callable[..., bool],
) -> None:
    pixels = np.array(paper) + sheet[..., None] * np.subtract(ink, paper)
    assert is_read(Image.fromarray(pixels.astype(np.uint8)))


@pytest.mark.parametrize("ink", [(0, 0, 0), (255, 255, 255), (0, 0, 255), (255, 220, 0)])
def test_ink_on_nothing_is_read(
    ink: tuple[int, int, int], sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    image = Image.new("RGB", sheet.shape[::-1], ink)
    image.putalpha(as_image(sheet))
    assert is_read(image)
    assert is_read(image.quantize(16))
    assert is_read(image, "seven.webp")


@pytest.mark.parametrize("light", [True, False])
def test_a_card_on_nothing_is_read(
    light: bool, sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    card = as_image(1 - sheet if light else sheet).convert("RGBA")
    around = Image.new("RGBA", (card.width + 60, card.height + 80))
    around.paste(card, (30, 40))
    assert is_read(around)


@pytest.mark.parametrize(
    ("orientation", "stored"),
    [
        (2, Transpose.FLIP_LEFT_RIGHT),
        (3, Transpose.ROTATE_180),
        (4, Transpose.FLIP_TOP_BOTTOM),
        (5, Transpose.TRANSPOSE),
        (6, Transpose.ROTATE_90),
        (7, Transpose.TRANSVERSE),
        (8, Transpose.ROTATE_270),
    ],
)
def test_a_photo_of_a_phone_held_sideways_is_turned(
    orientation: int, stored: Transpose, sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert is_read(as_image(1 - sheet).transpose(stored), "seven.jpg", exif=exif)


def test_of_an_animation_the_first_frame_is_read(
    sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    others = [as_image(np.zeros_like(sheet))] * 2
    for name in ("seven.gif", "seven.webp"):
        assert is_read(as_image(1 - sheet), name, save_all=True, append_images=others)


def test_a_large_photo_is_read(sheet: Pixels, is_read: Callable[..., bool]) -> None:
    large = as_image(1 - sheet)
    assert is_read(large.resize((large.width * 18, large.height * 18)), "seven.jpg")


def in_shade(sheet: Pixels) -> Pixels:
    """Half the light on the right, with a hard edge through the digit."""
    lit = 0.9 - 0.75 * sheet
    lit[:, int((sheet.sum(axis=0) @ np.arange(sheet.shape[1])) / sheet.sum()) :] *= 0.5
    return lit


def on_a_table(sheet: Pixels) -> Pixels:
    width = sheet.shape[1] // 10
    return np.pad(0.9 - 0.7 * sheet, ((0, 0), (width, 0)), constant_values=0.35)


def in_pencil(sheet: Pixels) -> Pixels:
    return 0.85 - 0.2 * sheet


def on_squares(sheet: Pixels) -> Pixels:
    paper = 0.9 - 0.75 * sheet
    paper[::25] -= 0.08
    paper[:, ::25] -= 0.08
    return paper


def cut_out(sheet: Pixels) -> Pixels:
    rows, columns = ((sheet > 0.1).any(axis=axis).nonzero()[0] for axis in (1, 0))
    return 1 - sheet[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize("look", [in_shade, on_a_table, in_pencil, on_squares, cut_out])
def test_what_is_not_ink_is_told_from_it(
    look: Callable[[Pixels], Pixels], sheet: Pixels, is_read: Callable[..., bool]
) -> None:
    assert is_read(as_image(look(sheet)))


# --- pictures: how MNIST's makers made them ---------------------------------------------------


def test_mnists_own_digits_stay_where_they_are(pretrained: Pretrained, digits: Pixels) -> None:
    again = [as_mnist(digit) for digit in digits[:500]]
    before = digits[:500].reshape(-1, 784)
    assert np.abs(again - before).mean() < 0.02
    away = np.hypot(*(pretrained.codes(again) - pretrained.codes(before)).T)
    assert np.median(away) < 0.002


def test_the_longer_side_is_20_pixels_and_the_centre_of_mass_at_14_14(sheet: Pixels) -> None:
    for ink in (sheet, sheet.T.copy(), sheet[:, ::-1].copy()):
        digit = as_mnist(ink).reshape(28, 28)
        rows, columns = ((digit > INK / 2).any(axis=axis).sum() for axis in (1, 0))
        assert max(rows, columns) == BOX
        assert np.abs(centre_of_mass(digit) - CENTRE).max() <= 0.5


def test_ink_never_leaves_the_frame() -> None:
    """An L as long as heavy at its foot is not centred, since half of its stem would go."""
    ink = np.zeros((200, 200), np.float32)
    ink[:, :10] = 1
    ink[150:, :] = 1
    digit = as_mnist(ink)
    assert digit.sum() == pytest.approx(ink.mean() * BOX**2, rel=0.01)


# --- pictures that are none -------------------------------------------------------------------


def assert_refused(path: Path, *words: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_picture(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert all(word in message for word in words)


def test_what_is_no_picture_is_refused_for_its_true_cause(tmp_path: Path) -> None:
    assert_refused(tmp_path / "absent.png", "no such picture")
    assert_refused(tmp_path, "a folder")
    assert_refused(tmp_path / ("long" * 100), "cannot read", "too long")
    for content, word in (
        (b"", "empty"),
        (b"Dear all, here is my seven", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n", "not a picture"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\x89PNG\r\n", "cut short"),
    ):
        (tmp_path / "file.png").write_bytes(content)
        assert_refused(tmp_path / "file.png", word)


def test_a_picture_that_may_not_be_read_is_refused(
    sheet: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "private.png"
    as_image(sheet).save(file)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert_refused(file, "cannot read it: Permission denied")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
@pytest.mark.parametrize("name", ["7.png", "7.jpg", "7.gif", "7.bmp", "7.webp", "7.tif"])
def test_a_picture_cut_short_is_refused(
    name: str, share: float, sheet: Pixels, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    as_image(sheet).save(file, compression="tiff_lzw")
    file.write_bytes(file.read_bytes()[: max(6, int(share * file.stat().st_size))])
    assert_refused(file, "cut short")
    assert capfd.readouterr().err == ""


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that says its size and holds no pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        length, checksum = len(data), zlib.crc32(kind + data)
        return struct.pack(">I", length) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(7072, 7071), (10_000, 10_000), (100_000, 100_000)])
def test_more_than_50_megapixels_are_refused_before_they_are_decoded(
    size: tuple[int, int], tmp_path: Path
) -> None:
    file = tmp_path / "large.png"
    file.write_bytes(png_of_size(*size))
    assert_refused(file, "50 megapixels")
    file.write_bytes(png_of_size(7000, 7000))
    assert_refused(file, "cut short")


def test_damaged_pictures_are_read_or_refused(
    sheet: Pixels, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    random, file = np.random.default_rng(0), tmp_path / "damaged"
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"):
        stream = io.BytesIO()
        as_image(sheet[::4, ::4]).save(stream, kind)
        for _ in range(60):
            content = bytearray(stream.getvalue())
            for place in random.integers(0, min(len(content), 600), 3):
                content[place] = random.integers(256)
            file.write_bytes(content)
            try:
                digit = read_picture(file)
            except UserError:
                continue
            assert digit.shape == (784,)
            assert 0 <= digit.min() <= digit.max() <= 1
    assert capfd.readouterr().err == ""


def blank_sheets(random: Generator) -> Iterator[Pixels]:
    height, width = random.integers(40, 700, 2)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    lit = 0.9 - random.uniform(0, 0.25) * (x + 1) - 0.1 * y**2
    noise = random.normal(0, random.uniform(0.01, 0.1), (height, width))
    specks = np.full((height, width), 0.9)
    specks[random.integers(0, height, 5), random.integers(0, width, 5)] = 0.1
    for sheet in (np.zeros_like(lit), np.ones_like(lit), lit, lit + noise, 0.1 + noise, specks):
        yield sheet.astype(np.float32)
    yield random.random((height, width), np.float32)


def test_no_ink_is_found_on_blank_paper(tmp_path: Path) -> None:
    random, file = np.random.default_rng(0), tmp_path / "blank.jpg"
    for _ in range(10):
        for sheet in blank_sheets(random):
            as_image(sheet).save(file, quality=80)
            assert_refused(file, "no ink")
    for size in ((1, 1), (1, 900), (900, 1), (2, 2)):
        Image.new("L", size, 200).save(file)
        assert_refused(file, "no ink")
    Image.new("RGBA", (60, 60)).save(tmp_path / "clear.png")
    assert_refused(tmp_path / "clear.png", "no ink")


def test_importing_it_imports_neither_pillow_nor_scipy() -> None:
    code = (
        "import sys, autoencoder.handwriting; sys.exit(bool({'PIL', 'scipy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


# --- strokes ----------------------------------------------------------------------------------

# Ten digits as one draws them with a mouse, in tenths of a panel: x to the right, y down.
DRAWN: dict[int, list[Stroke]] = {
    0: [
        [(6, 1), (4, 1.5), (3, 3), (2.5, 5), (3, 7.5), (4.5, 9), (6, 8.5), (7, 7), (7.5, 4.5),
         (7, 2.2), (5.8, 1.1)]
    ],
    1: [[(5.6, 1), (5.3, 4), (5, 6.5), (4.7, 9)]],
    2: [
        [(3, 3), (3.6, 1.6), (5, 1), (6.5, 1.6), (6.8, 3), (6, 4.8), (4.5, 6.8), (2.8, 8.6),
         (4, 8.7), (7.4, 8.6)]
    ],
    3: [
        [(3, 2), (4.3, 1.1), (6, 1.2), (6.8, 2.5), (6, 4), (4.5, 4.7), (6, 5), (7, 6.2), (6.8, 7.8),
         (5.4, 8.9), (3.8, 8.8), (2.8, 8)]
    ],
    4: [[(3.4, 1.5), (3, 3.5), (3, 5), (5, 5.2), (7, 4.8)], [(7, 1.2), (6.8, 4), (6.6, 9)]],
    5: [
        [(4, 1.3), (3.7, 3), (3.5, 4.4), (5, 4.2), (6.4, 5), (6.8, 6.6), (6, 8.2), (4.4, 9),
         (2.8, 8.5)],
        [(4, 1.3), (7, 1.2)],
    ],
    6: [
        [(6, 1), (4.6, 2.6), (3.6, 4.6), (3.2, 6.8), (3.8, 8.6), (5.2, 9), (6.5, 8), (6.6, 6.4),
         (5.4, 5.6), (4, 6.2), (3.3, 7.2)]
    ],
    7: [[(2.8, 1.8), (5, 1.6), (7.2, 1.5), (6.4, 3.5), (5.4, 6), (4.6, 9)]],
    8: [
        [(6.6, 2), (5.2, 1), (3.8, 1.6), (3.7, 3), (5, 4.4), (6.4, 6), (6.6, 7.8), (5.2, 9),
         (3.7, 8.2), (3.8, 6.4), (5, 4.8), (6.4, 3.4), (6.6, 2)]
    ],
    9: [
        [(6.6, 2.4), (5.4, 1.2), (3.8, 1.8), (3.2, 3.6), (4, 4.8), (5.6, 4.4), (6.6, 2.6),
         (6.6, 5), (6.2, 9)]
    ],
}  # fmt: skip


def over(strokes: list[Stroke], size: float, left: float = 0, top: float = 0) -> list[Stroke]:
    """The same drawing over a part of the panel: in its sides, tenths become shares of them."""
    return [[(left + x * size / 10, top + y * size / 10) for x, y in stroke] for stroke in strokes]


def test_drawn_digits_are_read(pretrained: Pretrained) -> None:
    drawn = [draw_strokes(over(strokes, 1)) for strokes in DRAWN.values()]
    classes = pretrained.classes(pretrained.codes([digit for digit in drawn if digit is not None]))
    assert (classes == list(DRAWN)).sum() >= 9, classes


@pytest.mark.parametrize("digit", DRAWN)
def test_a_digit_over_a_third_of_the_panel_is_the_one_over_all_of_it(
    digit: int, pretrained: Pretrained
) -> None:
    whole = draw_strokes(over(DRAWN[digit], 1))
    third = draw_strokes(over(DRAWN[digit], 1 / 3, 0.6, 0.1))
    assert whole is not None
    assert third is not None
    assert np.abs(whole - third).max() < 1e-5
    # With a mouse, which knows whole pixels only.
    coarse = [
        [(round(x * 240) / 240, round(y * 240) / 240) for x, y in stroke]
        for stroke in over(DRAWN[digit], 1 / 3, 0.6, 0.1)
    ]
    third = draw_strokes(coarse)
    assert third is not None
    assert math.dist(*pretrained.codes([whole, third]).tolist()) <= 0.05


def test_strokes_are_as_thick_as_mnists(digits: Pixels) -> None:
    """Thickness is the ink of a stroke over its length: here of ones, which are one stroke."""
    drawn = draw_strokes([[(0.5, 0.1), (0.5, 0.9)]])
    assert drawn is not None
    ones = np.sort(digits.sum(axis=2), axis=1)[:, -BOX:]  # rows of ink, of all digits
    assert 0.5 < drawn.sum() / BOX / np.median(ones[digits.mean(axis=(1, 2)) < 0.06]) < 1.5
    inks = [image.mean() for image in map(draw_strokes, DRAWN.values()) if image is not None]
    assert 0.7 < np.mean(inks) / digits.mean() < 1.1  # thin, as ours are drawn without tremor


def test_the_centre_of_mass_of_a_drawing_is_at_14_14() -> None:
    for strokes in DRAWN.values():
        drawn = draw_strokes(strokes)
        assert drawn is not None
        assert np.abs(centre_of_mass(drawn.reshape(28, 28)) - CENTRE).max() < 0.1


def test_a_dot_stays_a_dot_and_a_tick_is_short() -> None:
    dot = draw_strokes([[(0.2, 0.9)]])
    tick = draw_strokes([[(0.2, 0.9), (0.25, 0.9)]])
    line = draw_strokes([[(0.2, 0.9), (0.6, 0.9)]])
    assert dot is not None
    assert tick is not None
    assert line is not None
    assert 0 < dot.sum() < tick.sum() < line.sum()
    assert (dot > 0).sum() <= 16


def test_there_is_nothing_where_nothing_was_drawn() -> None:
    assert draw_strokes([]) is None
    assert draw_strokes([[], []]) is None


def test_the_pixels_depend_on_the_line_and_not_on_its_points() -> None:
    """A quick hand and a slow one, which leaves many more points, draw the same."""
    quick = over(DRAWN[8], 1)
    slow = [
        [
            (x0 + step * (x1 - x0), y0 + step * (y1 - y0))
            for (x0, y0), (x1, y1) in pairwise(stroke)
            for step in (0, 0.1, 0.35, 0.35, 0.8, 1)
        ]
        for stroke in quick
    ]
    drawn, again = draw_strokes(quick), draw_strokes(slow)
    assert drawn is not None
    assert again is not None
    assert np.abs(drawn - again).max() < 1e-5


# --- the eraser -------------------------------------------------------------------------------


def length(strokes: list[list[tuple[float, float]]]) -> float:
    return sum(math.dist(*ends) for stroke in strokes for ends in pairwise(stroke))


def test_the_eraser_cuts_a_line_between_its_points() -> None:
    left, right = erase([[(0, 0.5), (1, 0.5)]], (0.4, 0.5), 0.1)
    assert np.allclose(left, [(0, 0.5), (0.3, 0.5)])
    assert np.allclose(right, [(0.5, 0.5), (1, 0.5)])


def test_the_eraser_takes_ends_dots_and_whole_strokes() -> None:
    line = [(0.0, 0.5), (0.2, 0.5), (1.0, 0.5)]
    (rest,) = erase([line], (0, 0.5), 0.1)
    assert np.allclose(rest, [(0.1, 0.5), (0.2, 0.5), (1, 0.5)])
    (rest,) = erase([line], (1, 0.5), 0.1)
    assert np.allclose(rest, [(0, 0.5), (0.2, 0.5), (0.9, 0.5)])
    assert erase([line], (0.5, 0.5), 0.6) == []
    dots: list[Stroke] = [[(0.2, 0.2)], [(0.8, 0.8), (0.8, 0.8)]]
    assert erase(dots, (0.2, 0.25), 0.1) == [[(0.8, 0.8), (0.8, 0.8)]]
    assert erase(dots, (0.8, 0.8), 0.1) == [[(0.2, 0.2)]]


def test_the_eraser_leaves_what_it_does_not_touch() -> None:
    strokes = over(DRAWN[5], 1)
    assert erase(strokes, (0.9, 0.9), 0.1) == strokes
    assert erase([], (0.5, 0.5), 0.1) == []


def test_nothing_is_left_under_the_eraser_and_nothing_else_is_lost() -> None:
    random = np.random.default_rng(0)
    for _ in range(300):
        strokes: list[list[tuple[float, float]]] = [
            [(x, y) for x, y in random.random((random.integers(1, 8), 2)).tolist()]
            for _ in range(3)
        ]
        x, y = random.random(2).tolist()
        radius = random.uniform(0.02, 0.4)
        rest = erase(strokes, (x, y), radius)
        shares = np.linspace(0, 1, 50)[:, None]
        for stroke in rest:
            for start, end in pairwise(stroke):
                points = np.array(start) + shares * np.subtract(end, start)
                assert np.hypot(*(points - (x, y)).T).min() > radius - 1e-9
        # What was under the eraser, in 4,000 steps a segment.
        taken = 0.0
        for start, end in (ends for stroke in strokes for ends in pairwise(stroke)):
            steps = np.array(start) + (np.arange(4000)[:, None] + 0.5) / 4000 * np.subtract(
                end, start
            )
            under = np.hypot(*(steps - (x, y)).T) <= radius
            taken += under.mean() * math.dist(start, end)
        assert length(rest) + taken == pytest.approx(length(strokes), abs=0.01)
