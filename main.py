"""Train the autoencoder on MNIST: 784 pixels through 2 numbers and back.

    python main.py --epochs 600
    python main.py --resume --epochs 600        # go on from the newest checkpoint
    python main.py --resume checkpoints/autoencoder_epoch_100.pth --epochs 600
    python main.py --preset record              # the sharpest map, with a larger network
    torchrun --nproc-per-node=2 main.py         # in two processes

Checkpoints and training_log.csv go to checkpoints/, pictures to img/.
"""

import argparse
import contextlib
import copy
import math
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from scipy.spatial import cKDTree
from torch import Tensor, nn
from tqdm import tqdm

from autoencoder import UserError
from autoencoder.command_line import (
    Parser,
    file_name,
    positive_float,
    positive_int,
    run,
    whole_number,
)
from autoencoder.layers import LATENT
from autoencoder.mnist import load_mnist
from autoencoder.model import (
    COMPRESSION,
    AutoEncoder,
    encode_digits,
    reconstruction_errors,
    unit_pixels,
)
from autoencoder.muon import Muon
from autoencoder.ranks import ALONE, Ranks, joined_ranks
from autoencoder.storage.checkpoint import Checkpoint, load_checkpoint, numbers_like
from autoencoder.storage.files import make_folder
from autoencoder.storage.run_folder import RunFolder
from autoencoder.view import pictures

# One cycle: the learning rate climbs over the first 30% of the epochs, then falls to nothing.
WARMUP = 0.3
FIRST_RATE = 1 / 25
# The noise on the code falls to nothing over this part of the epochs.
NOISY = 0.8
# Muon trains matrices whose sides are between these, at this multiple of Adam's rate. Those of the
# pixels would take it five times as long as the others.
MUON_SIDES = (64, 512)
MUON_RATE = 20 / 3
# Batches from one look of a topographic encoder at its decoder to the next.
FOLLOW_EVERY = 20

PRECISIONS = ("fp32", "bf16")
NEWEST = Path("newest checkpoint")


@dataclass(frozen=True)
class Preset:
    """A network and how it is trained.

    Attributes
    ----------
    epochs : int
    input_dropout : float
        The share of input pixels blacked out at random, the target staying clean. Without it the
        encoder learns codes by heart that it cannot find for the test digits.
    code_noise : float
        Standard deviation, at first, of the noise on the code. Neighbours on the map come to look
        alike by it, as by the shrinking neighbourhood of Kohonen's self-organizing maps (1982).
    muon : bool
        Whether Muon trains the matrices between hidden layers; else Adam, as it does the rest.
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
        epochs=150,
        code_noise=0.25,
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
    """What a run is made of; checkpoints record it and resuming takes it up again."""

    epochs: int = PRESETS["reference"].epochs
    batch_size: int = 1024
    lr: float = 3e-3
    seed: int = 0
    precision: str = "fp32"
    preset: str = "reference"


class Training:
    """A run at the end of some epoch: all that the next epoch depends on.

    Attributes
    ----------
    settings : Settings
    device : torch.device
    epoch : int
        Complete epochs.
    best_loss : float
        The lowest mean training loss of an epoch so far.
    model : AutoEncoder
    replica : nn.Module
        The model, averaging gradients over the ranks.
    trained : list of nn.Parameter
        What of the model gradients change.
    adam : torch.optim.Adam
        Of all that is trained, by which its indices are those of the reference's checkpoints; but
        it leaves alone what has no gradient, as the matrices that Muon has moved.
    matrices : list of nn.Parameter
        Those between hidden layers, where the preset has Muon train them; else none.
    muon : Muon or None
        Of these matrices.
    generator : torch.Generator
        Orders the digits, drops their pixels and moves their codes; the same on every rank.
    """

    def __init__(self, settings: Settings, device: torch.device, ranks: Ranks = ALONE) -> None:
        if settings.batch_size < 2 * ranks.count:
            raise UserError(
                f"--batch_size {settings.batch_size} is too small for {ranks.count} processes:"
                " batch normalisation needs at least 2 digits in each"
            )
        self.settings = settings
        self.preset = PRESETS[settings.preset]
        self.device = device
        self.ranks = ranks
        self.epoch = 0
        self.best_loss = math.inf
        self.generator = torch.Generator(device).manual_seed(settings.seed)
        torch.manual_seed(settings.seed)
        self.use(AutoEncoder(**self.preset.network))

    def use(self, model: AutoEncoder) -> None:
        """Train this network, with optimizers new to it."""
        self.model = model.to(self.device)
        self.replica = self.ranks.replicate(self.model)
        self.trained = [p for p in self.model.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(self.trained, self.settings.lr, fused=True)
        low, high = MUON_SIDES
        self.matrices = [
            p
            for p in self.trained
            if self.preset.muon and p.ndim == 2 and low <= min(p.shape) and max(p.shape) <= high
        ]
        dtype = torch.bfloat16 if self.settings.precision == "bf16" else torch.float32
        self.muon = Muon(self.matrices, self.settings.lr, dtype) if self.matrices else None

    def step(self, rate: float) -> None:
        """Move the network by its gradients, at this rate of Adam's."""
        if self.muon:
            self.muon.param_groups[0]["lr"] = rate * MUON_RATE
            self.muon.step()
        self.adam.param_groups[0]["lr"] = rate
        self.adam.step()
        self.adam.zero_grad()

    def follow(self) -> None:
        """Have a topographic encoder take up what the decoder draws now, on every rank the same."""
        self.ranks.share_statistics(self.model)
        self.model.follow()

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


# --- one epoch --------------------------------------------------------------------------------


def one_cycle(progress: float) -> float:
    """The learning rate as a fraction of its peak, at a progress from 0 to 1 through training.

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2017, with cosines for ramps.
    """
    if progress < WARMUP:
        return FIRST_RATE + (1 - FIRST_RATE) * (1 - math.cos(math.pi * progress / WARMUP)) / 2
    return (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP))) / 2


def drop_pixels(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Uint8 images to float32 ones, each pixel blacked out with a probability.

    The pixels that stay are scaled up, as by torch's dropout, so that the mean stays. On a CPU the
    probability is rounded to a 256th.
    """
    if not probability:
        return unit_pixels(images)
    if images.device.type == "cpu":
        # A random byte a pixel, eight from one draw: F.dropout draws for each pixel, which would
        # take a third of the epoch.
        draws = torch.empty(math.ceil(images.numel() / 8), dtype=torch.int64)
        draws.random_(-(2**63), None, generator=generator)
        kept = draws.view(torch.uint8)[: images.numel()].view_as(images)
        # In place, to 0 and 1: to a bool tensor takes 15 times as long.
        torch.ge(kept, round(256 * probability), out=kept)
    else:
        chances = torch.rand(images.shape, generator=generator, device=images.device)
        kept = chances >= probability
    return unit_pixels(images * kept).div_(1 - probability)


def train_epoch(training: Training, images: Tensor, stop: list[int]) -> float | None:
    """Train for one epoch.

    Parameters
    ----------
    training : Training
        Moves on by one epoch.
    images : (N, 784) uint8, on the device of the training
    stop : list
        Watched between batches: once something is in it, the epoch is broken off.

    Returns
    -------
    The mean loss over the epoch, or None where it was broken off.
    """
    settings, preset = training.settings, training.preset
    device, generator, ranks = training.device, training.generator, training.ranks
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")
    order = torch.randperm(len(images), generator=generator, device=device)
    # A share of one digit would have no variance to normalise by.
    batches = [b for b in order.split(settings.batch_size) if len(b) >= 2 * ranks.count]
    # Summed up on the device: to ask for every batch's loss would be to wait for it.
    total = torch.zeros((), device=device)
    training.model.train()
    for number, indices in enumerate(batches):
        if ranks.any(bool(stop), device):
            return None
        progress = (training.epoch + number / len(batches)) / settings.epochs
        # In the first epoch the map is the plane of the first two principal components.
        if training.epoch and number % FOLLOW_EVERY == 0:
            training.follow()
        # images[indices] takes 15 times as long, for it copies byte by byte.
        digits = images.index_select(0, indices)
        inputs = drop_pixels(digits, preset.input_dropout, generator)
        noise = torch.randn(len(digits), LATENT, generator=generator, device=device)
        noise *= preset.code_noise * max(0.0, 1 - progress / NOISY) ** 2
        digits, inputs, noise = map(ranks.share, (digits, inputs, noise))
        with autocast:
            _, reconstruction = training.replica(inputs, noise)
            loss = F.mse_loss(reconstruction.float(), unit_pixels(digits))
        loss.backward()
        training.step(settings.lr * one_cycle(progress))
        total += loss.detach() * len(digits)
    training.follow()
    training.epoch += 1
    return ranks.total(total).item() / sum(map(len, batches))


def mean_squared_error(model: AutoEncoder, images: Tensor) -> float:
    """The error per pixel of the reconstructions of (N, 784) uint8 images, in float32."""
    return reconstruction_errors(model.eval(), images).mean().item()


# --- the run ----------------------------------------------------------------------------------


@contextlib.contextmanager
def caught_signals() -> Iterator[list[int]]:
    """A list that Ctrl-C and SIGTERM go into instead of ending the process.

    A second one ends it at once, which harms nothing: files are replaced in one step.
    """
    caught: list[int] = []

    def catch(number: int, frame: object) -> None:
        if caught:
            os._exit(128 + number)
        caught.append(number)

    previous = {number: signal.signal(number, catch) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def train(
    training: Training,
    images: Tensor,
    test_images: Tensor,
    folder: RunFolder,
    save_every: int,
    stop: list[int],
) -> None:
    """Train to the last epoch, or until stopped; the first rank writes the log and checkpoints."""
    epochs = training.settings.epochs
    on_terminal = sys.stdout.isatty()
    writes = training.ranks.number == 0
    first = training.epoch
    if first == 0:
        training.model.start(images)
    snapshot = training.snapshot()
    began = time.perf_counter()
    bar = tqdm(total=epochs, initial=training.epoch, unit="epoch", disable=not on_terminal)
    with bar:
        while training.epoch < epochs:
            loss = train_epoch(training, images, stop)
            if loss is None:
                if writes and training.epoch > first:
                    folder.save(snapshot, best=False, numbered=True)
                return
            test_mse = mean_squared_error(training.model, test_images)
            if not math.isfinite(loss + test_mse):
                raise UserError(
                    f"epoch {training.epoch} ended with loss {loss} and test MSE {test_mse}, and is"
                    " not saved: try a smaller --lr, with --resume if there is an earlier file"
                )
            best = loss < training.best_loss
            training.best_loss = min(loss, training.best_loss)
            snapshot = training.snapshot()

            now = time.perf_counter()
            seconds, began = now - began, now
            if writes:
                folder.record(
                    epoch=training.epoch,
                    loss=loss,
                    test_mse=test_mse,
                    lr=training.adam.param_groups[0]["lr"],
                    seconds=seconds,
                    compression=COMPRESSION,
                )
                folder.save(snapshot, best=best, numbered=is_numbered(training, save_every))

            bar.set_postfix_str(f"loss {loss:.5f}, test {test_mse:.5f}", refresh=False)
            bar.update()
            if not on_terminal:
                print(
                    f"Epoch: {training.epoch:>{len(str(epochs))}}/{epochs} | Avg loss: {loss:.8f}"
                    f" | Test MSE: {test_mse:.5f} | Time: {seconds:.2f}s"
                    f" | Compression: {COMPRESSION}x",
                    flush=True,
                )


def is_numbered(training: Training, save_every: int) -> bool:
    """Whether the epoch just completed has a numbered checkpoint."""
    return training.epoch % save_every == 0 or training.epoch == training.settings.epochs


def neighbour_accuracy(
    latents: Tensor, labels: Tensor, test_latents: Tensor, test_labels: Tensor, k: int = 10
) -> float:
    """The share of test codes whose k nearest training codes elect the right digit."""
    _, neighbours = cKDTree(latents.numpy()).query(test_latents.numpy(), k)
    elected = labels[torch.from_numpy(neighbours)].mode(dim=1).values
    return (elected == test_labels).float().mean().item()


@torch.inference_mode()
def report(
    model: AutoEncoder,
    train_set: tuple[Tensor, Tensor],
    test_set: tuple[Tensor, Tensor],
    folder: RunFolder,
    img: Path,
) -> None:
    """Write the pictures of a finished run and print its pictures."""
    images, labels = train_set
    test_images, test_labels = test_set
    latents, test_latents = encode_digits(model, images), encode_digits(model, test_images)
    # The first test digit of each class.
    shown = torch.stack([(test_labels == digit).nonzero()[0, 0] for digit in range(10)])
    accuracy = neighbour_accuracy(latents, labels, test_latents, test_labels)
    print(f"Test MSE: {mean_squared_error(model, test_images):.5f}")
    print(f"10-nearest-neighbour accuracy of the test codes: {accuracy:.4f}")
    print(f"Checkpoints and log: {folder.path}")

    drawn = {
        img / "2D_Visualization_of_number.png": pictures.draw_map(
            torch.cat([latents, test_latents]).numpy(),
            torch.cat([labels, test_labels]).numpy(),
            "Where the 70,000 digits of MNIST live in two dimensions",
        ),
        img / "comparaison" / "compression_visualization.png": pictures.draw_comparison(
            (test_images[shown] / 255).numpy(),
            test_labels[shown].numpy(),
            test_latents[shown].numpy(),
            model.decode(test_latents[shown]).numpy(),
            test_latents.numpy(),
        ),
    }
    if log := folder.read_log():
        drawn[img / "training_curve.png"] = pictures.draw_training_curve(log)
    for path, figure in drawn.items():
        pictures.save(figure, path)
    print("Pictures: " + ", ".join(str(path) for path in drawn))


# --- starting and resuming --------------------------------------------------------------------


def choose_device(name: str) -> torch.device:
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        name = next(device for device in available if available[device])
    if not available[name]:
        raise UserError(f"--device {name}: there is none here; leave the option out or say cpu")
    return torch.device(name)


def choose_precision(device: torch.device) -> str:
    """bf16 where the hardware multiplies it, which is several times faster; else fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return "bf16" if capabilities.get("amx_bf16") or capabilities.get("avx512_bf16") else "fp32"


def start(arguments: argparse.Namespace, device: torch.device, ranks: Ranks = ALONE) -> Training:
    """A fresh run, or the one that --resume names; settings on the command line win over its."""
    given = {
        setting.name: value
        for setting in fields(Settings)
        if (value := getattr(arguments, setting.name)) not in (None, "auto")
    }
    automatic: dict[str, Any] = {"precision": choose_precision(device)}
    if arguments.resume is None:
        automatic["epochs"] = PRESETS[given.get("preset", Settings.preset)].epochs
        return Training(Settings(**{**automatic, **given}), device, ranks)

    if arguments.resume is NEWEST:
        checkpoint = RunFolder(arguments.checkpoints).newest()
    else:
        checkpoint = load_checkpoint(arguments.resume)
    print(f"Resuming from {checkpoint}")
    recorded = recorded_settings(checkpoint)
    if "preset" not in recorded:
        recorded["preset"] = fitting_preset(checkpoint.model)
    preset = recorded["preset"]
    if given.get("preset", preset) != preset:
        raise UserError(
            f"--preset {given['preset']}: {checkpoint.path} is of the preset {preset}, which"
            " resuming keeps; leave the option out"
        )
    for name, value in given.items():
        if recorded.get(name, value) != value:
            print(f"--{name} {value} takes the place of the checkpoint's {recorded[name]}")
    automatic["epochs"] = PRESETS[preset].epochs
    training = Training(Settings(**{**automatic, **recorded, **given}), device, ranks)
    training.epoch = resumed_epoch(checkpoint, arguments.start_epoch)
    if training.epoch > training.settings.epochs:
        raise UserError(
            f"--epochs {training.settings.epochs} is fewer than the {training.epoch} that"
            f" {checkpoint.path} has behind it: --epochs is the total, resumed epochs included"
        )
    training.best_loss = math.inf if checkpoint.loss is None else checkpoint.loss
    training.use(checkpoint.model)
    restore_optimizers(training, checkpoint.contents)
    if recorded.get("seed") == training.settings.seed:
        restore_generator(training, checkpoint.contents)
    return training


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
    """The preset whose network this is; the default for a network that none has."""
    for name, preset in PRESETS.items():
        if AutoEncoder(**preset.network).arguments == model.arguments:
            return name
    return Settings.preset


def resumed_epoch(checkpoint: Checkpoint, start_epoch: int | None) -> int:
    if checkpoint.epoch is None:
        if start_epoch is None:
            print("The file holds weights only: counting from epoch 0 (see --start_epoch)")
        return start_epoch or 0
    if start_epoch not in (None, checkpoint.epoch):
        print(f"--start_epoch {start_epoch} is ignored: the file is of epoch {checkpoint.epoch}")
    return checkpoint.epoch


def restore_optimizers(training: Training, contents: dict[str, Any]) -> None:
    """Take up Adam's moments and Muon's momentum where the checkpoint left them."""
    by_muon = set(training.matrices)
    by_adam = {i: p for i, p in enumerate(training.trained) if p not in by_muon}
    state = recorded_state(contents, "optimizer", by_adam, ("step", "exp_avg", "exp_avg_sq"))
    if state and all(m["step"] >= 0 and m["exp_avg_sq"].min() >= 0 for m in state.values()):
        take_up(training.adam, state)
    else:
        print("The optimizer starts afresh: the file holds no Adam state of this network")
    if training.muon:
        matrices = dict(enumerate(training.matrices))
        if state := recorded_state(contents, "muon", matrices, ("momentum_buffer",)):
            take_up(training.muon, state)
        else:
            print("Muon starts afresh: the file holds no momentum of this network")
    schedule = contents.get("scheduler")
    if not isinstance(schedule, dict) or schedule.get("name") != "one cycle":
        print("The learning rate follows one cycle from here: the file plans otherwise, or nothing")


def take_up(optimizer: torch.optim.Optimizer, state: dict[int, Any]) -> None:
    """Give an optimizer this state, but no rate and decay: these are the recipe's."""
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def restore_generator(training: Training, contents: dict[str, Any]) -> None:
    """Take up the random numbers where the checkpoint left them."""
    try:
        training.generator.set_state(contents["generator"])
    except (KeyError, TypeError, RuntimeError):
        print("The random numbers start afresh: the file holds none for this device")


def recorded_state(
    contents: dict[str, Any], key: str, parameters: dict[int, nn.Parameter], names: tuple[str, ...]
) -> dict[int, Any] | None:
    """An optimizer's state for each parameter, or None where the file holds none that fits."""
    try:
        recorded = contents[key].get("state")
        return {
            index: {
                name: numbers_like(torch.zeros(()), torch.as_tensor(state.get(name)), name)
                if name == "step"
                else numbers_like(parameter, state.get(name), name)
                for name in names
            }
            for index, parameter in parameters.items()
            for state in [recorded.get(index)]
        }
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError, UserError):
        return None


def resume_command(arguments: argparse.Namespace, checkpoint: Path, ranks: Ranks) -> str:
    """The command line that goes on from a checkpoint with the options of this one."""
    defaults = vars(parse_arguments([]))
    words = [*ranks.launcher(), "main.py", "--resume"]
    if checkpoint is not NEWEST:
        words.append(str(checkpoint))
    for name, value in vars(arguments).items():
        if name == "resume" or (name == "start_epoch" and checkpoint is not arguments.resume):
            continue
        if value != defaults[name]:
            words += [f"--{name}", str(value)]
    return command_line(words)


def next_command(arguments: argparse.Namespace) -> str:
    """The command line that explores what was trained, or resumed with nothing left to train."""
    folder = RunFolder(arguments.checkpoints)
    if folder.best.exists():
        file = folder.best
    else:
        file = folder.newest().path if arguments.resume is NEWEST else arguments.resume
    words = ["python", "interac_decompression.py"]
    if file != RunFolder(parse_arguments([]).checkpoints).best:
        words += ["--checkpoint", str(file)]
    return command_line(words)


def command_line(words: list[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def batch_size(text: str) -> int:
    size = positive_int(text)
    if size == 1:
        raise argparse.ArgumentTypeError("batch normalisation needs at least 2 digits")
    return size


def parse_arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = Parser("Train the autoencoder: MNIST digits through two numbers and back.")
    parser.add_argument(
        "--epochs",
        type=positive_int,
        metavar="N",
        help="epochs in all, resumed ones included (the preset's, or the checkpoint's)",
    )
    parser.add_argument(
        "--preset",
        choices=PRESETS,
        help="the network and how to train it ("
        + ", ".join(f"{name}: {preset.epochs} epochs" for name, preset in PRESETS.items())
        + ")",
    )
    parser.add_argument(
        "--resume",
        type=file_name,
        nargs="?",
        const=NEWEST,
        metavar="FILE",
        help="go on from a checkpoint; without FILE from the newest in --checkpoints",
    )
    parser.add_argument(
        "--start_epoch",
        type=whole_number,
        metavar="N",
        help="epochs behind a FILE that holds weights only (0)",
    )
    parser.add_argument(
        "--batch_size",
        type=batch_size,
        metavar="N",
        help=f"digits per step ({Settings.batch_size})",
    )
    parser.add_argument(
        "--lr", type=positive_float, metavar="RATE", help=f"peak learning rate ({Settings.lr})"
    )
    parser.add_argument(
        "--seed",
        type=whole_number,
        metavar="N",
        help=f"of the weights and of all that is random in training ({Settings.seed})",
    )
    parser.add_argument(
        "--save_every",
        type=positive_int,
        default=10,
        metavar="N",
        help="epochs from one numbered checkpoint to the next (%(default)s)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="where to compute (%(default)s: the fastest there is)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", *PRECISIONS),
        default="auto",
        help="of the matrix products (%(default)s: bf16 where the hardware has it)",
    )
    parser.add_data()
    parser.add_folder("checkpoints", "checkpoints", "where checkpoints and log go")
    parser.add_folder("img", "img", "where the pictures go")
    arguments = parser.parse_args(words)
    if arguments.start_epoch is not None and arguments.resume is None:
        parser.error("--start_epoch goes with --resume FILE")
    return arguments


def make_way(arguments: argparse.Namespace, training: Training, folder: RunFolder) -> None:
    """Set an earlier run's files aside, and say so; those of a run that goes on stay.

    Where the file to resume from is among them, arguments.resume follows it.
    """
    goes_on = arguments.resume and (arguments.resume is NEWEST or folder.owns(arguments.resume))
    if goes_on and is_numbered(training, arguments.save_every):
        folder.complete(training.epoch)
    finished = training.epoch == training.settings.epochs
    if not finished and (aside := folder.set_aside(training.epoch if goes_on else 0)):
        print(f"An earlier run's files, in the way of this one, are now in {aside}")
        if goes_on and (moved := aside / arguments.resume.name).exists():
            arguments.resume = moved
    # The best of this folder is yet to come, however good the file was that the run goes on from.
    if not folder.best.exists():
        training.best_loss = math.inf


def announce(training: Training, folder: RunFolder, save_every: int) -> None:
    """Say what is about to run, and how much disk it takes."""
    settings = training.settings
    files = math.ceil((settings.epochs - training.epoch) / save_every) + 1
    # The weights, and two numbers for each from Adam, or one from Muon.
    size = sum(parameter.nbytes for parameter in training.model.parameters())
    size += 2 * sum(parameter.nbytes for parameter in training.trained)
    size -= sum(parameter.nbytes for parameter in training.matrices)
    print(
        f"Training on {training.device} in {settings.precision}:"
        f" epochs {training.epoch + 1} to {settings.epochs}, seed {settings.seed};"
        f" checkpoints in {folder.path} will take about {files * size / 1e9:.1f} GB",
        flush=True,
    )


def say_how_to_resume(arguments: argparse.Namespace, training: Training, folder: RunFolder) -> None:
    """Print the command that goes on, or that there is nothing to go on from."""
    checkpoint = folder.numbered(training.epoch)
    if not checkpoint.exists():
        checkpoint = arguments.resume
    if checkpoint is None:
        print("Stopped before the end of the first epoch: there is nothing to resume")
    else:
        print(f"Stopped. To go on:\n{resume_command(arguments, checkpoint, training.ranks)}")


def main() -> int:
    began = time.perf_counter()
    arguments = parse_arguments()
    device = choose_device(arguments.device)
    with joined_ranks(device) as ranks:
        status = run_training(arguments, device, ranks)
        if status == 0:
            print(f"Total time: {time.perf_counter() - began:.0f} s")
            print(f"Next: {next_command(arguments)}")
    return status


def run_training(arguments: argparse.Namespace, device: torch.device, ranks: Ranks) -> int:
    """Train, then report; returns the exit status."""
    folder = RunFolder(arguments.checkpoints)
    training = start(arguments, device, ranks)
    train_set = load_mnist(arguments.data, "train")
    test_set = load_mnist(arguments.data, "test")
    make_folder(arguments.img)
    with folder.locked() if ranks.number == 0 else contextlib.nullcontext():
        with caught_signals() as stop:
            if ranks.number == 0:
                make_way(arguments, training, folder)
            if training.epoch < training.settings.epochs:
                announce(training, folder, arguments.save_every)
            images, test_images = train_set[0].to(device), test_set[0].to(device)
            train(training, images, test_images, folder, arguments.save_every, stop)
        if training.epoch < training.settings.epochs:
            say_how_to_resume(arguments, training, folder)
            return 128 + (stop[0] if stop else signal.SIGTERM)
        if ranks.number == 0:
            report(training.model.cpu().eval(), train_set, test_set, folder, arguments.img)
    return 0


if __name__ == "__main__":
    run(main)
