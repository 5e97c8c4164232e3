"""The yardsticks measure what they say."""

from autoencoder.model import unit_pixels
from benchmarks.yardsticks import error, k_means, nearest, pca_reconstruction

import torch
from torch import Tensor


def test_k_means_lowers_its_error_from_iteration_to_iteration(few_digits: Tensor) -> None:
    images = unit_pixels(few_digits)
    errors = []
    for iterations in range(4):
        centroids = k_means(images, torch.eye(784), 20, iterations)
        errors.append(error(images, centroids[nearest(images, centroids)]))
    assert errors[0] > errors[1] > errors[2] > errors[3]


def test_two_principal_components_draw_what_the_singular_vectors_draw(few_digits: Tensor) -> None:
    images = unit_pixels(few_digits)
    mean = images.mean(dim=0)
    u, s, v = torch.linalg.svd(images - mean, full_matrices=False)
    expected = mean + (u[:, :2] * s[:2]) @ v[:2]
    assert torch.allclose(pca_reconstruction(images, images, 2), expected, atol=1e-4)
