"""The answer without a network: digits through the two numbers of a principal component analysis.

It is the best that straight lines can do: no other mean and no other two directions leave a smaller
mean squared error. What an autoencoder gains, it gains over this.
"""

from autoencoder.layers import LATENT, principal_components
from autoencoder.model import unit_pixels

from torch import Tensor, nn


class PrincipalComponents(nn.Module):
    """The first two principal components of images, with the interface of an AutoEncoder.

    Pearson, "On Lines and Planes of Closest Fit to Systems of Points in Space", 1901.

    Parameters
    ----------
    images : (N, 784) uint8
        The digits that the components are fitted to.

    Attributes
    ----------
    mean : (784,) float32 in [0, 1]
    components : (2, 784) float32
        By how much the pixels change from the centre of the map to its right and to its upper edge.
    """

    mean: Tensor
    components: Tensor

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        pixels = unit_pixels(images)
        mean = pixels.mean(dim=0)
        directions = principal_components(pixels, LATENT)[0].float()
        # Which way a component points is left to chance: here, most pixels brighten along it.
        directions *= directions.sum(dim=1, keepdim=True).sign()
        # One scale for both: the largest coordinate of all the digits lies on the map's edge.
        scale = ((pixels - mean) @ directions.T).abs().max()
        self.register_buffer("mean", mean)
        self.register_buffer("components", scale * directions)

    def encode(self, images: Tensor) -> Tensor:
        """Images (N, 784) in [0, 1] to their codes (N, 2); those of the fitted ones in [-1, 1]."""
        return (images - self.mean) @ self.components.T / self.components.square().sum(dim=1)

    def decode(self, latents: Tensor) -> Tensor:
        """Codes (N, 2) to images (N, 784), of which some pixels lie beyond [0, 1]."""
        return self.mean + latents @ self.components

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 784) in [0, 1] to their codes (N, 2) and reconstructions (N, 784)."""
        latents = self.encode(images)
        return latents, self.decode(latents)
