"""Films: frames of a figure, written as an animated WebP while they are drawn."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autoencoder.storage.files import make_folder, write_atomically

import numpy as np
from PIL import Image

FRAME_MS = 80
# At this quality dots of five pixels still have clear edges, and a film of ten seconds in which a
# thousand of them move takes less than 2 MB; lossless, it would take 10.
QUALITY = 40


def as_image(canvas: Any) -> Image.Image:
    """What is drawn on a canvas of Agg by now."""
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def save(
    path: Path,
    frames: Iterator[Image.Image],
    count: int,
    ends_ms: tuple[int, int] = (FRAME_MS, FRAME_MS),
) -> None:
    """Write a film atomically, making its folder.

    Parameters
    ----------
    path : Path
    frames : iterator of images, all of one size
    count : int
        How many there are, at least two.
    ends_ms : (int, int)
        How long the first and the last frame stay: the film goes round and round.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    make_folder(path.parent)
    first, rest = next(frames), count - 1
    buffer = io.BytesIO()
    first.save(
        buffer,
        "WEBP",
        save_all=True,
        append_images=[Reel(frames, rest)],
        duration=[ends_ms[0], *[FRAME_MS] * (rest - 1), ends_ms[1]],
        quality=QUALITY,
        method=4,
    )
    write_atomically(path, buffer.getvalue())


class Reel:
    """An image of many frames, as Pillow sees it, each of which is drawn when it is sought.

    All of them at once would take 200 MB, and progress could not tell how far the film is.
    """

    def __init__(self, frames: Iterator[Image.Image], count: int) -> None:
        self.frames = frames
        self.n_frames = count

    def seek(self, _number: int) -> None:
        """Go on to the next frame: Pillow seeks them in turn, and none twice."""
        self.frame = next(self.frames)

    def __getattr__(self, name: str) -> Any:
        """Be the current frame in all else."""
        return getattr(self.frame, name)
