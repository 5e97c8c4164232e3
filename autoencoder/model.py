"""The network: 784 pixels through 2 numbers and back, fully connected."""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

PIXELS = 28 * 28
LATENT = 2
COMPRESSION = PIXELS / LATENT

ENCODER_HIDDEN = (512, 256, 128, 64, 16)
DECODER_HIDDEN = (16, 64, 128, 256, 512)

BATCH_SIZE = 2000  # digits encoded or reconstructed at once


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


class AutoEncoder(nn.Module):
    """An autoencoder with a code of two numbers.

    Parameters
    ----------
    encoder_hidden, decoder_hidden : sequence of int
        Widths of the hidden layers, in the order in which the data meets them.
    frequencies : int
        How many random frequencies the decoder sees the code through; with 0 the code alone.

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
    ) -> None:
        super().__init__()
        self.arguments = {
            "encoder_hidden": list(encoder_hidden),
            "decoder_hidden": list(decoder_hidden),
            "frequencies": frequencies,
        }
        self.encoder = nn.Sequential(
            *hidden_layers([PIXELS, *encoder_hidden]),
            Float32Linear(encoder_hidden[-1], LATENT),
            nn.Tanh(),
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

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 784) in [0, 1] to their codes (N, 2) and reconstructions (N, 784)."""
        latents = self.encode(images)
        return latents, self.decode(latents)


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
    """
    return torch.cat([model.encode(batch / 255) for batch in images.split(batch_size)])


@torch.inference_mode()
def reconstruction_errors(model: AutoEncoder, images: Tensor) -> Tensor:
    """The mean squared error per pixel of each of (N, 784) uint8 digits: (N,) float32.

    The model is in evaluation mode; memory is bounded as in encode_digits.
    """
    clean = (batch / 255 for batch in images.split(BATCH_SIZE))
    return torch.cat([((model(batch)[1] - batch) ** 2).mean(dim=1) for batch in clean])
