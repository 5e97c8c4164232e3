"""The network: 784 pixels through 2 numbers and back, fully connected."""

from collections.abc import Sequence
from typing import Any, Protocol

from autoencoder import UserError
from autoencoder.layers import (
    LATENT,
    PIXELS,
    Float32Linear,
    FourierFeatures,
    TopographicEncoder,
    hidden_layers,
)

import torch
from torch import Tensor, nn

COMPRESSION = PIXELS / LATENT

ENCODER_HIDDEN = (512, 256, 128, 64, 16)
DECODER_HIDDEN = (16, 64, 128, 256, 512)

BATCH_SIZE = 2000  # digits encoded or reconstructed at once


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

        code_noise (N, 2) is added to the code before decoding.
        """
        latents = self.encode(images)
        return latents, self.decode(latents + code_noise)

    def start(self, images: Tensor) -> None:
        """Give a topographic encoder its first map, that of (N, 784) uint8 images."""
        if isinstance(self.encoder, TopographicEncoder):
            self.encoder.start(unit_pixels(images))

    def follow(self) -> None:
        """Have a topographic encoder compare with what the decoder draws by now."""
        if isinstance(self.encoder, TopographicEncoder):
            mode = self.training
            self.encoder.follow(self.decoder.eval())
            self.train(mode)


class Codec(Protocol):
    """What squeezes images (N, 784) into codes (N, 2), and draws them back from these."""

    def encode(self, images: Tensor, /) -> Tensor: ...

    def decode(self, latents: Tensor, /) -> Tensor: ...

    def __call__(self, images: Tensor, /) -> tuple[Tensor, Tensor]: ...


def unit_pixels(images: Tensor) -> Tensor:
    """Uint8 pixels as float32 in [0, 1]; `images / 255` takes nearly thirty times as long."""
    return images.float().mul_(1 / 255)


@torch.inference_mode()
def encode_digits(model: Codec, images: Tensor, batch_size: int = BATCH_SIZE) -> Tensor:
    """The codes of any number of digits, in float32 and a bounded amount of memory.

    Parameters
    ----------
    model : Codec
        A network is in evaluation mode.
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
        raise UserError(
            "the codes of some digits are not numbers: the network's weights are too large"
        )
    return latents


@torch.inference_mode()
def reconstruction_errors(model: Codec, images: Tensor) -> Tensor:
    """The mean squared error per pixel of each of (N, 784) uint8 digits: (N,) float32.

    A network is in evaluation mode; memory is bounded as in encode_digits.
    """
    clean = map(unit_pixels, images.split(BATCH_SIZE))
    return torch.cat([((model(batch)[1] - batch) ** 2).mean(dim=1) for batch in clean])


def mean_squared_error(model: Codec, images: Tensor) -> float:
    """The error per pixel of the reconstructions of all the digits, as reconstruction_errors."""
    return reconstruction_errors(model, images).mean().item()


def neighbour_accuracies(
    latents: Tensor,
    labels: Tensor,
    test_latents: Tensor,
    test_labels: Tensor,
    counts: Sequence[int] = (1, 5, 10),
) -> dict[int, float]:
    """The share of test codes whose nearest training codes elect the right digit, by their count.

    Where digits have as many votes, the smallest is elected.
    """
    from scipy.spatial import cKDTree

    most = min(max(counts), len(latents))
    _, nearest = cKDTree(latents.numpy()).query(test_latents.numpy(), range(1, most + 1))
    votes = labels[torch.from_numpy(nearest)]
    return {
        count: (votes[:, :count].mode(dim=1).values == test_labels).float().mean().item()
        for count in counts
    }
