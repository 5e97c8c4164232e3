"""Muon: steps as long in every direction, as torch's own takes them."""

from autoencoder.muon import Muon, orthogonalize
from autoencoder.training import MUON_RATE, Settings, Training
from main import train_epoch

import pytest
import torch
from torch import Tensor, nn

SHAPES = [(64, 128), (128, 64), (96, 96)]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_orthogonalized_matrix_has_singular_values_of_about_one(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    rows, columns = shape
    rank = min(shape)
    left = torch.linalg.qr(torch.randn(rows, rank, generator=generator)).Q
    right = torch.linalg.qr(torch.randn(columns, rank, generator=generator)).Q
    values = torch.logspace(-1.5, 0.5, rank)
    result = orthogonalize(left * values @ right.T)
    assert result.shape == shape
    inner = left.T @ result @ right
    assert (inner - inner.diag().diag()).abs().max() < 1e-3
    assert 0.65 < inner.diag().min() <= inner.diag().max() < 1.25


def test_a_gradient_of_zeros_moves_nothing() -> None:
    assert torch.equal(orthogonalize(torch.zeros(8, 4)), torch.zeros(8, 4))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="needs torch 2.9, which has its own")
def test_it_moves_a_matrix_as_torchs_own_does(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    start, target = (torch.randn(shape, generator=generator) for _ in range(2))
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    optimizers = Muon([ours], 0.1, torch.bfloat16), torch.optim.Muon([theirs], 0.1, weight_decay=0)
    for _ in range(10):
        for matrix, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (matrix - target).square().sum().backward()
            optimizer.step()
    moved = (theirs - start).norm()
    assert moved > 1
    assert (ours - theirs).norm() < 0.003 * moved


def test_it_has_the_matrices_between_hidden_layers_and_adam_the_rest(few_digits: Tensor) -> None:
    training = Training(Settings(), torch.device("cpu"))
    shapes = {(256, 512), (128, 256), (64, 128)}
    assert {tuple(p.shape) for p in training.matrices} == shapes | {s[::-1] for s in shapes}
    train_epoch(training, few_digits, [])
    assert training.muon is not None
    taken = {*training.muon.state, *training.adam.state}
    assert taken == set(training.parameters)
    assert not training.muon.state.keys() & training.adam.state.keys()
    muon, adam = (optimizer.param_groups[0]["lr"] for optimizer in (training.muon, training.adam))
    assert muon == pytest.approx(MUON_RATE * adam)
