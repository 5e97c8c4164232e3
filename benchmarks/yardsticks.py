"""What two numbers, or so many pictures, can be expected to give, and how far the networks are.

    python -m benchmarks.yardsticks
    python -m benchmarks.yardsticks --full    # 10,000 centroids and the floors of the decoders too

All errors are test MSE per pixel. Nothing here trains a network; k-means starts from random
training digits, with a seed.
"""

from collections.abc import Callable
from pathlib import Path

from autoencoder.layers import TopographicEncoder, principal_components
from autoencoder.mnist import Digits, load_mnist
from autoencoder.model import (
    AutoEncoder,
    encode_digits,
    mean_squared_error,
    neighbour_accuracies,
    unit_pixels,
)
from autoencoder.storage.checkpoint import load_checkpoint
from benchmarks.report import CHECKPOINT, DATA, parse_arguments, print_machine

import torch
from torch import Tensor
from torch.func import jvp

RECORD = Path("checkpoints") / "autoencoder_record.pth"
CENTROIDS, MANY_CENTROIDS = (256, 1024, 2500), 10_000
ITERATIONS = 10
# K-means and the step compare digits in so many principal components, as the record does.
COMPONENTS = 64
SIDES, FLOOR_SIDE = (32, 48, 64, 100), 200
# As many of the training digits as the published results count.
FEWER = 50_000
DAMPING = 1e-2

Decoder = Callable[[Tensor], Tensor]


def main() -> None:
    arguments = parse_arguments(
        "Measure yardsticks for codes of two numbers.",
        full="10,000 centroids and the floors of the decoders too (minutes)",
    )
    train, test = load_mnist(DATA, "train"), load_mnist(DATA, "test")
    with torch.inference_mode():
        images, test_images = unit_pixels(train.images), unit_pixels(test.images)
        components = principal_components(images, COMPONENTS)[0].float()
        reconstruction = pca_reconstruction(images, test_images, 2)
        print_row("PCA with two numbers", error(test_images, reconstruction))
        for count in (*CENTROIDS, *([MANY_CENTROIDS] if arguments.full else [])):
            centroids = k_means(images, components, count, ITERATIONS)
            found = centroids[nearest(test_images, centroids)]
            print_row(f"k-means, {count:,} centroids", error(test_images, found))
    for path in (CHECKPOINT, RECORD):
        model = load_checkpoint(path).model
        print(f"\n{path.name}")
        print_codes(model, test, components, arguments.full)
        print_accuracies(model, train, test)
    print_machine()


def print_row(name: str, value: float) -> None:
    print(f"{name:50}{value:9.5f}", flush=True)


def error(images: Tensor, reconstruction: Tensor) -> float:
    return (images - reconstruction).square().mean().item()


def pca_reconstruction(images: Tensor, others: Tensor, count: int) -> Tensor:
    """Others (M, 784) from as many principal components of images (N, 784)."""
    mean, directions = images.mean(dim=0), principal_components(images, count)[0].float()
    return mean + (others - mean) @ directions.T @ directions


def nearest(images: Tensor, pictures: Tensor) -> Tensor:
    """Which of pictures (K, D) is nearest to each of images (N, D): (N,) int64."""
    squares = pictures.square().sum(dim=1)
    return torch.cat(
        [torch.addmm(squares, b, pictures.T, alpha=-2).argmin(dim=1) for b in images.split(1000)]
    )


def k_means(images: Tensor, components: Tensor, count: int, iterations: int) -> Tensor:
    """The centroids (count, 784) of images (N, 784) after Lloyd's iterations from random images.

    Images and centroids are compared in components (C, 784), with orthonormal rows. A centroid
    that no image is nearest to stays where it is.
    """
    generator = torch.Generator().manual_seed(0)
    centroids = images[torch.randperm(len(images), generator=generator)[:count]]
    projected = images @ components.T
    for _ in range(iterations):
        winners = nearest(projected, centroids @ components.T)
        sums = torch.zeros_like(centroids).index_add_(0, winners, images)
        members = winners.bincount(minlength=count)[:, None]
        centroids = torch.where(members > 0, sums / members.clamp(min=1), centroids)
    return centroids


def print_codes(model: AutoEncoder, test: Digits, components: Tensor, full: bool) -> None:
    """The test MSE of one decoder, by the way in which the codes are found."""
    print_row("its own encoder", mean_squared_error(model, test.images))
    images = unit_pixels(test.images)
    with torch.inference_mode():
        for side in SIDES:
            found = model.decode(best_places(model.decode, images, side))
            print_row(f"the best of {side}² places", error(images, found))
        for side in SIDES:
            encoder = TopographicEncoder.of(model.decode, components, side**2)
            latents = torch.cat([encoder(batch) for batch in images.split(1000)])
            print_row(f"the best of {side}² places, one step", error(images, model.decode(latents)))
    if full:
        with torch.no_grad():
            latents = best_places(model.decode, images, FLOOR_SIDE)
            for _ in range(2):
                pairs = zip(images.split(1000), latents.split(1000), strict=True)
                latents = torch.cat([stepped(model.decode, *pair) for pair in pairs])
            found = model.decode(latents)
        print_row(f"the best of {FLOOR_SIDE}² places, two full steps", error(images, found))


def best_places(decode: Decoder, images: Tensor, side: int) -> Tensor:
    """The code (N, 2), of side x side on the map, whose drawing is nearest to each image."""
    positions = 2 * (torch.arange(side) + 1) / (side + 1) - 1
    places = torch.cartesian_prod(positions, positions)
    return places[nearest(images, decode(places))]


def stepped(decode: Decoder, images: Tensor, latents: Tensor) -> Tensor:
    """Codes (N, 2) after a Gauss-Newton step with exact Jacobians, where it lowers the error."""
    drawn = decode(latents)
    axes = [axis.expand_as(latents).contiguous() for axis in torch.eye(latents.shape[1])]
    jacobian = torch.stack([jvp(decode, (latents,), (axis,))[1] for axis in axes], dim=1)
    gram = jacobian @ jacobian.mT + DAMPING * torch.eye(latents.shape[1])
    step = torch.linalg.solve(gram, jacobian @ (images - drawn)[:, :, None])[:, :, 0]
    moved = (latents + step).clamp(-1, 1)
    before = (images - drawn).square().sum(dim=1, keepdim=True)
    after = (images - decode(moved)).square().sum(dim=1, keepdim=True)
    return torch.where(after < before, moved, latents)


def print_accuracies(model: AutoEncoder, train: Digits, test: Digits) -> None:
    latents, test_latents = encode_digits(model, train.images), encode_digits(model, test.images)
    for neighbours in (len(latents), FEWER):
        accuracies = neighbour_accuracies(
            latents[:neighbours], train.labels[:neighbours], test_latents, test.labels
        )
        for count, accuracy in accuracies.items():
            print_row(f"{count}-NN among {neighbours:,} training codes", accuracy)


if __name__ == "__main__":
    main()
