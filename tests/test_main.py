"""Training as a user runs it: pictures, resuming, stopping, bad input."""

import csv
import errno
import math
import os
import re
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import main as script
from autoencoder import UserError, quota, training
from autoencoder.command_line import bar_shows
from autoencoder.device import choose_device, computing_on
from autoencoder.mnist import Digits
from autoencoder.model import AutoEncoder
from autoencoder.storage.checkpoint import load_checkpoint, save_checkpoint
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import PRESETS, Settings, Training, untrained_network
from autoencoder.view import pictures, training_film
from tests.fixtures import (
    DATA,
    ROOT,
    assert_refused,
    assert_same_training,
    logged_epochs,
    run_script,
)

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageSequence
from torch import Tensor

PICTURES = (
    "2D_Visualization_of_number.png",
    "comparaison/compression_visualization.png",
    "training_curve.png",
)


# --- a whole run ------------------------------------------------------------------------------


def test_an_epoch_from_the_shell(folder: Path, tmp_path: Path) -> None:
    done = run_script(
        "main.py", "--epochs", "1", "--checkpoints", folder, "--img", tmp_path / "img"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Epoch: 1/1 | Avg loss: 0.0" in done.stdout
    assert "| Compression: 392.0x" in done.stdout
    assert "10-nearest-neighbour accuracy" in done.stdout
    names = {file.name for file in folder.iterdir()} - {".lock"}
    assert names == {"autoencoder_best.pth", "autoencoder_epoch_1.pth", "training_log.csv"}
    with (folder / "training_log.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert ", ".join(header) == (
        "Epoch, Avg Loss, Test MSE, Learning Rate, Time (s), Compression Ratio"
    )
    assert [row[0] for row in rows] == ["1"]
    for picture in PICTURES:
        assert (tmp_path / "img" / picture).stat().st_size > 10_000


def test_it_learns(train: Any, folder: Path) -> None:
    assert train("--epochs", "12").status == 0
    with (folder / "training_log.csv").open(newline="") as file:
        losses = [float(row["Avg Loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < 0.6 * losses[0]
    best = load_checkpoint(folder / "autoencoder_best.pth")
    assert best.loss == pytest.approx(min(losses), abs=1e-8)


def test_numbered_checkpoints_come_as_often_as_asked(train: Any, folder: Path) -> None:
    train("--epochs", "5", "--save_every", "2")
    numbered = sorted(file.name for file in folder.glob("autoencoder_epoch_*"))
    assert numbered == [f"autoencoder_epoch_{n}.pth" for n in (2, 4, 5)]


def test_the_same_seed_gives_the_same_bits(train: Any, folder: Path, tmp_path: Path) -> None:
    train("--epochs", "2", "--seed", "3")
    train("--epochs", "2", "--seed", "3", "--checkpoints", tmp_path / "again")
    train("--epochs", "2", "--seed", "4", "--checkpoints", tmp_path / "other")
    name = "autoencoder_epoch_2.pth"
    assert_same_training(folder / name, tmp_path / "again" / name)
    with pytest.raises(AssertionError):
        assert_same_training(folder / name, tmp_path / "other" / name)


def test_a_fresh_run_keeps_what_an_earlier_one_left(train: Any, folder: Path) -> None:
    train("--epochs", "2", "--save_every", "1")
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}
    second = train("--epochs", "1")
    aside = folder / "set_aside_1"
    assert str(aside) in second.out
    assert {file.name: file.read_bytes() for file in aside.iterdir()} == {
        name: content for name, content in before.items() if name != ".lock"
    }
    assert logged_epochs(folder) == [1]
    train("--epochs", "1")
    assert (folder / "set_aside_2").is_dir()


def test_a_fresh_run_keeps_files_that_are_not_its_own(train: Any, folder: Path) -> None:
    """Weights without an epoch under the best one's name, a log of other columns, other names."""
    folder.mkdir()
    torch.save(AutoEncoder().state_dict(), folder / "autoencoder_best.pth")
    (folder / "training_log.csv").write_bytes(b"epoch,loss\n1,0.09\n\xff\n")
    (folder / "autoencoder_epoch_003.pth").write_text("not a number of ours")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert train("--epochs", "3", "--save_every", "1").status == 0
    aside = folder / "set_aside_1"
    for name in ("autoencoder_best.pth", "training_log.csv"):
        assert (aside / name).read_bytes() == before[name]
    name = "autoencoder_epoch_003.pth"
    assert (folder / name).read_bytes() == before[name]
    assert logged_epochs(folder) == [1, 2, 3]


def test_it_leaves_the_pretrained_weights_alone(train: Any, folder: Path) -> None:
    folder.mkdir()
    save_checkpoint(folder / "autoencoder_pretrained.pth", {"epoch": 0})
    before = (folder / "autoencoder_pretrained.pth").read_bytes()
    train("--epochs", "1")
    assert (folder / "autoencoder_pretrained.pth").read_bytes() == before


# --- the film of a run ------------------------------------------------------------------------


def frames_of(path: Path) -> list[NDArray[np.int64]]:
    with Image.open(path) as film:
        pictures = (frame.convert("RGB") for frame in ImageSequence.Iterator(film))
        return [np.asarray(picture).astype(int) for picture in pictures]


def shown_digits(frame: NDArray[np.int64], digits: Digits) -> NDArray[np.int64]:
    """The pixels of the reconstructions in a frame of the film: (10, 28, 28), from 0 to 255."""
    axes: Any = training_film.Screen(digits).reconstructions.axes
    rows = np.arange(10)[:, None] * (28 + training_film.GAP) + np.arange(28)
    across, _ = axes.transData.transform([(column, 0) for column in range(28)]).T
    _, up = axes.transData.transform([(0, row) for row in rows.ravel()]).T
    down = (480 - up).astype(int).reshape(10, 28, 1)
    return frame[down, across.astype(int), 0]


def test_the_film_goes_from_the_untrained_network_to_the_last(
    train: Any,
    folder: Path,
    test_set: tuple[Tensor, Tensor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First, middle and last frame show what the networks of these epochs decode to."""
    monkeypatch.setattr(script, "report", lambda *_: None)
    done = train("--epochs", "3", "--save_every", "1", "--seed", "5", "--img", tmp_path / "img")
    path = tmp_path / "img" / "training.webp"
    assert f"Film: {path}" in done.out
    assert path.stat().st_size < 2e6
    untrained = untrained_network(Settings(seed=5)).eval()
    files = [folder / f"autoencoder_epoch_{epoch}.pth" for epoch in (1, 2, 3)]
    networks = [untrained, *(load_checkpoint(file).model for file in files)]
    digits = Digits(*test_set).first(600)
    scenes = [training_film.scene_of(network, digits, 0) for network in networks]
    steps = training_film.frames_a_step(scenes)
    frames = frames_of(path)
    assert len(frames) == 1 + sum(steps)
    for scene, number in zip(scenes, np.cumsum([0, *steps]), strict=True):
        expected = 255 * scene.reconstructions.reshape(10, 28, 28)
        assert np.abs(shown_digits(frames[number], digits) - expected).mean() < 12
    # What a resumed run began elsewhere is not in its film: two checkpoints, and nothing before.
    resumed = train(
        "--resume", files[0], "--checkpoints", tmp_path / "on", "--img", tmp_path / "on"
    )
    assert "No film of the training" in resumed.out
    # A damaged checkpoint is left out, and where two are left there still is a film.
    files[1].write_bytes(files[1].read_bytes()[:1000])
    done = train("--resume", "--checkpoints", folder, "--img", tmp_path / "img")
    assert f"Not in the film: {files[1]}: damaged" in done.out
    assert len(frames_of(path)) == 1 + sum(
        training_film.frames_a_step([scenes[0], scenes[1], scenes[3]])
    )


def test_at_most_sixty_checkpoints_are_filmed_evenly(folder: Path) -> None:
    folder.mkdir()
    for epoch in range(10, 1210, 10):
        (folder / f"autoencoder_epoch_{epoch}.pth").touch()
    epochs = RunFolder(folder).evenly_chosen(1190, 60)
    assert (epochs[0], epochs[-1], len(epochs)) == (10, 1190, 60)
    assert set(np.diff(epochs)) == {20}
    assert RunFolder(folder).evenly_chosen(30, 60) == [10, 20, 30]


# --- resuming ---------------------------------------------------------------------------------


def test_resuming_from_a_file_ends_bit_for_bit_the_same(
    train: Any, folder: Path, whole_run: Path
) -> None:
    source = whole_run / "autoencoder_epoch_4.pth"
    train("--resume", source, "--epochs", "6", "--save_every", "2")
    for name in ("autoencoder_epoch_6.pth", "autoencoder_best.pth"):
        assert_same_training(folder / name, whole_run / name)
    assert logged_epochs(folder) == [5, 6]


def test_resuming_in_place_sets_later_epochs_aside(train: Any, whole_run: Path) -> None:
    source = whole_run / "autoencoder_epoch_2.pth"
    sixth = (whole_run / "autoencoder_epoch_6.pth").read_bytes()
    done = train("--resume", source, "--checkpoints", whole_run)
    aside = whole_run / "set_aside_1"
    assert str(aside) in done.out
    assert logged_epochs(whole_run) == [1, 2, 3, 4, 5, 6]
    assert logged_epochs(aside) == [3, 4, 5, 6]
    assert (aside / "autoencoder_epoch_6.pth").read_bytes() == sixth
    assert (aside / "autoencoder_best.pth").exists()
    assert_same_training(whole_run / "autoencoder_epoch_6.pth", aside / "autoencoder_epoch_6.pth")


def test_a_file_from_elsewhere_is_explored_or_outdone(
    train: Any, folder: Path, whole_run: Path, tmp_path: Path
) -> None:
    """Where its loss is out of reach, the new folder has a best checkpoint all the same."""
    source = tmp_path / "elsewhere.pth"
    contents = torch.load(whole_run / "autoencoder_epoch_6.pth", weights_only=True)
    torch.save(contents | {"best_loss": 1e-9}, source)
    done = train("--resume", source)
    assert f"Next: python interac_decompression.py --checkpoint {source}" in done.out
    (whole_run / "autoencoder_best.pth").unlink()
    done = train("--resume", "--checkpoints", whole_run)
    assert f"--checkpoint {whole_run / 'autoencoder_epoch_6.pth'}" in done.out
    done = train("--resume", source, "--epochs", "7")
    best = folder / "autoencoder_best.pth"
    assert f"Next: python interac_decompression.py --checkpoint {best}" in done.out
    assert load_checkpoint(best).epoch == 7


def test_a_resumed_file_that_had_to_make_way_can_be_resumed_again(
    train: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    file = folder / "autoencoder_epoch_100.pth"
    torch.save(AutoEncoder().state_dict(), file)
    with monkeypatch.context() as patch:
        patch.setattr(script, "train_epoch", lambda *_: None)
        stopped = train("--resume", file)
    aside = folder / "set_aside_1" / file.name
    assert not file.exists()
    assert f"--resume {aside}" in stopped.out
    assert train("--resume", aside, "--epochs", "1").status == 0


def test_bare_resume_takes_the_newest(train: Any, whole_run: Path) -> None:
    done = train("--resume", "--epochs", "8", "--checkpoints", whole_run)
    assert "autoencoder_epoch_6.pth (epoch 6" in done.out
    assert "--epochs 8 takes the place of the checkpoint's 6" in done.out
    assert logged_epochs(whole_run) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_with_nothing_left_to_train_it_draws_the_pictures(
    train: Any, whole_run: Path, tmp_path: Path
) -> None:
    done = train("--resume", "--checkpoints", whole_run, "--img", tmp_path / "drawn")
    assert done.status == 0
    assert "Test MSE: " in done.out
    assert all((tmp_path / "drawn" / picture).exists() for picture in PICTURES)
    assert logged_epochs(whole_run) == [1, 2, 3, 4, 5, 6]


def test_with_nothing_left_to_train_nothing_is_set_aside(
    train: Any, whole_run: Path, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign.pth"
    foreign.write_bytes((whole_run / "autoencoder_epoch_6.pth").read_bytes())
    before = {file.name: file.read_bytes() for file in whole_run.iterdir()}
    assert train("--resume", foreign, "--checkpoints", whole_run).status == 0
    assert {file.name: file.read_bytes() for file in whole_run.iterdir()} == before


@pytest.mark.parametrize("damage", [b"7,n/a,0.1,0.1,1.0,392.0\n", b"\xff\xfe\n", b"7,0.0"])
def test_damaged_rows_of_the_log_are_set_aside(train: Any, whole_run: Path, damage: bytes) -> None:
    with (whole_run / "training_log.csv").open("ab") as log:
        log.write(damage)
    assert train("--resume", "--epochs", "7", "--checkpoints", whole_run).status == 0
    assert logged_epochs(whole_run) == [1, 2, 3, 4, 5, 6, 7]


def test_rows_that_wait_beside_the_log_are_set_aside_with_it(train: Any, whole_run: Path) -> None:
    log, waiting = whole_run / "training_log.csv", whole_run / "training_log_waiting.csv"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:5]))
    waiting.write_text("".join(lines[4:]))  # a kill came after one of them was in the log
    source = whole_run / "autoencoder_epoch_2.pth"
    assert train("--resume", source, "--checkpoints", whole_run).status == 0
    assert logged_epochs(whole_run / "set_aside_1") == [3, 4, 5, 6]
    assert logged_epochs(whole_run) == [1, 2, 3, 4, 5, 6]
    assert not waiting.exists()
    waiting.write_text("".join(lines[5:]))
    assert train("--epochs", "1", "--checkpoints", whole_run).status == 0
    assert (whole_run / "set_aside_2" / waiting.name).exists()
    assert not waiting.exists()
    assert logged_epochs(whole_run) == [1]


def test_another_seed_gives_other_random_numbers(
    train: Any, folder: Path, whole_run: Path, tmp_path: Path
) -> None:
    source, name = whole_run / "autoencoder_epoch_4.pth", "autoencoder_epoch_6.pth"
    train("--resume", source, "--seed", str(2**31 - 1))
    with pytest.raises(AssertionError):
        assert_same_training(folder / name, whole_run / name)
    assert train("--resume", "--epochs", "7").status == 0


def test_the_file_decides_unless_the_command_line_does(train: Any, whole_run: Path) -> None:
    source = whole_run / "autoencoder_epoch_4.pth"
    done = train("--resume", source, "--lr", "0.001", "--seed", "5", "--precision", "fp32")
    assert "--lr 0.001 takes the place of the checkpoint's 0.003" in done.out
    assert "--seed 5 takes the place of the checkpoint's 0" in done.out


def test_start_epoch_that_disagrees_is_not_used(train: Any, whole_run: Path) -> None:
    source = whole_run / "autoencoder_epoch_4.pth"
    done = train("--resume", source, "--start_epoch", "1")
    assert "--start_epoch 1 is ignored: the file is of epoch 4" in done.out
    assert "Epoch: 5/6" in done.out
    assert "Epoch: 4/6" not in done.out


def test_the_record_goes_on_bit_for_bit_too(train: Any, tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "checkpoints"
    record = ("--preset", "record", "--save_every", "1", "--epochs", "2")
    train(*record, "--checkpoints", whole)
    train("--resume", whole / "autoencoder_epoch_1.pth")
    name = "autoencoder_epoch_2.pth"
    assert_same_training(folder / name, whole / name)


def test_the_preset_of_a_file_stays(train: Any, whole_run: Path) -> None:
    outcome = train("--resume", "--checkpoints", whole_run, "--preset", "record")
    assert_refused(outcome, "--preset record", "of the preset reference")


@pytest.mark.parametrize("preset", PRESETS)
def test_a_file_without_settings_goes_on_with_the_preset_of_its_network(
    preset: str, tmp_path: Path
) -> None:
    model = AutoEncoder(**PRESETS[preset].network)
    file = tmp_path / "weights.pth"
    save_checkpoint(
        file, {"epoch": 3, "state_dict": model.state_dict(), "network": model.arguments}
    )
    arguments = script.parse_arguments(["--resume", str(file)])
    training = script.begin(arguments, torch.device("cpu"))
    assert training.settings.preset == preset
    assert training.settings.epochs == PRESETS[preset].epochs


def test_each_preset_has_its_own_network_and_epochs() -> None:
    for name, preset in PRESETS.items():
        arguments = script.parse_arguments(["--preset", name])
        training = script.begin(arguments, torch.device("cpu"))
        assert training.settings.epochs == preset.epochs
        assert training.model.arguments == AutoEncoder(**preset.network).arguments


def test_a_bare_state_dict_goes_on_from_start_epoch(
    train: Any, folder: Path, tmp_path: Path
) -> None:
    torch.save(AutoEncoder().state_dict(), tmp_path / "weights.pth")
    done = train("--resume", tmp_path / "weights.pth", "--start_epoch", "3", "--epochs", "5")
    assert done.status == 0
    assert "The optimizer starts afresh" in done.out
    assert logged_epochs(folder) == [4, 5]


def test_a_file_of_the_reference_goes_on(train: Any, folder: Path, tmp_path: Path) -> None:
    model = AutoEncoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    model(torch.rand(8, 784))[1].mean().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=3, factor=0.5)
    torch.save(
        {
            "epoch": 3,
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "best_loss": 0.05,
        },
        tmp_path / "reference.pth",
    )
    done = train("--resume", tmp_path / "reference.pth", "--epochs", "4")
    assert done.status == 0
    assert "The optimizer starts afresh" not in done.out
    assert "The learning rate follows one cycle from here" in done.out
    assert logged_epochs(folder) == [4]
    written = torch.load(folder / "autoencoder_epoch_4.pth", weights_only=True)
    assert written["optimizer"]["state"][0]["step"] == 1 + 3
    assert written["optimizer"]["param_groups"][0]["weight_decay"] == 0


@pytest.mark.parametrize("kind", [float, torch.tensor])
def test_a_better_best_checkpoint_is_never_overwritten(train: Any, folder: Path, kind: Any) -> None:
    """Whatever kind of number its loss was saved as."""
    folder.mkdir()
    good = {"state_dict": AutoEncoder().state_dict(), "best_loss": kind(1e-9)}
    torch.save(good | {"epoch": 3}, folder / "autoencoder_best.pth")
    torch.save(good | {"epoch": 4, "best_loss": 0.5}, folder / "autoencoder_epoch_4.pth")
    before = (folder / "autoencoder_best.pth").read_bytes()
    assert train("--resume", "--epochs", "5").status == 0
    assert (folder / "autoencoder_best.pth").read_bytes() == before


def test_a_best_checkpoint_that_does_not_tell_its_loss_is_set_aside(
    train: Any, folder: Path
) -> None:
    folder.mkdir()
    best, numbered = folder / "autoencoder_best.pth", folder / "autoencoder_epoch_4.pth"
    for file in (best, numbered):
        torch.save({"epoch": 4, "state_dict": AutoEncoder().state_dict()}, file)
    before = best.read_bytes()
    assert train("--resume", numbered, "--epochs", "5").status == 0
    assert (folder / "set_aside_1" / best.name).read_bytes() == before
    assert load_checkpoint(best).epoch == 5


# --- other people's settings --------------------------------------------------------------------


def own_set(labels: list[int]) -> Digits:
    images = torch.arange(len(labels) * 784).reshape(-1, 784) % 251
    return Digits(images.byte(), torch.tensor(labels), are_mnist=False)


def test_a_small_set_of_ones_own_trains(
    train: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "load_mnist", lambda _root, _split: own_set([3, 1, 4, 1, 5, 9] * 2))
    titles: list[str] = []

    def draw_map(_latents: Any, _labels: Any, title: str) -> Figure:
        titles.append(title)
        return Figure()

    monkeypatch.setattr(pictures, "draw_map", draw_map)
    done = train("--epochs", "1", "--img", tmp_path / "img")
    assert (done.status, done.err) == (0, "")
    assert done.out.count("The digits are your own set, 12 of them here, and not MNIST's") == 1
    assert titles == ["Where the 24 digits of your own set live in two dimensions"]


def test_a_set_of_a_single_class_or_of_a_single_digit(
    train: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(script, "load_mnist", lambda _root, _split: own_set([3] * 12))
    assert train("--epochs", "1", "--img", tmp_path / "img").status == 0
    monkeypatch.setattr(script, "load_mnist", lambda _root, _split: own_set([3]))
    assert_refused(train("--epochs", "1"), "too few training digits")


def test_a_record_without_an_epoch_keeps_its_map(
    train: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = AutoEncoder(**PRESETS["record"].network)
    torch.save({"state_dict": model.state_dict(), "network": model.arguments}, tmp_path / "r.pth")

    def keep(training: Training, *_: Any) -> None:
        before, after = model.state_dict(), training.model.state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)

    monkeypatch.setattr(script, "train_epoch", keep)
    train("--resume", tmp_path / "r.pth")


def test_the_home_folder_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    arguments = script.parse_arguments(["--data=~/digits", "--img", "~/img", "--resume", "~/a.pth"])
    home = Path("/home/ada").expanduser()
    assert (arguments.data, arguments.img) == (home / "digits", home / "img")
    assert arguments.resume == home / "a.pth"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such terminals")
def test_lines_are_printed_where_no_bar_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl
    import termios

    terminal, its_end = os.openpty()
    with os.fdopen(its_end, "w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        assert not bar_shows()  # no rows, as in docker
        fcntl.ioctl(its_end, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        assert bar_shows()
    os.close(terminal)
    with Path(os.devnull).open("w") as nowhere:
        monkeypatch.setattr(sys, "stderr", nowhere)
        assert not bar_shows()


def test_what_the_scripts_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """They import torch after its threads are told not to spin, and no torchvision.

    They import matplotlib after the backend is out of its way that a notebook named; it waits.
    """
    watch = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch" and "GOMP_SPINCOUNT" not in os.environ: sys.exit("torch came first")
        if name == "matplotlib" and "MPLBACKEND" in os.environ: sys.exit("matplotlib came first")
        if name == "torchvision": sys.exit("it takes a second")
        if name == STOP: sys.exit()
sys.meta_path.insert(0, Watch())
from pathlib import Path
import SCRIPTS
main.load_mnist(Path("data"), "test")
assert sys.modules["autoencoder.view"].BACKEND.startswith("module:")
"""
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    inline = "module://matplotlib_inline.backend_inline"
    for scripts, stop in (
        ("main, interac_decompression, view_ml_compressed", None),
        ("interac_decompression", "matplotlib"),
        ("view_ml_compressed", "matplotlib"),
    ):
        code = watch.replace("SCRIPTS", scripts).replace("STOP", repr(stop))
        done = run_script("-c", code, MPLBACKEND=inline)
        assert (done.returncode, done.stderr) == (0, "")
    spins = "import os, autoencoder; print(os.environ['GOMP_SPINCOUNT'])"
    assert run_script("-c", spins).stdout == "1000\n"
    assert run_script("-c", spins, GOMP_SPINCOUNT="7").stdout == "7\n"  # the user's


@pytest.mark.slow
def test_beside_two_busy_processes_an_epoch_takes_at_most_three_times_as_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from benchmarks.training import BESIDE_BAR, time_beside  # imports torchvision

    monkeypatch.chdir(ROOT)
    assert time_beside() <= BESIDE_BAR


def test_the_files_of_another_user_are_named(train: Any, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / ".lock").mkdir()
    assert_refused(train("--epochs", "1"), f"cannot lock {folder / '.lock'}")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    outcome = train("--epochs", "1", "--checkpoints", tmp_path / "link")
    assert_refused(outcome, "link: it is a link to nothing")


@pytest.mark.skipif(os.name == "nt", reason="Windows locks files otherwise")
@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(
    train: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """It trains, says once what it cannot hinder, and leaves nothing that hinders the next."""
    import fcntl

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", refuse)
        for words in (["--epochs", "1"], ["--resume", "--epochs", "2"]):
            done = train(*words)
            assert (done.status, done.err) == (0, "")
            assert done.out.count(f"{folder} cannot be locked ({os.strerror(number)})") == 1
    assert "cannot be locked" not in train("--resume", "--epochs", "3").out


def test_it_says_how_much_disk_it_will_take(
    train: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PRESETS", PRESETS)  # small networks would hide a mistake
    out = train("--epochs", "2", "--save_every", "1").out
    [told] = re.findall(r" will take about (\d+) MB", out)
    written = sum(file.stat().st_size for file in folder.glob("*.pth"))
    assert int(told) == pytest.approx(written / 1e6, rel=0.03)


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["--epochs", "0"],
        ["--epochs", "-5"],
        ["--epochs", "many"],
        ["--epochs", "1.5"],
        ["--epochs", "9" * 30],
        ["--epochs"],
        ["--batch_size", "0"],
        ["--batch_size", "1"],
        ["--lr", "0"],
        ["--lr", "nan"],
        ["--lr", "fast"],
        ["--seed", "-1"],
        ["--save_every", "0"],
        ["--precision", "fp8"],
        ["--preset", "miracle"],
        ["--device", "abacus"],
        ["--start_epoch", "3"],
        ["--resume", "a.pth", "--start_epoch", "-3"],
        ["--epoch", "3"],
        ["stray"],
    ],
)
def test_a_mistyped_option_is_named(train: Any, folder: Path, words: list[str]) -> None:
    outcome = train(*words)
    assert_refused(outcome, words[0] if words[0] != "--resume" else "--start_epoch")
    assert outcome.status == 2
    assert not folder.exists()


without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


@without_gpu
def test_a_gpu_that_is_not_there(train: Any) -> None:
    assert_refused(train("--device", "cuda"), "--device cuda", "say cpu")


@without_gpu
def test_a_gpu_that_torch_sees_and_cannot_use(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    done = train("--device", "auto", "--epochs", "1")
    assert (done.status, done.err) == (0, "")
    assert done.out.count("The GPU cannot be used (") == 1
    assert "Training on cpu" in done.out
    assert_refused(train("--device", "cuda"), "--device cuda: ", "say cpu")
    assert "GPU" not in train("--device", "cpu", "--epochs", "1").out
    monkeypatch.setenv("WORLD_SIZE", "2")  # processes that must agree
    assert_refused(train("--device", "auto"), "cannot use its GPU", "add --device cpu")


@without_gpu
def test_a_driver_that_is_too_old(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def see_none() -> bool:
        warnings.warn(
            "CUDA initialization: The NVIDIA driver on your system is too old (found version"
            " 11040). Please update your GPU driver by downloading and installing a new version"
            " from the URL: http://www.nvidia.com/Download/index.aspx Alternatively, go to:"
            " https://pytorch.org to install a PyTorch version that has been compiled with your"
            " version of the CUDA driver. (Triggered internally at CUDAFunctions.cpp:109.)",
            stacklevel=1,
        )
        return False

    monkeypatch.setattr(torch.cuda, "is_available", see_none)
    cause = "The NVIDIA driver on your system is too old (found version 11040)"
    done = train("--device", "auto", "--epochs", "1")
    assert (done.status, done.err) == (0, "")
    assert f"The GPU cannot be used (CUDA initialization: {cause}): training on" in done.out
    assert_refused(train("--device", "cuda"), cause + ";")


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            RuntimeError(
                "CUDA error: no kernel image is available for execution on the device\n"
                "CUDA kernel errors might be asynchronously reported at some other API call"
            ),
            "CUDA error: no kernel image is available for execution on the device",
        ),
        (
            torch.cuda.OutOfMemoryError(
                "CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of"
                " 79.18 GiB of which 1.19 MiB is free."
            ),
            "CUDA out of memory",
        ),
        (
            RuntimeError(
                "CUDA unknown error - this may be due to an incorrectly set up environment, e.g."
                " changing env variable CUDA_VISIBLE_DEVICES after program start. Setting the"
                " available devices to be zero."
            ),
            "CUDA unknown error - this may be due to an incorrectly set up environment, e.g."
            " changing env variable CUDA_VISIBLE_DEVICES after program start",
        ),
        (AssertionError("Torch not compiled with CUDA enabled"), "Torch not compiled with CUDA"),
    ],
)
def test_what_torch_says_of_a_gpu_first_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", fail)
    device, note = choose_device("auto")
    assert device.type == "cpu"
    assert note
    assert cause in note
    assert len(note) < 200
    with pytest.raises(UserError, match=re.escape(cause)):
        choose_device("cuda")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate"), "memory ran out"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "memory ran"),
        (MemoryError(), "smaller --batch_size"),
        (RuntimeError("CUDA error: unspecified launch failure\nCompile with"), "launch failure;"),
    ],
)
def test_memory_that_runs_out_later_costs_no_epoch(
    train: Any,
    folder: Path,
    whole_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    told: str,
) -> None:
    really_train_epoch = script.train_epoch

    def train_epoch(training: Training, *rest: Any) -> float | None:
        if training.epoch == 3:
            raise error
        return really_train_epoch(training, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(script, "train_epoch", train_epoch)
        outcome = train("--epochs", "6", "--save_every", "2")
    assert_refused(outcome, told, "--resume goes on from the last complete epoch")
    assert train("--resume", "--save_every", "2").status == 0
    assert_same_training(folder / "autoencoder_epoch_6.pth", whole_run / "autoencoder_epoch_6.pth")
    assert logged_epochs(folder) == [1, 2, 3, 4, 5, 6]


def test_an_error_of_ours_is_no_error_of_the_device() -> None:
    with pytest.raises(RuntimeError, match="shapes"), computing_on(torch.device("cpu")):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_a_resumed_file_that_is_missing(train: Any, tmp_path: Path) -> None:
    assert_refused(train("--resume", tmp_path / "none.pth"), "none.pth", "no such checkpoint")


def test_bare_resume_without_checkpoints(train: Any) -> None:
    assert_refused(train("--resume"), "no checkpoint in")


def test_a_mistyped_folder_is_not_made(train: Any, folder: Path) -> None:
    assert_refused(train("--resume"), "no checkpoint in")
    assert not folder.exists()


def test_fewer_epochs_than_the_resumed_one(train: Any, whole_run: Path) -> None:
    before = sorted(whole_run.iterdir())
    outcome = train("--resume", "--checkpoints", whole_run, "--epochs", "5")
    assert_refused(outcome, "--epochs 5", "the 6 that")
    assert sorted(whole_run.iterdir()) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("settings", "damaged"),
        ("settings", {"epochs": -1}),
        ("settings", {"lr": float("nan")}),
        ("settings", {"momentum": 0.9}),
    ],
)
def test_damaged_settings(train: Any, whole_run: Path, key: str, value: object) -> None:
    file = whole_run / "autoencoder_epoch_6.pth"
    torch.save(torch.load(file, weights_only=True) | {key: value}, file)
    assert_refused(train("--resume", file), "damaged")


@pytest.mark.parametrize("key", ["optimizer", "muon", "scheduler", "generator"])
@pytest.mark.parametrize("value", [None, [], {"state": {0: "momentum"}}, torch.zeros(3)])
def test_what_cannot_be_carried_over_starts_afresh(
    train: Any, whole_run: Path, key: str, value: object
) -> None:
    file = whole_run / "autoencoder_epoch_4.pth"
    torch.save(torch.load(file, weights_only=True) | {key: value}, file)
    done = train("--resume", file)
    assert done.status == 0
    assert "afresh" in done.out or "from here" in done.out


def test_a_folder_that_cannot_be_written(train: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for option in ("--checkpoints", "--img"):
        assert_refused(train(option, tmp_path / "file" / "below"), "cannot write to", "below")
        assert_refused(train(option, tmp_path / "file"), "cannot write to")


def test_a_loss_that_is_no_number_stops_the_run(train: Any, folder: Path) -> None:
    train("--epochs", "1")
    good = (folder / "autoencoder_epoch_1.pth").read_bytes()
    outcome = train("--resume", "--epochs", "5", "--lr", "1e38", "--precision", "fp32")
    assert_refused(outcome, "ended with loss", "nan", "smaller --lr")
    assert (folder / "autoencoder_epoch_1.pth").read_bytes() == good
    assert load_checkpoint(folder / "autoencoder_best.pth").epoch in (1, 2)


def test_damaged_data_is_refused(invoke: Any, offline: None, tmp_path: Path, folder: Path) -> None:
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    archive = "train-images-idx3-ubyte.gz"
    (raw / archive).write_bytes((DATA / "MNIST" / "raw" / archive).read_bytes()[:-1])
    places = ("--checkpoints", folder, "--img", tmp_path / "img")
    outcome = invoke(script, "--data", tmp_path / "data", "--epochs", "1", *places)
    assert outcome.status == 1
    assert_refused(outcome, f"{archive} is no IDX file of bytes, or is damaged")


def test_help_fits_a_screen(invoke: Any) -> None:
    shown = invoke(script, "--help")
    assert shown.status == 0
    assert len(shown.out.splitlines()) <= 40
    assert max(map(len, shown.out.splitlines())) <= 80


# --- threads ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "files", "cores"),
    [
        ("0::/box\n", {"box/cpu.max": "100000 100000"}, 1),
        (
            "0::/box/inner\n",
            {"box/cpu.max": "150000 100000", "box/inner/cpu.max": "max 100000"},
            1.5,
        ),
        ("0::/elsewhere\n", {"cpu.max": "50000 100000"}, 0.5),
        (
            "3:cpu,cpuacct:/box\n2:memory:/box\n",
            {
                "cpu,cpuacct/box/cpu.cfs_quota_us": "200000",
                "cpu,cpuacct/box/cpu.cfs_period_us": "100000",
            },
            2,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, math.inf),
        ("0::/\n", {}, math.inf),
    ],
)
def test_the_quota_of_a_container_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str, files: dict[str, str], cores: float
) -> None:
    for name, content in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content + "\n")
    (tmp_path / "self").write_text(own)
    monkeypatch.setattr(quota, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(quota, "OWN_CGROUPS", tmp_path / "self")
    assert quota.granted_cores() == cores


def test_threads_follow_the_quota_unless_the_user_gives_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    monkeypatch.setattr(quota, "granted_cores", lambda: 1.5)
    quota.limit_threads()
    assert taken == []  # OMP_NUM_THREADS is set in all tests
    monkeypatch.delenv("OMP_NUM_THREADS")
    quota.limit_threads()
    assert taken == [2]
    monkeypatch.setattr(quota, "granted_cores", lambda: math.inf)
    quota.limit_threads()
    assert taken == [2]
