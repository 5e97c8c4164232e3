"""What a training run is: its preset and settings, its state after an epoch, how it is resumed."""

import copy
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from autoencoder import UserError, ranks
from autoencoder.device import fastest_precision
from autoencoder.model import AutoEncoder
from autoencoder.muon import Muon
from autoencoder.storage.checkpoint import Checkpoint, numbers_like

import torch
from torch import Tensor, nn
from torch.torch_version import TorchVersion

# Muon trains matrices whose sides are between these, at this multiple of Adam's rate. Those next to
# the pixels would take it five times as long as all the others.
MUON_SIDES = (64, 512)
MUON_RATE = 20 / 3

PRECISIONS = ("fp32", "bf16")
# Before torch 2.4, only a GPU of NVIDIA's had a fused Adam.
FUSED_ON_CPU = TorchVersion(torch.__version__) >= "2.4"


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained.

    Attributes
    ----------
    epochs : int
    input_dropout : float
        Share of the input pixels that are blacked out at random while the target stays clean.
        Without it the encoder learns the training digits by heart and places the others badly.
    code_noise : float
        Standard deviation, at first, of the noise on the code. It makes neighbours on the map look
        alike, as the shrinking neighbourhood does in Kohonen's self-organizing maps (1982).
    muon : bool
        Whether Muon trains the matrices between hidden layers. Adam trains everything else.
    network : dict
        The arguments of AutoEncoder.
    """

    epochs: int
    input_dropout: float = 0.0
    code_noise: float = 0.0
    muon: bool = False
    network: dict[str, Any] = field(default_factory=dict)


PRESETS = {
    "reference": Preset(epochs=600, input_dropout=0.3, muon=True),
    "record": Preset(
        epochs=120,
        code_noise=0.25,
        muon=True,
        network={
            "encoder_hidden": (64, 10_000),
            "decoder_hidden": (256, 512, 768),
            "frequencies": 48,
            "topographic": True,
        },
    ),
}


@dataclass
class Settings:
    """What the user chooses for a run; checkpoints record it, and resuming takes it up again."""

    epochs: int = PRESETS["reference"].epochs
    batch_size: int = 1024
    lr: float = 3e-3
    seed: int = 0
    precision: str = "fp32"
    preset: str = "reference"


class Training:
    """A run at the end of some epoch: everything that the next epoch depends on.

    Attributes
    ----------
    settings : Settings
    preset : Preset
    device : torch.device
    epoch : int
        Complete epochs.
    best_loss : float
        The lowest mean training loss of an epoch so far.
    model : AutoEncoder
    replica : nn.Module
        The model, averaging its gradients over the ranks.
    parameters : list of nn.Parameter
        All that gradients change.
    matrices : list of nn.Parameter
        Those of the parameters that Muon trains; none where the preset does without Muon.
    adam : torch.optim.Adam
        It knows all parameters, so that their numbers are those of the reference's checkpoints, but
        leaves alone whatever has no gradient.
    muon : Muon or None
    generator : torch.Generator
        Orders the digits, drops their pixels and moves their codes; the same on every rank.
    """

    def __init__(self, settings: Settings, device: torch.device) -> None:
        if settings.batch_size < 2 * ranks.count():
            raise UserError(
                f"--batch_size {settings.batch_size} is too small for {ranks.count()} processes:"
                " batch normalisation needs at least 2 digits in each"
            )
        self.settings = settings
        self.preset = PRESETS[settings.preset]
        self.device = device
        self.epoch = 0
        self.best_loss = math.inf
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        self.use(untrained_network(settings))

    def use(self, model: AutoEncoder) -> None:
        """Train this network from now on, with optimizers that know nothing of it yet."""
        self.model = model.to(self.device)
        self.replica = ranks.replicate(self.model)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.matrices = [p for p in self.parameters if self.preset.muon and is_hidden_matrix(p)]
        self.adam = torch.optim.Adam(
            self.parameters, self.settings.lr, fused=FUSED_ON_CPU or self.device.type == "cuda"
        )
        dtype = torch.bfloat16 if self.settings.precision == "bf16" else torch.float32
        self.muon = Muon(self.matrices, self.settings.lr, dtype) if self.matrices else None

    def step(self, rate: float) -> None:
        """Move the network by its gradients; rate is the learning rate of Adam."""
        if self.muon:
            self.muon.param_groups[0]["lr"] = rate * MUON_RATE
            self.muon.step()
            # Without gradients, Adam leaves these matrices alone.
            self.muon.zero_grad()
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step()
        self.adam.zero_grad()

    def follow(self) -> None:
        """Have a topographic encoder follow the decoder, on every rank the same."""
        ranks.take_first_statistics(self.model)
        self.model.follow()

    @property
    def checkpoint_bytes(self) -> int:
        """About how large the file of a checkpoint is."""
        size = sum(parameter.nbytes for parameter in self.model.parameters())
        # For each weight that is trained, Adam keeps two numbers and Muon one.
        size += 2 * sum(parameter.nbytes for parameter in self.parameters)
        return size - sum(parameter.nbytes for parameter in self.matrices)

    def snapshot(self) -> dict[str, Any]:
        """The checkpoint of this moment: a copy, which further training leaves alone."""
        return copy.deepcopy(
            {
                "epoch": self.epoch,
                "state_dict": dict(self.model.state_dict()),
                "network": self.model.arguments,
                "best_loss": self.best_loss,
                "optimizer": self.adam.state_dict(),
                "muon": self.muon.state_dict() if self.muon else None,
                "scheduler": {"name": "one cycle", "epochs": self.settings.epochs},
                "settings": asdict(self.settings),
                "generator": self.generator.get_state(),
            }
        )


def untrained_network(settings: Settings) -> AutoEncoder:
    """The network that a run with these settings begins with."""
    torch.manual_seed(settings.seed)
    return AutoEncoder(**PRESETS[settings.preset].network)


def is_hidden_matrix(parameter: nn.Parameter) -> bool:
    """Whether a parameter is a matrix between hidden layers, of a size that suits Muon."""
    low, high = MUON_SIDES
    return parameter.ndim == 2 and low <= min(parameter.shape) and max(parameter.shape) <= high


# --- beginning, and going on ------------------------------------------------------------------


def fresh_training(given: dict[str, Any], device: torch.device) -> Training:
    """A run from the start, with the settings that were given and defaults for the others."""
    preset = PRESETS[given.get("preset", Settings.preset)]
    defaults = {"precision": fastest_precision(device), "epochs": preset.epochs}
    return Training(Settings(**{**defaults, **given}), device)


def resumed_training(
    checkpoint: Checkpoint, given: dict[str, Any], start_epoch: int | None, device: torch.device
) -> tuple[Training, list[str]]:
    """The run that a checkpoint is of, as it was, and notes for the user on what is not.

    Parameters
    ----------
    checkpoint : Checkpoint
    given : dict
        Settings that win over those of the checkpoint.
    start_epoch : int or None
        Epochs behind a checkpoint that does not know its own.
    device : torch.device

    Raises
    ------
    UserError
        If the settings in the checkpoint are damaged, or those given do not go with it.
    """
    notes = []
    recorded = recorded_settings(checkpoint)
    preset = recorded.setdefault("preset", fitting_preset(checkpoint.model))
    if given.get("preset", preset) != preset:
        raise UserError(
            f"--preset {given['preset']}: {checkpoint.path} is of the preset {preset}, which"
            " resuming keeps; leave the option out"
        )
    for name, value in given.items():
        if recorded.get(name, value) != value:
            notes.append(f"--{name} {value} takes the place of the checkpoint's {recorded[name]}")
    defaults = {"precision": fastest_precision(device), "epochs": PRESETS[preset].epochs}
    training = Training(Settings(**{**defaults, **recorded, **given}), device)

    training.epoch = (start_epoch or 0) if checkpoint.epoch is None else checkpoint.epoch
    if checkpoint.epoch is None and start_epoch is None:
        notes.append("The file holds weights only: counting from epoch 0 (see --start_epoch)")
    if checkpoint.epoch is not None and start_epoch not in (None, checkpoint.epoch):
        notes.append(
            f"--start_epoch {start_epoch} is ignored: the file is of epoch {training.epoch}"
        )
    if training.epoch > training.settings.epochs:
        raise UserError(
            f"--epochs {training.settings.epochs} is fewer than the {training.epoch} that"
            f" {checkpoint.path} has behind it: --epochs is the total, resumed epochs included"
        )
    training.best_loss = math.inf if checkpoint.loss is None else checkpoint.loss
    training.use(checkpoint.model)
    notes += restore_optimizers(training, checkpoint.contents)
    if recorded.get("seed") == training.settings.seed:
        notes += restore_generator(training, checkpoint.contents)
    return training, notes


def recorded_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """The settings in a checkpoint, checked; none in a file of the reference."""
    recorded = checkpoint.contents.get("settings", {})
    try:
        settings = Settings(**recorded)
        whole = (settings.epochs, settings.batch_size, settings.seed)
        valid = (
            all(type(number) is int and 0 <= number < 2**31 for number in whole)
            and settings.epochs > 0
            and settings.batch_size > 1
            and type(settings.lr) is float
            and 0 < settings.lr < math.inf
            and settings.precision in PRECISIONS
            and settings.preset in PRESETS
        )
    except TypeError:
        valid = False
    if not valid:
        raise UserError(f"{checkpoint.path}: the settings it records are damaged")
    return dict(recorded)


def fitting_preset(model: AutoEncoder) -> str:
    """The preset that trains networks with such an encoder."""
    return next(
        name
        for name, preset in PRESETS.items()
        if preset.network.get("topographic", False) == model.arguments["topographic"]
    )


def restore_optimizers(training: Training, contents: dict[str, Any]) -> list[str]:
    """Take up Adam's moments and Muon's momentum; returns notes on what starts afresh."""
    notes = []
    by_muon = set(training.matrices)
    by_adam = [(i, p) for i, p in enumerate(training.parameters) if p not in by_muon]
    state = recorded_state(contents, "optimizer", by_adam, ("step", "exp_avg", "exp_avg_sq"))
    if state and all(m["step"] >= 0 and m["exp_avg_sq"].min() >= 0 for m in state.values()):
        restore_state(training.adam, state)
    else:
        notes.append("The optimizer starts afresh: the file holds no Adam state of this network")
    if training.muon:
        matrices = enumerate(training.matrices)
        if state := recorded_state(contents, "muon", matrices, ("momentum_buffer",)):
            restore_state(training.muon, state)
        else:
            notes.append("Muon starts afresh: the file holds no momentum of this network")
    schedule = contents.get("scheduler")
    if not isinstance(schedule, dict) or schedule.get("name") != "one cycle":
        notes.append(
            "The learning rate follows one cycle from here: the file plans otherwise, or nothing"
        )
    return notes


def recorded_state(
    contents: dict[str, Any],
    key: str,
    numbered: Iterable[tuple[int, nn.Parameter]],
    names: tuple[str, ...],
) -> dict[int, Any] | None:
    """An optimizer's state for each numbered parameter; None where the file holds none that fits.

    The file may be a stranger's: any value may be missing or of any type.
    """

    def checked(state: dict[str, Any], name: str, parameter: Tensor) -> Tensor:
        wanted = torch.zeros(()) if name == "step" else parameter
        return numbers_like(wanted, torch.as_tensor(state.get(name)), name)

    try:
        recorded = contents[key].get("state")
        return {
            number: {name: checked(recorded.get(number), name, parameter) for name in names}
            for number, parameter in numbered
        }
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, UserError):
        return None


def restore_state(optimizer: torch.optim.Optimizer, state: dict[int, Any]) -> None:
    """Give an optimizer this state, but leave it its rate and decay, which are the recipe's."""
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def restore_generator(training: Training, contents: dict[str, Any]) -> list[str]:
    """Take up the random numbers where the checkpoint left them; returns a note where it cannot."""
    try:
        training.generator.set_state(contents["generator"])
    except (KeyError, TypeError, RuntimeError):
        return ["The random numbers start afresh: the file holds none for this device"]
    return []
