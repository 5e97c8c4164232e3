"""The network: 784 pixels through 2 numbers and back, fully connected."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from autoencoder import UserError

PIXELS = 28 * 28
LATENT = 2
COMPRESSION = PIXELS / LATENT

ENCODER_HIDDEN = (512, 256, 128, 64, 16)
DECODER_HIDDEN = (16, 64, 128, 256, 512)

SHARPNESS = 32.0  # of the topographic encoder, per squared pixel value

BATCH_SIZE = 2000  # digits encoded or reconstructed at once


def unit_pixels(images: Tensor) -> Tensor:
    """Uint8 pixels as float32 in [0, 1]; `images / 255` takes nearly thirty times as long."""
    return images.float().mul_(1 / 255)


class Float32Linear(nn.Linear):
    """A linear layer that stays in float32 under autocast.

    Used on both sides of the code: bfloat16 would round the code itself to 8 bits.
    """

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class FourierFeatures(nn.Module):
    """Sines and cosines of the code, which let a decoder draw finer detail than the code alone.

    Tancik et al., "Fourier Features Let Networks Learn High Frequency Functions in Low Dimensional
    Domains", 2020.

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
        angles = latents @ self.frequencies
        return torch.cat([latents, angles.sin(), angles.cos()], dim=1)


def hidden_layers(widths: Sequence[int]) -> list[nn.Module]:
    """``Linear, BatchNorm1d, ReLU`` from each width to the next."""
    return [
        layer
        for inputs, outputs in pairwise(widths)
        for layer in (nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU())
    ]


class TopographicEncoder(nn.Module):
    """An encoder that compares the image with what the decoder draws all over the map.

    The posterior mean of a generative topographic mapping: every place z of a grid of codes answers
    for an image x in proportion to exp(-SHARPNESS * |x - decode(z)|²), and the code is the mean of
    the places, weighted so. Written out, that is three fully connected layers: 784 pixels to their
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
        """Take the principal components of (N, 784) uint8 images; the first two are the map."""
        pixels = unit_pixels(images)
        mean = pixels.mean(dim=0)
        # Apple's GPUs have no float64.
        covariance = (pixels.T @ pixels / len(pixels) - mean.outer(mean)).cpu().double()
        variances, directions = (part.flip(-1) for part in torch.linalg.eigh(covariance))
        self.to_components.weight.copy_(directions.T[: self.to_components.out_features])
        plane = (2 * variances.sqrt() * directions)[:, :LATENT].T.float().to(images.device)
        self.follow(lambda latents: mean + latents @ plane)

    @torch.no_grad()
    def follow(self, decode: Callable[[Tensor], Tensor]) -> None:
        """Take up what codes (N, 2) now decode to, as images (N, 784) in [0, 1]."""
        drawn = decode(self.to_code.weight.T)
        # |x - drawn|² without |x|², which softmax does not see.
        self.to_places.weight.copy_(2 * SHARPNESS * self.to_components(drawn))
        self.to_places.bias.copy_(-SHARPNESS * drawn.square().sum(dim=1))


class AutoEncoder(nn.Module):
    """An autoencoder with a code of two numbers.

    Parameters
    ----------
    encoder_hidden, decoder_hidden : sequence of int
        Widths of the hidden layers, in the order in which the data meets them.
    frequencies : int
        How many random frequencies the decoder sees the code through; with 0 the code alone.
    topographic : bool
        Whether the encoder is a TopographicEncoder, of encoder_hidden = (components, places).

    Attributes
    ----------
    arguments : dict
        What the constructor was given; a checkpoint records it, so that any file opens with the
        network it was trained with.
    """

    def __init__(
        self,
        encoder_hidden: Sequence[int] = ENCODER_HIDDEN,
        decoder_hidden: Sequence[int] = DECODER_HIDDEN,
        frequencies: int = 0,
        topographic: bool = False,
    ) -> None:
        super().__init__()
        self.arguments: dict[str, Any] = {
            "encoder_hidden": list(encoder_hidden),
            "decoder_hidden": list(decoder_hidden),
            "frequencies": frequencies,
            "topographic": topographic,
        }
        self.encoder = (
            TopographicEncoder(*encoder_hidden)
            if topographic
            else nn.Sequential(
                *hidden_layers([PIXELS, *encoder_hidden]),
                Float32Linear(encoder_hidden[-1], LATENT),
                nn.Tanh(),
            )
        )
        features = [FourierFeatures(frequencies)] if frequencies else []
        self.decoder = nn.Sequential(
            *features,
            Float32Linear(LATENT + 2 * frequencies, decoder_hidden[0]),
            nn.BatchNorm1d(decoder_hidden[0]),
            nn.ReLU(),
            *hidden_layers(decoder_hidden),
            nn.Linear(decoder_hidden[-1], PIXELS),
            nn.Sigmoid(),
        )

    def encode(self, images: Tensor) -> Tensor:
        """Images (N, 784) in [0, 1] to their codes (N, 2) in (-1, 1)."""
        return self.encoder(images)

    def decode(self, latents: Tensor) -> Tensor:
        """Codes (N, 2) in [-1, 1] to images (N, 784) in [0, 1]."""
        return self.decoder(latents)

    def forward(self, images: Tensor, code_noise: Tensor | float = 0.0) -> tuple[Tensor, Tensor]:
        """Images (N, 784) in [0, 1] to their codes (N, 2) and reconstructions (N, 784).

        With code_noise, (N, 2), the reconstructions are those of codes beside.
        """
        latents = self.encode(images)
        return latents, self.decode(latents + code_noise)

    def start(self, images: Tensor) -> None:
        """Give a topographic encoder its first map, that of (N, 784) uint8 images."""
        if isinstance(self.encoder, TopographicEncoder):
            self.encoder.start(images)

    def follow(self) -> None:
        """Have a topographic encoder take up what the decoder draws now."""
        if isinstance(self.encoder, TopographicEncoder):
            mode = self.training
            self.encoder.follow(self.decoder.eval())
            self.train(mode)


@torch.inference_mode()
def encode_digits(model: AutoEncoder, images: Tensor, batch_size: int = BATCH_SIZE) -> Tensor:
    """The codes of any number of digits, in float32 and a bounded amount of memory.

    Parameters
    ----------
    model : AutoEncoder
        In evaluation mode.
    images : (N, 784) uint8
    batch_size : int
        Digits encoded at once.

    Returns
    -------
    (N, 2) float32 in (-1, 1), on the device of the images

    Raises
    ------
    UserError
        If the weights are so large that some codes are no numbers.
    """
    latents = torch.cat([model.encode(unit_pixels(batch)) for batch in images.split(batch_size)])
    if not latents.isfinite().all():
        raise UserError("some digits have no place on the map: the network's weights are too large")
    return latents


@torch.inference_mode()
def reconstruction_errors(model: AutoEncoder, images: Tensor) -> Tensor:
    """The mean squared error per pixel of each of (N, 784) uint8 digits: (N,) float32.

    The model is in evaluation mode; memory is bounded as in encode_digits.
    """
    clean = map(unit_pixels, images.split(BATCH_SIZE))
    return torch.cat([((model(batch)[1] - batch) ** 2).mean(dim=1) for batch in clean])
