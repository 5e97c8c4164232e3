"""The explorer as one HTML page: it opens from disk, without Python, and sends no request.

The HTML, CSS and JavaScript files beside this one are its template. The builder adds what they
show: facts, as JSON, and numbers, as two runs of bytes, which are deflated and written in base64.
``start.js`` has the first one read in this order:

frequencies   (2, F) float32: the frequencies of the Fourier features
each layer    weights (inputs, outputs) float32, or float16 as two planes: first all the low bytes,
              then all the high ones, since bytes of one kind deflate better together;
              then biases (outputs,) float32
latents       (N, 2) int16, in units of 1 / LATENT_SCALE
labels        (N,) uint8

The second one follows the script: the map is up before the browser has read it. It holds

pixels        (N, 14, 28) uint8: 4 bits for a pixel, the high ones, and 4 for the pixel below it
mean          (784,) float32 of the principal components, the map without a network
components    (2, 784) float32
codes         (N, 2) int16, as the latents: where the components put the digits

These commands wrote the page in the repository and its picture:

    python interac_decompression.py --checkpoint checkpoints/autoencoder_pretrained.pth \\
        --point 0.64 -0.25 --export img/explorer.html
    chromium --headless --no-sandbox --hide-scrollbars --lang=en --window-size=1400,875 \\
        --virtual-time-budget=10000 --screenshot=img/explorer_page.png img/explorer.html
"""

import base64
import hashlib
import json
import string
import zlib
from collections.abc import Sequence
from pathlib import Path

from autoencoder import handwriting
from autoencoder.layers import LATENT, FourierFeatures
from autoencoder.linear import PrincipalComponents
from autoencoder.model import AutoEncoder
from autoencoder.storage.checkpoint import Checkpoint
from autoencoder.view.latent_map import (
    CROSS_DISTANCE,
    GRID,
    NEIGHBOURS,
    NUDGE,
    SECONDS_A_GLIDE,
    SECONDS_A_LEG,
    WALK,
    LatentMap,
)
from autoencoder.view.pictures import DIGIT_COLOURS, POINT_COLOUR

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import fuse_linear_bn_eval

TEMPLATE = Path(__file__).parent
# In this order in one script: modules would not load from disk. The last one starts the page.
SCRIPTS = (
    *("english.js", "french.js", "language.js"),
    *("elements.js", "reading_order.js"),
    *("numbers.js", "ink.js", "digits.js"),
    *("decoder.js", "lookup.js", "linear.js"),
    *("viewport.js", "density.js", "latent_map.js"),
    *("axes.js", "dots.js", "map_view.js", "decoded_grid.js", "walk.js"),
    *("handwriting.js", "sketch.js", "digit_in.js", "comparison.js"),
    *("menu.js", "legend.js", "neighbours.js", "caption.js"),
    *("tour.js", "gestures.js", "help.js", "keys.js"),
    *("address.js", "examples.js", "explorer.js", "start.js"),
)

LATENT_SCALE = 32767
# The largest error of a pixel in [0, 1]; the canvas rounds it, by up to 0.5 / 255 more.
MAX_ERROR = 0.75 / 255
ERROR_GRID = 41  # the error is measured on a grid of so many points a side

Layers = list[tuple[Tensor, Tensor]]


def build_page(
    checkpoint: Checkpoint,
    latent_map: LatentMap,
    linear: PrincipalComponents,
    point: Sequence[float],
    digit_in: NDArray[np.float32] | None = None,
) -> str:
    """The complete page.

    Parameters
    ----------
    checkpoint : Checkpoint
        The file of the network; the page shows its name, epoch and loss.
    latent_map : LatentMap
        The map of that network.
    linear : PrincipalComponents
        What the page shows in the place of the network.
    point : (x, y) in [-1, 1]²
        The point that the page decodes first.
    digit_in : (784,) float32 in [0, 1] or None
        The digit that goes in first.
    """
    model = checkpoint.model
    linear_map = LatentMap(linear, latent_map.digits)
    layers = narrow(model, fused_layers(model))
    facts = {
        "network": checkpoint.path.name,
        "epoch": checkpoint.epoch,
        "loss": checkpoint.loss,
        "frequencies": frequencies(model).shape[1],
        "layers": [
            {"inputs": weight.shape[1], "outputs": weight.shape[0], "bytes": weight.itemsize}
            for weight, _ in layers
        ],
        "digits": len(latent_map.labels),
        "latentScale": LATENT_SCALE,
        "maps": {"network": map_facts(latent_map, point), "pca": map_facts(linear_map, point)},
        "point": list(point),
        "digitIn": None if digit_in is None else (255 * digit_in).round().astype(int).tolist(),
        "crossDistance": CROSS_DISTANCE,
        "brush": {
            "box": handwriting.BOX,
            "margin": handwriting.MARGIN,
            "centre": handwriting.CENTRE,
            "radius": handwriting.RADIUS,
            "softness": handwriting.SOFTNESS,
            "smallest": handwriting.SMALLEST,
        },
        "neighbours": NEIGHBOURS,
        "grid": GRID,
        "walk": WALK,
        "nudge": NUDGE,
        "secondsALeg": SECONDS_A_LEG,
        "secondsAGlide": SECONDS_A_GLIDE,
    }
    numbers = [frequencies(model)]
    for weight, bias in layers:
        numbers += [byte_planes(weight.T) if weight.dtype == torch.half else weight.T, bias]
    numbers += [codes(latent_map), torch.from_numpy(latent_map.labels).byte()]
    later = [pack_pixels(torch.from_numpy(latent_map.images))]
    later += [linear.mean, linear.components, codes(linear_map)]

    style = palette() + (TEMPLATE / "style.css").read_text(encoding="utf-8")
    script = "\n".join((TEMPLATE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    page = string.Template((TEMPLATE / "index.html").read_text(encoding="utf-8"))
    return page.substitute(
        style=style,
        style_hash=content_hash(style),
        script=script,
        script_hash=content_hash(script),
        credits_hidden="" if latent_map.digits.are_mnist else "hidden",
        own_hidden="hidden" if latent_map.digits.are_mnist else "",
        # A name like </script> must not end the element that holds it.
        facts=json.dumps(facts).replace("<", r"\u003c"),
        numbers=pack(numbers),
        later=pack(later),
    )


def map_facts(latent_map: LatentMap, point: Sequence[float]) -> dict[str, object]:
    """What the page has to know of a map besides the codes."""
    return {
        "limits": latent_map.limits(point).tolist(),
        "far": round(latent_map.far, 6),
        "densestPoints": densest_points(latent_map),
        "errorPercentiles": error_percentiles(latent_map),
        "meanError": round(float(latent_map.errors.mean()), 6),
    }


def codes(latent_map: LatentMap) -> Tensor:
    """The codes of the digits: (N, 2) int16, in units of 1 / LATENT_SCALE."""
    latents = torch.from_numpy(latent_map.latents).clamp(-1, 1)
    return (latents * LATENT_SCALE).round().short()


def densest_points(latent_map: LatentMap) -> list[list[float] | None]:
    """Where each digit is densest on the map; None for a digit that is not on it."""
    points = [latent_map.densest_point(digit) for digit in range(10)]
    return [None if point is None else point.tolist() for point in points]


def error_percentiles(latent_map: LatentMap) -> list[float]:
    """From the 0th to the 100th, of the errors of the digits on the map."""
    return np.percentile(latent_map.errors.astype(float), range(101)).round(6).tolist()


def palette() -> str:
    """A rule with the colours of the window; style.css has others for dark pages."""
    colours = {"point": POINT_COLOUR, **{f"digit-{n}": c for n, c in enumerate(DIGIT_COLOURS)}}
    return f":root {{ {' '.join(f'--{name}: {colour};' for name, colour in colours.items())} }}\n"


def content_hash(text: str) -> str:
    """The hash by which a Content-Security-Policy allows an inline script or style sheet."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def pack(numbers: Sequence[Tensor]) -> str:
    """Tensors as one run of bytes, deflated, in base64."""
    run = b"".join(part.contiguous().numpy().tobytes() for part in numbers)
    return base64.b64encode(zlib.compress(run, 9)).decode()


def byte_planes(halves: Tensor) -> Tensor:
    """The low bytes of N float16 numbers, then their high bytes: (2, N) uint8."""
    return halves.flatten().view(torch.uint8).view(-1, 2).T


def pack_pixels(images: Tensor) -> Tensor:
    """Round (N, 784) uint8 pixels to 4 bits and pack two rows of them into one: (N, 14, 28)."""
    pixels = (images / 17).round().byte().view(-1, 28, 28)
    return pixels[:, 0::2] * 16 + pixels[:, 1::2]


def frequencies(model: AutoEncoder) -> Tensor:
    """The frequencies of the decoder's Fourier features: (2, F); F is 0 where it has none."""
    first = model.decoder[0]
    return first.frequencies if isinstance(first, FourierFeatures) else torch.zeros(LATENT, 0)


def fused_layers(model: AutoEncoder) -> Layers:
    """The weights and biases of the decoder's layers, with the batch norms folded into them."""
    layers = [layer for layer in model.decoder if isinstance(layer, nn.Linear)]
    norms = [layer for layer in model.decoder if isinstance(layer, nn.BatchNorm1d)]
    fused = [fuse_linear_bn_eval(*pair) for pair in zip(layers[:-1], norms, strict=True)]
    return [(layer.weight.detach(), layer.bias.detach()) for layer in (*fused, layers[-1])]


@torch.inference_mode()
def narrow(model: AutoEncoder, layers: Layers) -> Layers:
    """Round the weights to float16, except in the first layers, as far as MAX_ERROR demands it.

    Rounding errors grow from layer to layer, so the first layers have the most effect on the
    pixels; they are also the smallest.
    """
    steps = torch.linspace(-1, 1, ERROR_GRID)
    latents = torch.cartesian_prod(steps, steps)
    expected = model.decode(latents)
    for exact in range(1, len(layers) + 1):
        narrowed = [
            (weight if n < exact else weight.half(), bias)
            for n, (weight, bias) in enumerate(layers)
        ]
        if (decode(model, narrowed, latents) - expected).abs().max() <= MAX_ERROR:
            break
    return narrowed


def decode(model: AutoEncoder, layers: Layers, latents: Tensor) -> Tensor:
    """Decode codes (N, 2) to images (N, 784) with the same steps as decoder.js."""
    first = model.decoder[0]
    x = first(latents) if isinstance(first, FourierFeatures) else latents
    for weight, bias in layers[:-1]:
        x = F.linear(x, weight.float(), bias).relu()
    weight, bias = layers[-1]
    return F.linear(x, weight.float(), bias).sigmoid()
