"""Train the autoencoder on MNIST: 784 pixels through 2 numbers and back.

    python main.py --epochs 600
    python main.py --epochs 80                  # 2 minutes instead of 14, a good map too
    python main.py --resume --epochs 600        # go on from the newest checkpoint
    python main.py --resume checkpoints/autoencoder_epoch_100.pth --epochs 600
    python main.py --preset record              # the sharpest map, with a larger network
    torchrun --nproc-per-node=2 main.py         # in two processes

Checkpoints and training_log.csv go to checkpoints/, pictures to img/.
"""

import argparse
import contextlib
import math
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from autoencoder import UserError, ranks
from autoencoder.command_line import (
    Parser,
    as_size,
    bar_shows,
    batch_size,
    caught_signals,
    file_name,
    positive_float,
    positive_int,
    quoted,
    run,
    whole_number,
    with_bar,
)
from autoencoder.device import choose_device, computing_on
from autoencoder.layers import LATENT
from autoencoder.mnist import Digits, default_root, load_mnist
from autoencoder.model import (
    COMPRESSION,
    encode_digits,
    mean_squared_error,
    neighbour_accuracies,
    unit_pixels,
)
from autoencoder.storage.checkpoint import default_checkpoint, load_checkpoint
from autoencoder.storage.files import make_folder
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import (
    PRESETS,
    Settings,
    Training,
    fresh_training,
    resumed_training,
)
from autoencoder.view import film, pictures, training_film

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

# The learning rate climbs over this share of the epochs, from this share of its peak, and then
# falls to nothing.
WARMUP = 0.3
FIRST_RATE = 1 / 25
# The noise on the code falls to nothing over this share of the epochs.
NOISY = 0.8
# Batches between two refreshes of the topographic encoder.
FOLLOW_EVERY = 20

NEWEST = Path("newest checkpoint")


# --- one epoch --------------------------------------------------------------------------------


def train_epoch(training: Training, images: Tensor, stop: Sequence[int] = ()) -> float | None:
    """Train for one epoch.

    Parameters
    ----------
    training : Training
        Moves on by one epoch.
    images : (N, 784) uint8, on the device of the training
    stop : sequence
        Watched between batches: once something is in it, the epoch is broken off.

    Returns
    -------
    The mean loss over the epoch, or None where it was broken off.
    """
    settings, preset, generator = training.settings, training.preset, training.generator
    device = training.device
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")
    order = torch.randperm(len(images), generator=generator, device=device)
    # A rank with a single digit would have no variance to normalise by.
    batches = [b for b in order.split(settings.batch_size) if len(b) >= 2 * ranks.count()]
    # Summed up on the device: reading the loss of every batch would be waiting for it.
    total = torch.zeros((), device=device)
    training.model.train()
    for number, indices in enumerate(batches):
        if ranks.total(len(stop), device):
            return None
        progress = (training.epoch + number / len(batches)) / settings.epochs
        # In the first epoch the map is the plane of the first two principal components.
        if training.epoch and number % FOLLOW_EVERY == 0:
            training.follow()
        # images[indices] takes 15 times as long, for it copies byte by byte.
        digits = images.index_select(0, indices)
        inputs = drop_pixels(digits, preset.input_dropout, generator)
        noise = draw_noise(len(digits), preset.code_noise, progress, generator)
        digits, inputs, noise = map(ranks.share, (digits, inputs, noise))
        with autocast:
            _, reconstruction = training.replica(inputs, noise)
            loss = F.mse_loss(reconstruction.float(), unit_pixels(digits))
        loss.backward()
        training.step(settings.lr * one_cycle(progress))
        total += loss.detach() * len(digits)
    training.follow()
    training.epoch += 1
    return ranks.total(total.item(), device) / sum(map(len, batches))


def drop_pixels(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Uint8 images to float32 ones, each pixel blacked out with a probability.

    The pixels that stay are scaled up, as torch's dropout does it, so that the mean stays. On a CPU
    the probability is rounded to a 256th.
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


def draw_noise(count: int, deviation: float, progress: float, generator: torch.Generator) -> Tensor:
    """Noise for codes (count, 2), which falls to nothing as training progresses from 0 to 1.

    It is drawn even where its deviation is 0, at a thousandth of the time of a step: without it
    every later draw would be another, and the shipped network could not be trained again.
    """
    noise = torch.randn(count, LATENT, generator=generator, device=generator.device)
    return noise * (deviation * max(0.0, 1 - progress / NOISY) ** 2)


def one_cycle(progress: float) -> float:
    """The learning rate as a share of its peak, at a progress from 0 to 1 through training.

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
    Rates", 2017, with cosines for ramps.
    """
    if progress < WARMUP:
        return FIRST_RATE + (1 - FIRST_RATE) * (1 - math.cos(math.pi * progress / WARMUP)) / 2
    return (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP))) / 2


# --- all epochs, and what comes of them -------------------------------------------------------


def train(
    training: Training,
    images: Tensor,
    test_images: Tensor,
    folder: RunFolder,
    save_every: int,
    stop: Sequence[int],
) -> None:
    """Train to the last epoch, or until stopped; the first rank writes the log and checkpoints."""
    epochs = training.settings.epochs
    shows_bar = bar_shows()
    with_lines = not (shows_bar and sys.stdout.isatty())
    began = time.perf_counter()
    with tqdm(total=epochs, initial=training.epoch, unit="epoch", disable=not shows_bar) as bar:
        while training.epoch < epochs:
            loss = train_epoch(training, images, stop)
            if loss is None:
                return
            test_mse = mean_squared_error(training.model.eval(), test_images)
            if not math.isfinite(loss + test_mse):
                raise UserError(
                    f"epoch {training.epoch} ended with loss {loss} and test MSE {test_mse}, and is"
                    " not saved: try a smaller --lr, with --resume if there is an earlier file"
                )
            best = loss < training.best_loss
            training.best_loss = min(loss, training.best_loss)
            now = time.perf_counter()
            seconds, began = now - began, now
            if ranks.rank() == 0:
                snapshot = training.snapshot() | {"test_mse": test_mse}
                rate = training.adam.param_groups[0]["lr"]
                row = (training.epoch, loss, test_mse, rate, seconds, COMPRESSION)
                if note := folder.record(*row):
                    tqdm.write(note)
                folder.save(snapshot, best=best, numbered=is_numbered(training, save_every))
            bar.set_postfix_str(f"loss {loss:.5f}, test {test_mse:.5f}", refresh=False)
            bar.update()
            if with_lines:
                print(
                    f"Epoch: {training.epoch:>{len(str(epochs))}}/{epochs} | Avg loss: {loss:.8f}"
                    f" | Test MSE: {test_mse:.5f} | Time: {seconds:.2f}s"
                    f" | Compression: {COMPRESSION}x",
                    flush=True,
                )


def is_numbered(training: Training, save_every: int) -> bool:
    """Whether the epoch just completed has a numbered checkpoint."""
    return training.epoch % save_every == 0 or training.epoch == training.settings.epochs


@torch.inference_mode()
def report(
    training: Training, train_set: Digits, test_set: Digits, folder: RunFolder, img: Path
) -> None:
    """Print the results of a finished run and write its pictures."""
    model = training.model.cpu().eval()
    latents = encode_digits(model, train_set.images)
    test_latents = encode_digits(model, test_set.images)
    accuracies = neighbour_accuracies(latents, train_set.labels, test_latents, test_set.labels)
    print(f"Test MSE: {mean_squared_error(model, test_set.images):.5f}")
    for count, accuracy in accuracies.items():
        print(f"{count}-nearest-neighbour accuracy of the test codes: {accuracy:.4f}")
    print(f"Checkpoints and log: {folder.path}")

    count = len(latents) + len(test_latents)
    labels = test_set.labels
    shown = test_set.first_of_each()
    figures = {
        img / "2D_Visualization_of_number.png": pictures.draw_map(
            torch.cat([latents, test_latents]).numpy(),
            torch.cat([train_set.labels, labels]).numpy(),
            f"Where the {count:,} digits of {test_set.name} live in two dimensions",
        ),
        img / "comparaison" / "compression_visualization.png": pictures.draw_comparison(
            unit_pixels(test_set.images[shown]).numpy(),
            labels[shown].numpy(),
            test_latents[shown].numpy(),
            model.decode(test_latents[shown]).numpy(),
            test_latents.numpy(),
        ),
    }
    if log := folder.read_log():
        figures[img / "training_curve.png"] = pictures.draw_training_curve(log)
    for path, figure in figures.items():
        pictures.save(figure, path)
    print("Pictures: " + ", ".join(map(str, figures)))


def film_training(
    training: Training, train_set: Digits, test_set: Digits, folder: RunFolder, img: Path
) -> None:
    """Film how the map of a finished run unfolded, as far as its numbered checkpoints tell."""
    epochs = folder.evenly_chosen(training.epoch, training_film.CHECKPOINTS)
    shown = with_bar(epochs, len(epochs), "checkpoint")
    scenes, notes = training_film.scenes_of_run(folder, shown, train_set, test_set)
    for note in notes:
        print(note)
    if len(scenes) < 2:
        print("No film of the training: it takes two numbered checkpoints (see --save_every)")
        return
    frames, count = training_film.draw_frames(scenes, test_set), training_film.count_frames(scenes)
    path = img / "training.webp"
    film.save(path, with_bar(frames, count, "frame"), count, training_film.ENDS_MS)
    print(f"Film: {path}")


# --- the command line -------------------------------------------------------------------------


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
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
        help=f"seed of the weights and of all randomness in training ({Settings.seed})",
    )
    parser.add_argument(
        "--save_every",
        type=positive_int,
        default=10,
        metavar="N",
        help="epochs between two numbered checkpoints (%(default)s)",
    )
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda", "mps"),
        default="auto",
        help="where to compute (%(default)s: the fastest there is)",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16"),
        default="auto",
        help="type of the matrix products (%(default)s: bf16 where the hardware has it)",
    )
    parser.add_data()
    parser.add_folder("checkpoints", "checkpoints", "folder for checkpoints and log")
    parser.add_folder("img", "img", "folder for the pictures")
    arguments = parser.parse_args(words)
    if arguments.start_epoch is not None and arguments.resume is None:
        parser.error("--start_epoch goes with --resume FILE")
    return arguments


def begin(arguments: argparse.Namespace, device: torch.device) -> Training:
    """A fresh run, or the one that --resume names."""
    given = {
        setting.name: value
        for setting in fields(Settings)
        if (value := getattr(arguments, setting.name)) not in (None, "auto")
    }
    if arguments.resume is None:
        return fresh_training(given, device)
    if arguments.resume is NEWEST:
        checkpoint = RunFolder(arguments.checkpoints).newest()
    else:
        checkpoint = load_checkpoint(arguments.resume)
    print(f"Resuming from {checkpoint}")
    training, notes = resumed_training(checkpoint, given, arguments.start_epoch, device)
    for note in notes:
        print(note)
    return training


def make_way(arguments: argparse.Namespace, training: Training, folder: RunFolder) -> bool:
    """Set an earlier run's files aside, and say so; those of a run that goes on stay.

    Where the file to resume from is among them, arguments.resume follows it. Returns whether the
    files that stay are this run's: nothing makes way for a finished run from elsewhere.
    """
    goes_on = arguments.resume and (arguments.resume is NEWEST or folder.owns(arguments.resume))
    if goes_on and is_numbered(training, arguments.save_every):
        folder.complete(training.epoch)
    finished = training.epoch == training.settings.epochs
    if not finished and (aside := folder.set_aside(training.epoch if goes_on else 0)):
        print(f"An earlier run's files, in the way of this one, are now in {aside}")
        if goes_on and (moved := aside / arguments.resume.name).exists():
            arguments.resume = moved
    # The best of this folder may be yet to come, or be better than the file was that goes on.
    best = folder.load_best()
    best_loss = best.loss if best else None
    training.best_loss = math.inf if best_loss is None else min(training.best_loss, best_loss)
    return bool(goes_on) or not finished


def announce(training: Training, folder: RunFolder, save_every: int) -> None:
    """Say what is about to run, and how much disk it takes."""
    settings = training.settings
    files = math.ceil((settings.epochs - training.epoch) / save_every) + 1
    size = as_size(files * training.checkpoint_bytes)
    print(
        f"Training on {training.device} in {settings.precision}:"
        f" epochs {training.epoch + 1} to {settings.epochs}, seed {settings.seed};"
        f" checkpoints in {folder.path} will take about {size}",
        flush=True,
    )


def say_how_to_go_on(arguments: argparse.Namespace, training: Training, folder: RunFolder) -> None:
    """Print the command line that was given, but resuming from the last complete epoch."""
    # With what these two take out of it, the rest of the command line stays as it was typed.
    resuming = argparse.ArgumentParser(allow_abbrev=False)
    resuming.add_argument("--resume", nargs="?")
    resuming.add_argument("--start_epoch")
    _, words = resuming.parse_known_args(sys.argv[1:])
    resume = ["--resume"]
    if (last := folder.numbered(training.epoch)).exists():
        resume.append(str(last))
    elif arguments.resume is None:
        print("Stopped before the end of the first epoch: there is nothing to resume")
        return
    elif arguments.resume is not NEWEST:
        resume.append(str(arguments.resume))
        if arguments.start_epoch is not None:
            resume += ["--start_epoch", str(arguments.start_epoch)]
    print(f"Stopped. To go on:\n{quoted([*ranks.launcher(), sys.argv[0], *resume, *words])}")


def say_what_is_next(arguments: argparse.Namespace, folder: RunFolder) -> None:
    """Print the command that explores what was trained, or resumed with nothing left to train."""
    words = ["python", str(Path(sys.argv[0]).with_name("interac_decompression.py"))]
    file = folder.best
    if not file.exists():
        file = folder.newest().path if arguments.resume is NEWEST else arguments.resume
    if file != default_checkpoint():
        words += ["--checkpoint", str(file)]
    if arguments.data != default_root():
        words += ["--data", str(arguments.data)]
    print(f"Next: {quoted(words)}")


def run_training(arguments: argparse.Namespace, device: torch.device) -> int:
    """Train, then report; returns the exit status."""
    began = time.perf_counter()
    first_rank = ranks.rank() == 0
    folder = RunFolder(arguments.checkpoints)
    training = begin(arguments, device)
    train_set = load_mnist(arguments.data, "train")
    test_set = load_mnist(arguments.data, "test")
    if not train_set.are_mnist:
        print(train_set.note)
    if len(train_set.labels) < 2 * ranks.count():
        raise UserError("there are too few training digits: batch normalisation needs 2 at least")
    make_folder(arguments.img)
    with folder.locked() if first_rank else contextlib.nullcontext() as note:
        if note:
            print(note)
        with caught_signals() as stop:
            own_files = first_rank and make_way(arguments, training, folder)
            if training.epoch < training.settings.epochs:
                announce(training, folder, arguments.save_every)
            images, test_images = train_set.images.to(device), test_set.images.to(device)
            if arguments.resume is None:
                training.model.start(images)
            try:
                train(training, images, test_images, folder, arguments.save_every, stop)
            except Exception:
                # Memory ran out, the reader of the output went away: no complete epoch is lost.
                with contextlib.suppress(UserError, RuntimeError):
                    folder.save_last()
                raise
            folder.save_last()
            if first_rank and (note := folder.append_waiting()):
                print(note)
        if training.epoch < training.settings.epochs:
            say_how_to_go_on(arguments, training, folder)
            return 128 + (stop[0] if stop else signal.SIGTERM)
        if first_rank:
            report(training, train_set, test_set, folder, arguments.img)
            if own_files:
                film_training(training, train_set, test_set, folder, arguments.img)
            print(f"Total time: {time.perf_counter() - began:.0f} s")
            say_what_is_next(arguments, folder)
    return 0


@pictures.our_style()
def main() -> int:
    arguments = parse_arguments()
    device, note = choose_device(arguments.device)
    with ranks.joined(device), computing_on(device):
        if note:
            print(note)
        return run_training(arguments, device)


if __name__ == "__main__":
    run(main)
