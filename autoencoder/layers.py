"""The layers that the network is made of, and an encoder that is looked up instead of trained."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

PIXELS = 28 * 28
LATENT = 2

# The standard deviation of the Fourier features' frequencies, in waves over the map. With 8, on
# 80 x 80 places, the decoder drew finer detail than the places resolve, and the codes of the ones
# lined up in rows and columns.
FREQUENCY_SPREAD = 4.0
# Of the topographic encoder: how far a code may lie from its place, in cells of the grid, and what
# keeps its step finite where the decoder draws the same all around.
REACH = 0.75
DAMPING = 1e-2


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
        self.register_buffer("frequencies", math.pi * FREQUENCY_SPREAD * torch.randn(LATENT, count))

    def forward(self, latents: Tensor) -> Tensor:
        """Codes (N, 2) to features (N, 2 + 2 * count): the code, sines, cosines."""
        with torch.autocast(latents.device.type, enabled=False):
            latents = latents.float()
            angles = latents @ self.frequencies
            return torch.cat([latents, angles.sin(), angles.cos()], dim=1)


class TopographicEncoder(nn.Module):
    """An encoder that compares the image with what the decoder draws all over the map.

    A square grid of codes, the places, stands for the map, as in a generative topographic mapping.
    The place whose drawing is nearest to the image wins, and one Gauss-Newton step from there leads
    to where a drawing that changed evenly around the place would be nearest. Written out, that is
    three fully connected layers, of the last of which the winner chooses two rows: 784 pixels to
    their principal components, to the places, to 2. No gradient trains them: they follow from the
    decoder, any function from codes to images, and so learn no digit by heart.

    Bishop, Svensén and Williams, "GTM: The Generative Topographic Mapping", 1998. Gauss-Newton:
    Nocedal and Wright, "Numerical Optimization", 2006, chapter 10.

    Parameters
    ----------
    components : int
        How many principal components the images are compared in.
    places : int
        How many places the grid has; a square number, at least 4.
    """

    def __init__(self, components: int, places: int) -> None:
        side = math.isqrt(places)
        if side < 2 or side**2 != places:
            raise ValueError(f"{places} places make no square grid")
        super().__init__()
        self.side = side
        self.to_components = Float32Linear(PIXELS, components, bias=False)
        self.to_places = Float32Linear(components, places)
        self.to_step = Float32Linear(components, LATENT * places)
        self.requires_grad_(False)

    @classmethod
    def of(
        cls, decode: Callable[[Tensor], Tensor], components: Tensor, places: int
    ) -> "TopographicEncoder":
        """The encoder to a decoder, from codes (N, 2) to images (N, 784) in [0, 1].

        components : (components, 784), orthonormal rows
        """
        encoder = cls(len(components), places).to(components.device)
        encoder.to_components.weight.copy_(components)
        encoder.follow(decode)
        return encoder

    def codes(self, places: Tensor) -> Tensor:
        """Positions on the grid (N, 2), from 0 to side - 1, whole or between, to codes (N, 2).

        The outermost places lie a cell inside the border of the map, which no step crosses.
        """
        return 2 * (places + 1) / (self.side + 1) - 1

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 784) in [0, 1] to their codes (N, 2) in (-1, 1)."""
        with torch.autocast(images.device.type, enabled=False):
            components = self.to_components(images.float())
            best = self.to_places(components).argmax(dim=1)
            weight = self.to_step.weight.view(-1, LATENT, components.shape[1])[best]
            bias = self.to_step.bias.view(-1, LATENT)[best]
            step = torch.einsum("npc,nc->np", weight, components) + bias
            return self.codes(torch.stack([best // self.side, best % self.side], 1) + bounded(step))

    def start(self, images: Tensor) -> None:
        """Take the principal components of images (N, 784) in [0, 1]; the first two are the map."""
        mean = images.mean(dim=0)
        components, variances = principal_components(images, self.to_components.out_features)
        self.to_components.weight.copy_(components)
        plane = (2 * variances.sqrt()[:, None] * components)[:LATENT].float().to(images.device)
        self.follow(lambda latents: mean + latents @ plane)

    @torch.no_grad()
    def follow(self, decode: Callable[[Tensor], Tensor]) -> None:
        """Compare from now on with what codes (N, 2) decode to, images (N, 784) in [0, 1]."""
        positions = torch.arange(self.side, device=self.to_places.weight.device).float()
        drawn = decode(self.codes(torch.cartesian_prod(positions, positions))).float()
        components = self.to_components(drawn)
        # |x - drawn|² without |x|², which is the same for all places.
        self.to_places.weight.copy_(2 * components)
        self.to_places.bias.copy_(-drawn.square().sum(dim=1))
        # The Jacobian from differences between neighbours: as good as the exact one, at a third of
        # the time, and no decoder need be differentiable.
        grid = drawn.view(self.side, self.side, PIXELS)
        jacobian = torch.stack(torch.gradient(grid, dim=(0, 1)), dim=2).flatten(0, 1)
        gram = jacobian @ jacobian.mT + DAMPING * torch.eye(LATENT, device=drawn.device)
        step = torch.linalg.solve(gram, self.to_components(jacobian))
        self.to_step.weight.copy_(step.flatten(0, 1))
        self.to_step.bias.copy_(-torch.einsum("kpc,kc->kp", step, components).flatten())


def principal_components(images: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The directions (count, 784) in which images (N, 784) vary most, and the variances (count,).

    They are in float64 and on the CPU: Apple's GPUs have no float64.
    """
    mean = images.mean(dim=0)
    covariance = (images.T @ images / len(images) - mean.outer(mean)).cpu().double()
    variances, directions = (part.flip(-1) for part in torch.linalg.eigh(covariance))
    return directions.T[:count], variances[:count]


def bounded(step: Tensor) -> Tensor:
    """A step on the grid, smoothly kept within REACH cells of its place.

    Cut off there, the codes of many digits would lie on the borders of cells, for all to see.
    """
    ratio = (step / REACH).clamp(-100, 100)
    return REACH * ratio / (1 + ratio**4) ** 0.25
