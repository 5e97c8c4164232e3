"""The network is the reference's: shapes, keys, parameters."""

import pytest
import torch
from torch import Tensor, nn

from autoencoder.model import AutoEncoder, encode_digits

HALVES = ("encoder", "decoder")


def test_it_has_the_parameters_of_the_reference() -> None:
    assert sum(parameter.numel() for parameter in AutoEncoder().parameters()) == 1_155_634


def test_its_state_dict_has_the_keys_of_the_reference() -> None:
    keys = AutoEncoder().state_dict().keys()
    linear, norm = ("weight", "bias"), ("weight", "bias", "running_mean", "running_var")
    expected = [f"{half}.{3 * n}.{name}" for half in HALVES for n in range(6) for name in linear]
    expected += [f"{half}.{3 * n + 1}.{name}" for half in HALVES for n in range(5) for name in norm]
    expected += [f"{half}.{3 * n + 1}.num_batches_tracked" for half in HALVES for n in range(5)]
    assert sorted(keys) == sorted(expected)


def test_its_layers_are_those_of_the_reference() -> None:
    model = AutoEncoder()
    for half, last in ((model.encoder, nn.Tanh), (model.decoder, nn.Sigmoid)):
        kinds = [nn.Linear, nn.BatchNorm1d, nn.ReLU] * 5 + [nn.Linear, last]
        assert len(half) == len(kinds)
        assert all(isinstance(layer, kind) for layer, kind in zip(half, kinds, strict=True))


def test_it_returns_codes_and_reconstructions(few_digits: Tensor) -> None:
    latents, reconstruction = AutoEncoder()(few_digits / 255)
    assert latents.shape == (300, 2)
    assert latents.abs().max() < 1
    assert reconstruction.shape == (300, 784)
    assert 0 <= reconstruction.min() <= reconstruction.max() <= 1


def test_forward_is_encode_then_decode(few_digits: Tensor) -> None:
    model = AutoEncoder().eval()
    latents, reconstruction = model(few_digits / 255)
    assert torch.equal(latents, model.encode(few_digits / 255))
    assert torch.equal(reconstruction, model.decode(latents))


def test_encoding_in_batches_changes_nothing(few_digits: Tensor) -> None:
    model = AutoEncoder().eval()
    in_batches = encode_digits(model, few_digits, batch_size=64)
    assert torch.allclose(in_batches, model.encode(few_digits / 255), atol=1e-6)


def test_the_hidden_widths_can_be_chosen(few_digits: Tensor) -> None:
    model = AutoEncoder(encoder_hidden=[30, 20, 10], decoder_hidden=[40])
    latents, reconstruction = model(few_digits / 255)
    assert latents.shape == (300, 2)
    assert reconstruction.shape == (300, 784)
    assert AutoEncoder(**model.arguments).state_dict().keys() == model.state_dict().keys()


@pytest.mark.parametrize("half", HALVES)
def test_bfloat16_does_not_round_the_code(few_digits: Tensor, half: str) -> None:
    model = AutoEncoder().eval()
    with torch.autocast("cpu", torch.bfloat16):
        latents, _ = model(few_digits / 255)
        near_the_code = model.decoder[0](latents) if half == "decoder" else latents
    assert near_the_code.dtype == torch.float32
    assert not torch.equal(near_the_code, near_the_code.bfloat16().float())
