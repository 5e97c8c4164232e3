"""The layers that the network is made of, and an encoder that is looked up instead of trained."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

PIXELS = 28 * 28
LATENT = 2

SHARPNESS = 32.0  # of the topographic encoder's softmax, per squared pixel value


def hidden_layers(widths: Sequence[int]) -> list[nn.Module]:
    """``Linear, BatchNorm1d, ReLU`` from each width to the next."""
    return [
        layer
        for inputs, outputs in pairwise(widths)
        for layer in (nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU())
    ]


class Float32Linear(nn.Linear):
    """A linear layer that stays in float32 under autocast.

    It stands on both sides of the code, which bfloat16 would round to 8 bits.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class FourierFeatures(nn.Module):
    """Sines and cosines of the code, which let a decoder draw finer detail than the code alone.

    Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
    Domains", 2020. They stay in float32 under autocast: bfloat16 would round angles of some ten
    radians to 8 bits, and the features would be off by up to 0.05.

    Parameters
    ----------
    count : int
        How many random frequencies.
    """

    frequencies: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", math.pi * torch.randn(LATENT, count))

    def forward(self, latents: Tensor) -> Tensor:
        """Codes (N, 2) to features (N, 2 + 2 * count): the code, sines, cosines."""
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            angles = latents @ self.frequencies
            return torch.cat([latents, angles.sin(), angles.cos()], dim=1)


class TopographicEncoder(nn.Module):
    """An encoder that compares the image with what the decoder draws all over the map.

    The posterior mean of a generative topographic mapping: every place z of a grid of codes is
    weighted by exp(-SHARPNESS * |x - decode(z)|²) for an image x, and the code is their weighted
    mean. Written out, that is three fully connected layers: 784 pixels to their
    principal components, to the places (softmax), to 2. No gradient trains them: they follow from
    the decoder, and so learn no digit by heart.

    Bishop, Svensén and Williams, "GTM: The Generative Topographic Mapping", 1998.

    Parameters
    ----------
    components : int
        How many principal components the images are compared in.
    places : int
        How many places the grid has; a square number.
    """

    def __init__(self, components: int, places: int) -> None:
        side = math.isqrt(places)
        if side**2 != places:
            raise ValueError(f"{places} places make no square grid")
        super().__init__()
        self.to_components = Float32Linear(PIXELS, components, bias=False)
        self.to_places = Float32Linear(components, places)
        self.to_code = Float32Linear(places, LATENT, bias=False)
        self.requires_grad_(False)
        centres = (2 * torch.arange(side) + 1) / side - 1
        self.to_code.weight.copy_(torch.cartesian_prod(centres, centres).T)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 784) in [0, 1] to their codes (N, 2) in (-1, 1)."""
        return self.to_code(self.to_places(self.to_components(images)).softmax(dim=1))

    def start(self, images: Tensor) -> None:
        """Take the principal components of images (N, 784) in [0, 1]; the first two are the map."""
        mean = images.mean(dim=0)
        # Apple's GPUs have no float64.
        covariance = (images.T @ images / len(images) - mean.outer(mean)).cpu().double()
        variances, directions = (part.flip(-1) for part in torch.linalg.eigh(covariance))
        self.to_components.weight.copy_(directions.T[: self.to_components.out_features])
        plane = (2 * variances.sqrt() * directions)[:, :LATENT].T.float().to(images.device)
        self.follow(lambda latents: mean + latents @ plane)

    @torch.no_grad()
    def follow(self, decode: Callable[[Tensor], Tensor]) -> None:
        """Compare from now on with what codes (N, 2) decode to, images (N, 784) in [0, 1]."""
        drawn = decode(self.to_code.weight.T)
        # |x - drawn|² without |x|², which softmax does not see.
        self.to_places.weight.copy_(2 * SHARPNESS * self.to_components(drawn))
        self.to_places.bias.copy_(-SHARPNESS * drawn.square().sum(dim=1))
