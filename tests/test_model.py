"""The network is the reference's: shapes, keys, parameters."""

from collections.abc import Callable

from autoencoder.layers import TopographicEncoder
from autoencoder.linear import PrincipalComponents
from autoencoder.model import AutoEncoder, encode_digits, mean_squared_error, unit_pixels

import pytest
import torch
from torch import Tensor, nn

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
        assert isinstance(half, nn.Sequential)
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


# --- what the record's network has besides ----------------------------------------------------


def test_fourier_features_are_the_code_and_its_waves() -> None:
    model = AutoEncoder(decoder_hidden=[20], frequencies=3)
    latents = torch.rand(5, 2) * 2 - 1
    features = model.decoder[0](latents)
    angles = latents @ model.state_dict()["decoder.0.frequencies"]
    assert torch.equal(features, torch.cat([latents, angles.sin(), angles.cos()], dim=1))


def test_bfloat16_does_not_round_fourier_features() -> None:
    features = AutoEncoder(decoder_hidden=[20], frequencies=48).decoder[0]
    latents = torch.rand(500, 2) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(features(latents), features(latents.float()))
        assert features(latents).dtype == torch.float32


@pytest.fixture
def topographic() -> AutoEncoder:
    torch.manual_seed(0)
    return AutoEncoder(encoder_hidden=(20, 900), decoder_hidden=(30,), topographic=True).eval()


def test_a_topographic_encoder_starts_as_principal_components(
    topographic: AutoEncoder, few_digits: Tensor
) -> None:
    """Along either axis of its first map the codes of digits order as their component does."""
    topographic.start(few_digits)
    pixels = unit_pixels(few_digits)
    _, _, directions = torch.pca_lowrank(pixels, q=2, niter=20)
    scores = (pixels - pixels.mean(dim=0)) @ directions
    both = torch.cat([encode_digits(topographic, few_digits), scores], dim=1)
    correlation = both.T.corrcoef()
    assert correlation[0, 2].abs() > 0.99
    assert correlation[1, 3].abs() > 0.99


@pytest.fixture
def draw(few_digits: Tensor) -> Callable[[Tensor], Tensor]:
    """A decoder that is no network: it bends a plane through three digits."""
    first, second, third = few_digits[:3] / 255

    def decode(latents: Tensor) -> Tensor:
        x, y = latents[:, :1], latents[:, 1:]
        return first + x.sin() * (second - first) + (y + x * y / 3) * (third - first)

    return decode


@pytest.fixture
def lookup(few_digits: Tensor, draw: Callable[[Tensor], Tensor]) -> TopographicEncoder:
    """The encoder to that decoder, on 30 x 30 places."""
    _, _, directions = torch.pca_lowrank(unit_pixels(few_digits), q=100, center=False, niter=4)
    return TopographicEncoder.of(draw, directions.T, 900)


def test_a_lookup_finds_the_best_code_of_any_decoder(
    lookup: TopographicEncoder, draw: Callable[[Tensor], Tensor], few_digits: Tensor
) -> None:
    """The code of a digit is as good as the best of 40,000 tried one by one, or nearly."""
    axis = torch.linspace(-1, 1, 200)
    pixels = unit_pixels(few_digits[3:])
    tried = torch.cdist(pixels, draw(torch.cartesian_prod(axis, axis))).min(dim=1).values ** 2
    found = (pixels - draw(lookup(pixels))).square().sum(dim=1)
    assert (found / tried).median() < 1.0005
    assert (found / tried).max() < 1.01


def test_a_lookup_finds_the_code_between_its_places(
    lookup: TopographicEncoder, draw: Callable[[Tensor], Tensor]
) -> None:
    """What the decoder draws at a code is looked up at that code, not at the place beside."""
    latents = torch.rand(1000, 2) * 1.8 - 0.9
    cell = 2 / 30
    missed = (lookup(draw(latents)) - latents).norm(dim=1)
    assert missed.median() < cell / 6


def test_codes_are_continuous(lookup: TopographicEncoder, few_digits: Tensor) -> None:
    """Nearly no two digits share a coordinate, and none lies on the border of the map."""
    latents = lookup(unit_pixels(few_digits))
    assert latents.abs().max() < 1
    for coordinate in latents.T:
        assert len(coordinate.unique()) > 290


def test_bfloat16_does_not_round_a_lookup(lookup: TopographicEncoder, few_digits: Tensor) -> None:
    pixels = unit_pixels(few_digits)
    with torch.autocast("cpu", torch.bfloat16):
        under_autocast = lookup(pixels)
    assert torch.equal(under_autocast, lookup(pixels))


def test_following_leaves_the_decoder_as_it_was(topographic: AutoEncoder) -> None:
    before = {name: weight.clone() for name, weight in topographic.decoder.state_dict().items()}
    topographic.train().follow()
    assert topographic.decoder.training
    after = topographic.decoder.state_dict()
    assert all(torch.equal(weight, after[name]) for name, weight in before.items())


@pytest.mark.parametrize("places", [1, 901])
def test_places_make_a_square_grid(places: int) -> None:
    with pytest.raises(ValueError, match="no square grid"):
        AutoEncoder(encoder_hidden=(20, places), topographic=True)


# --- without a network ------------------------------------------------------------------------


def test_principal_components_are_the_best_that_straight_lines_can_do(few_digits: Tensor) -> None:
    images = few_digits
    linear = PrincipalComponents(images)
    pixels = unit_pixels(images).double()
    singular = torch.linalg.svdvals(pixels - pixels.mean(dim=0))
    left_out = singular[2:].square().sum().item() / pixels.numel()
    assert mean_squared_error(linear, images) == pytest.approx(left_out, rel=1e-4)


def test_the_map_of_principal_components_is_as_large_as_its_codes(few_digits: Tensor) -> None:
    linear = PrincipalComponents(few_digits)
    codes = encode_digits(linear, few_digits)
    assert codes.abs().max().item() == pytest.approx(1)
    assert codes.mean(dim=0).tolist() == pytest.approx([0, 0], abs=1e-5)
    drawn = linear.decode(codes)
    assert torch.allclose(linear.encode(drawn), codes, atol=1e-5)
