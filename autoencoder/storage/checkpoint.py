"""Checkpoints: written atomically, read without trusting them.

A checkpoint is a plain dict saved by ``torch.save``. The keys that the scripts read:

epoch        complete epochs
state_dict   the network's weights and batch-norm statistics
network      the arguments of AutoEncoder; without them, the reference network
best_loss    float, the lowest mean training loss of an epoch so far
test_mse     float, the mean squared error per pixel on the test digits

``main.py`` adds what it needs to go on training. A bare state dict is read too.
"""

import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.layers import LATENT, TopographicEncoder
from autoencoder.model import AutoEncoder
from autoencoder.storage.archive import MAX_BYTES, read_archive
from autoencoder.storage.files import beside_the_scripts, write_atomically

import torch
from torch import Tensor

# The names that weights go by in a dict: the reference's and ours, and that of torch's tutorials.
WEIGHTS = ("state_dict", "model_state_dict")
BEST = "autoencoder_best.pth"
PRETRAINED = "autoencoder_pretrained.pth"
# The best network of the user's latest training here.
OWN_BEST = Path("checkpoints") / BEST

# The principal components of a topographic encoder; all else in it follows from the decoder.
COMPONENTS = "encoder.to_components.weight"
# Only those of the first records have this: their codes were means of the places.
OLD_CODES = "encoder.to_code.weight"

# Far above any layer of this project: a hostile file must not ask for all the memory.
MAX_LAYERS, MAX_WIDTH = 32, 16_384


@dataclass
class Checkpoint:
    """What a checkpoint file held.

    Attributes
    ----------
    path : Path
    model : AutoEncoder
        In evaluation mode, float32, on the CPU.
    epoch : int or None
        None if the file does not tell, as a bare state dict.
    loss : float or None
        The lowest mean training loss; None if the file does not tell.
    test_mse : float or None
        The error on the test digits; None if the file does not tell.
    contents : dict
        Everything in the file; empty for a bare state dict.
    rebuilt : bool
        Whether the encoder is not the file's, but derived anew from the file's decoder.
    """

    path: Path
    model: AutoEncoder
    epoch: int | None = None
    loss: float | None = None
    test_mse: float | None = None
    contents: dict[str, Any] = field(default_factory=dict)
    rebuilt: bool = False

    def __str__(self) -> str:
        epoch = "epoch unknown" if self.epoch is None else f"epoch {self.epoch}"
        loss = "loss unknown" if self.loss is None else f"loss {self.loss:.5f}"
        error = "" if self.test_mse is None else f", test MSE {self.test_mse:.5f}"
        encoder = ", an older record: its encoder is built anew" if self.rebuilt else ""
        return f"{self.path} ({epoch}, {loss}{error}{encoder})"


def default_checkpoint() -> Path:
    """The best checkpoint of the user's latest training here, or else the one that ships."""
    return OWN_BEST if OWN_BEST.exists() else pretrained_checkpoint()


def pretrained_checkpoint() -> Path:
    return beside_the_scripts("checkpoints") / PRETRAINED


def save_checkpoint(path: Path, contents: dict[str, Any]) -> None:
    """Save a checkpoint atomically; raises UserError if that fails."""
    # Through memory, so that a full disk can only show as the OSError of a plain write.
    buffer = io.BytesIO()
    torch.save(contents, buffer)
    write_atomically(path, buffer.getvalue())


def load_checkpoint(path: Path) -> Checkpoint:
    """Load a checkpoint of this project, one of the reference, or a bare state dict.

    Nothing in the file is executed (``weights_only=True``), and it is checked before any of it is
    used.

    Raises
    ------
    UserError
        If the file is missing, damaged, hostile, or of a network that the scripts cannot use.
    """
    try:
        contents = read_dict(path)
        weights = next((contents[key] for key in WEIGHTS if key in contents), contents)
        if weights is contents:
            return Checkpoint(path, build_model(contents, {}))
        model = build_model(weights, contents.get("network", {}))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    numbers = (real_number(contents.get(key)) for key in ("epoch", "best_loss", "test_mse"))
    epoch, loss, test_mse = numbers
    if epoch is not None and not (epoch.is_integer() and 0 <= epoch < 2**31):
        epoch = None
    whole = None if epoch is None else int(epoch)
    rebuilt = is_old_record(model, weights)
    return Checkpoint(path, model, whole, loss, test_mse, contents, rebuilt)


def read_dict(path: Path) -> dict[str, Any]:
    """What torch.load finds in the file, once all of it is known to be harmless."""
    try:
        if path.is_dir():
            raise UserError("a folder, not a checkpoint")
        if not path.is_file():
            raise UserError("no such checkpoint")
        with warnings.catch_warnings():
            # What torch thinks of a stranger's pickle would be lines that no user can act on.
            warnings.simplefilter("ignore")
            contents = torch.load(read_archive(path), map_location="cpu", weights_only=True)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"cannot read it: {error.strerror}") from error
    # A stranger's bytes can make torch raise nearly anything.
    except Exception as error:
        raise UserError(
            "damaged, or holds what torch.load(weights_only=True) cannot read"
        ) from error
    if not isinstance(contents, dict):
        raise UserError("not a checkpoint of this autoencoder")
    return contents


def real_number(value: object) -> float | None:
    """A finite real number however it was saved, a tensor without dimensions too; else None."""
    try:
        if isinstance(value, Tensor) and value.ndim == 0:
            value = value.item()
        if not isinstance(value, Real) or isinstance(value, bool):
            return None
        number = float(value)
    except (OverflowError, RuntimeError):
        return None
    return number if math.isfinite(number) else None


def build_model(weights: object, arguments: object) -> AutoEncoder:
    """A network of the recorded shape that holds the weights."""
    if not (isinstance(weights, Mapping) and all(isinstance(w, Tensor) for w in weights.values())):
        raise UserError("not a checkpoint of this autoencoder")
    try:
        check_widths(arguments)
        # The meta device takes no memory: shapes are compared before anything is allocated.
        with torch.device("meta"):
            model = AutoEncoder(**arguments)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise UserError("the network it describes is not one that AutoEncoder builds") from error
    expected = model.state_dict()
    if sum(weight.nbytes for weight in expected.values()) > MAX_BYTES:
        raise UserError("the network it describes is larger than any of this project")
    old = is_old_record(model, weights)
    if old:
        weights, expected = without_lookup(weights), without_lookup(expected)
    found = fitting_weights(weights, expected)
    model.to_empty(device="cpu").load_state_dict(found, strict=not old)
    model.eval()
    if old:
        _, places = model.arguments["encoder_hidden"]
        model.encoder = TopographicEncoder.of(model.decode, found[COMPONENTS], places).eval()
    return model


def is_old_record(model: AutoEncoder, weights: Mapping[str, Tensor]) -> bool:
    """Whether the weights are those of a topographic encoder that has no step within its places."""
    return model.arguments["topographic"] and any(str(name).endswith(OLD_CODES) for name in weights)


def without_lookup(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a topographic network but for what its encoder derives from its decoder."""
    return {
        name: weight
        for name, weight in weights.items()
        if "encoder." not in str(name) or str(name).endswith(COMPONENTS)
    }


def fitting_weights(
    weights: Mapping[str, Tensor], expected: dict[str, Tensor]
) -> dict[str, Tensor]:
    """A stranger's weights under the names of our network, checked.

    The prefixes of DataParallel and torch.compile go, counts of batches may be missing (old
    versions of torch have none), and what tools that count operations leave is passed over.
    """
    named = {
        str(name).replace("module.", "").replace("_orig_mod.", ""): w for name, w in weights.items()
    }
    for name, wanted in expected.items():
        if name.endswith("num_batches_tracked"):
            named.setdefault(name, torch.zeros((), dtype=wanted.dtype))
    missing = expected.keys() - named.keys()
    unknown = [name for name in named.keys() - expected.keys() if name.endswith(".weight")]
    if missing or unknown:
        one = f"{min(missing)} is missing" if missing else f"{min(unknown)} is not in ours"
        raise UserError(f"the weights are those of another network ({one})")
    found = {name: numbers_like(wanted, named[name], name) for name, wanted in expected.items()}
    for name, weight in found.items():
        if name.endswith("running_var") and weight.min() < 0:
            raise UserError(f"{name} holds negative numbers")
    return found


def numbers_like(wanted: Tensor, tensor: Tensor, name: str) -> Tensor:
    """A copy of a stranger's tensor in the type of the wanted one.

    Raises
    ------
    UserError
        If it has another shape, or holds anything but finite real numbers.
    """
    if tensor.shape != wanted.shape:
        raise UserError(
            f"{name} has the shape {tuple(tensor.shape)} instead of {tuple(wanted.shape)}"
            f" (the code of this autoencoder has {LATENT} numbers)"
        )
    dense = tensor.layout == torch.strided and not (tensor.is_meta or tensor.is_quantized)
    if not dense or tensor.is_complex():
        raise UserError(f"{name} is not an ordinary tensor of numbers")
    numbers = tensor.detach().to(wanted.dtype).clone()
    if not numbers.isfinite().all():
        raise UserError(f"{name} holds NaN or infinite numbers")
    return numbers


def check_widths(arguments: object) -> None:
    if not isinstance(arguments, Mapping):
        raise TypeError
    arguments = dict(arguments)
    if not is_width(arguments.pop("frequencies", 0), least=0):
        raise ValueError
    if type(arguments.pop("topographic", False)) is not bool:
        raise TypeError
    for widths in arguments.values():
        if not isinstance(widths, list | tuple) or not 1 <= len(widths) <= MAX_LAYERS:
            raise TypeError
        if not all(is_width(width, least=1) for width in widths):
            raise ValueError


def is_width(number: object, least: int) -> bool:
    return type(number) is int and least <= number <= MAX_WIDTH
