"""The map: a model, the digits where it puts them, and what one asks of them.

The explorer's window and its page are twins over this map; what both have to agree on stands here.
"""

from functools import cached_property

from autoencoder.layers import TopographicEncoder, principal_components
from autoencoder.linear import PrincipalComponents
from autoencoder.mnist import Digits
from autoencoder.model import Codec, encode_digits, reconstruction_errors, unit_pixels

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

NEIGHBOURS = 5  # real digits shown beside the decoded one
GRID = 25  # decoded digits a side of the grid
NUDGE = 0.01  # how far an arrow key moves the point
WALK = 12  # decoded digits on the way from A to B
SECONDS_A_LEG = 3.0  # of the tour, from one digit to the next
SECONDS_A_GLIDE = 0.5  # of the dots, from one map to another
CROSS_DISTANCE = 0.03  # from a digit's code to its best point, from which on a cross marks it
# How far the map reaches beyond the outermost codes: this much, and this share of their range.
MARGIN, MARGIN_SHARE = 0.05, 0.03
# The best point for a digit is looked up in as many principal components and places of the map.
LOOKUP_COMPONENTS, LOOKUP_PLACES = 64, 64**2
# A point is far from any digit where this share of the digits has another digit nearer by.
FAR_SHARE = 0.99
FARTHEST = 2 * 2**0.5  # from corner to corner of [-1, 1]²
FAR_ROWS = 100  # of distances at once: they fit into a processor's cache
# A digit is densest at the code whose neighbour of this rank is nearest.
DENSITY_RANK = 30

Point = NDArray[np.float64]


class LatentMap:
    """A model and the digits that it has put on its map.

    Parameters
    ----------
    model : Codec
        A network is in evaluation mode, on the CPU.
    digits : Digits

    Attributes
    ----------
    model
    digits
    images : (N, 784) uint8
    labels : (N,) int64 in 0..9
    latents : (N, 2) float32
        The codes of the digits; a network's are in (-1, 1).
    """

    def __init__(self, model: Codec, digits: Digits) -> None:
        self.model = model
        self.digits = digits
        self.images = digits.images.numpy()
        self.labels = digits.labels.numpy()
        self.latents = encode_digits(model, digits.images).numpy()

    @property
    def name(self) -> str:
        """What draws the digits."""
        return "PCA" if isinstance(self.model, PrincipalComponents) else "network"

    @cached_property
    def errors(self) -> NDArray[np.float32]:
        """The mean squared error per pixel of each digit's reconstruction: (N,), ascending."""
        return np.sort(reconstruction_errors(self.model, torch.from_numpy(self.images)).numpy())

    @cached_property
    def far(self) -> float:
        """The distance that FAR_SHARE of the digits keep, at most, from their nearest neighbour.

        All distances are computed, which takes 25 ms: to import a tree takes 400.
        """
        codes = torch.from_numpy(self.latents)
        squares = codes.square().sum(dim=1)
        nearest = torch.empty(len(codes))
        for start in range(0, len(codes), FAR_ROWS):
            rows = slice(start, start + FAR_ROWS)
            # |a - b|² without |a|², which is the same in a row.
            apart = torch.addmm(squares, codes[rows], codes.T, alpha=-2)
            apart.diagonal(start).fill_(FARTHEST**2)
            nearest[rows] = apart.amin(dim=1) + squares[rows]
        distances = nearest.clamp(min=0).sqrt().numpy()
        return float(np.quantile(distances, FAR_SHARE))

    @cached_property
    def lookup(self) -> TopographicEncoder:
        """What finds the best point for a digit: it looks through the drawings of the decoder."""
        pixels = unit_pixels(torch.from_numpy(self.images))
        components, _ = principal_components(pixels, LOOKUP_COMPONENTS)
        return TopographicEncoder.of(self.model.decode, components.float(), LOOKUP_PLACES)

    def prepare(self) -> None:
        """Make now what the first digit that goes in would have to wait for.

        A thread may do it: what another one asks for meanwhile is made twice, at worst.
        """
        _ = self.errors, self.lookup

    def pixels(self, index: int | NDArray[np.intp]) -> NDArray[np.float32]:
        """The pixels of a digit on the map, (784,) in [0, 1]; of several, (N, 784)."""
        pixels: NDArray[np.float32] = np.divide(self.images[index], 255, dtype=np.float32)
        return pixels

    @torch.inference_mode()
    def encode(self, pixels: NDArray[np.float32]) -> Point:
        """The code of a digit, (784,) in [0, 1]."""
        return self.model.encode(torch.from_numpy(pixels)[None])[0].double().numpy()

    @torch.inference_mode()
    def best_point(self, pixels: NDArray[np.float32]) -> Point:
        """The point whose decoded digit is nearest to (784,) pixels, as far as it is looked up."""
        return self.lookup(torch.from_numpy(pixels)[None])[0].double().numpy()

    def better_point(self, pixels: NDArray[np.float32], point: Point) -> Point | None:
        """The best point for (784,) pixels, if it lies apart from a point and has less error."""
        best = self.best_point(pixels)
        if np.hypot(*(best - point)) <= CROSS_DISTANCE:
            return None
        errors = self.errors_at([point, best], pixels)
        return best if errors[1] < errors[0] else None

    def errors_at(self, points: ArrayLike, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean squared error per pixel of what points (N, 2) decode to: (N,)."""
        return ((self.decode(points) - pixels) ** 2).mean(axis=1)

    def percentile(self, error: float) -> int:
        """The share of the digits on the map that have a smaller error, in percent."""
        return round(100 * float(np.searchsorted(self.errors, error)) / len(self.errors))

    @torch.inference_mode()
    def decode(self, points: ArrayLike) -> NDArray[np.float32]:
        """Points (N, 2) in [-1, 1]² to the digits they decode to, (N, 784).

        A network's pixels are in [0, 1]; some of those that a line leads to lie beyond.
        """
        codes = torch.as_tensor(np.asarray(points, dtype=np.float32))
        return self.model.decode(codes).numpy()

    def nearest(
        self, point: ArrayLike, count: int, among: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The indices of the digits nearest to a point, and their distances, nearest first.

        ``among`` (N,) tells which digits count; there may be fewer of them than are asked for.
        """
        distances = np.hypot(*(self.latents - np.asarray(point, dtype=float)).T)
        if among is not None:
            distances[~among] = np.inf
        count = min(count, int(np.isfinite(distances).sum()))
        nearest = distances.argpartition(max(count - 1, 0))[:count]
        nearest = nearest[distances[nearest].argsort()]
        return nearest, distances[nearest]

    def densest_point(self, digit: int) -> Point | None:
        """The code of a digit that has the most of its kind around it; None for a digit not here.

        The k-nearest-neighbour density estimate of Loftsgaarden and Quesenberry, 1965.
        """
        from scipy.spatial import cKDTree

        codes = self.latents[self.labels == digit]
        if not len(codes):
            return None
        distances, _ = cKDTree(codes).query(codes, k=[min(DENSITY_RANK, len(codes))])
        return codes[distances[:, 0].argmin()].astype(float)

    def limits(self, point: ArrayLike) -> NDArray[np.float64]:
        """The part of the latent space that the map shows: [[left, right], [bottom, top]].

        It holds all the digits, and the point where the explorer starts.
        """
        shown = np.vstack([self.latents, np.asarray(point, dtype=float)])
        margin = MARGIN + MARGIN_SHARE * np.ptp(self.latents, axis=0)
        return np.stack([shown.min(axis=0) - margin, shown.max(axis=0) + margin], axis=1)
