"""The network: 784 pixels through 2 numbers and back, fully connected."""

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


def hidden_layers(widths: Sequence[int]) -> list[nn.Module]:
    """``Linear, BatchNorm1d, ReLU`` from each width to the next."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        linear = Float32Linear if inputs == LATENT else nn.Linear
        layers += [linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
    return layers


class AutoEncoder(nn.Module):
    """An autoencoder with a code of two numbers.

    Parameters
    ----------
    encoder_hidden, decoder_hidden : sequence of int
        Widths of the hidden layers, in the order in which the data meets them.

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
    ) -> None:
        super().__init__()
        self.arguments = {
            "encoder_hidden": list(encoder_hidden),
            "decoder_hidden": list(decoder_hidden),
        }
        self.encoder = nn.Sequential(
            *hidden_layers([PIXELS, *encoder_hidden]),
            Float32Linear(encoder_hidden[-1], LATENT),
            nn.Tanh(),
        )
        self.decoder = nn.Sequential(
            *hidden_layers([LATENT, *decoder_hidden]),
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
