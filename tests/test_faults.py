"""Nothing is lost, whatever happens to the process, the disk or the files.

python -m pytest tests/test_faults.py              # the fast versions
python -m pytest tests/test_faults.py -m slow      # 100 kills, 5,000 damaged files, ...
"""

import contextlib
import gzip
import hashlib
import io
import itertools
import json
import math
import os
import random
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import interac_decompression
import main
import view_ml_compressed
from autoencoder import UserError, mnist
from autoencoder.command_line import Parser, caught_signals, run
from autoencoder.mnist import Digits
from autoencoder.storage.checkpoint import load_checkpoint
from autoencoder.storage.run_folder import RunFolder
from autoencoder.view import windows
from tests.faults import Fault, Reading, Running, Task, peak_memory, take_up
from tests.fixtures import DATA, assert_refused, assert_same_training, logged_epochs, run_script
from tests.hostile import (
    damaged_bytes,
    damaged_contents,
    damaged_members,
    good_contents,
    hostile_files,
    saved,
)

import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

EPOCHS, SAVE_EVERY = 12, 4
LENGTH = ("--epochs", str(EPOCHS), "--save_every", str(SAVE_EVERY), "--batch_size", "256")
KILLS = 5

FAST = 100
FAST_AND_FULL = [FAST, pytest.param(5000, marks=pytest.mark.slow)]
SEED = random.randrange(2**32)  # of the full versions; the fast ones are the same every time

only_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def randomly(examples: int) -> Callable[[Callable[[random.Random], None]], Callable[[], None]]:
    """Have hypothesis call a function that many times."""
    # It is imported where it is used, as that may take a second under pytest.
    import hypothesis

    fast = examples == FAST
    settings = hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=fast,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    randoms = hypothesis.strategies.randoms(use_true_random=False)

    def decorate(function: Callable[[random.Random], None]) -> Callable[[], None]:
        repeated = settings(hypothesis.given(randoms)(function))
        return repeated if fast else hypothesis.seed(SEED)(repeated)

    return decorate


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """Show the figures of a full version, which are worth as much as its passing."""
    with capsys.disabled():
        print(f"\n{figures} (seed {SEED}, peak memory {peak_memory() / 1e9:.2f} GB)")


@pytest.fixture
def go_on(background: Any, folder: Path, tmp_path: Path) -> Any:
    """Start the run of 12 epochs, or resume it where there is something to resume."""

    def start(*words: str | Path, into: Path = folder, **options: Any) -> Running:
        resume = ["--resume"] if any(into.glob("*.pth")) else []
        places = ("--checkpoints", into, "--img", tmp_path / "img")
        running: Running = background(*LENGTH, *places, *resume, *words, **options)
        return running

    return start


@pytest.fixture
def halfway(tmp_path: Path) -> Fault:
    """What holds the run of 12 epochs while it saves the eighth."""
    return Fault(held_at=190, held=tmp_path / "held")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("undisturbed") / "checkpoints"


@pytest.fixture
def undisturbed(go_on: Any, kept: Path) -> Path:
    """The checkpoints of a run that nothing disturbed; made once."""
    if not kept.exists():
        assert go_on(into=kept).status() == 0
    return kept


def assert_all_checkpoints_open(folder: Path) -> None:
    for file in folder.rglob("*.pth"):
        assert load_checkpoint(file).epoch is not None


def assert_nothing_was_lost(folder: Path, undisturbed: Path) -> None:
    """The finished run is bit for bit the undisturbed one, and left nothing half written."""
    for file in undisturbed.glob("*.pth"):
        assert_same_training(folder / file.name, file)
    assert logged_epochs(folder) == list(range(1, EPOCHS + 1))
    assert not list(folder.rglob("*.tmp"))


# --- kill -9 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 21))]
)
def test_killed_five_times_it_ends_bit_for_bit_as_undisturbed(
    go_on: Any, folder: Path, undisturbed: Path, seed: int
) -> None:
    """At a random step on the disk, or at a random moment while each step takes long."""
    chance = random.Random(seed)
    for _ in range(KILLS):
        if chance.random() < 0.7:
            running = go_on(fault=Fault(kill_at=chance.randint(1, 80)))
        else:
            running = go_on(fault=Fault(pause=0.005))
            running.wait_for("Training on")
            time.sleep(chance.uniform(0, 0.4))
            running.send(signal.SIGKILL)
        # It may have ended before.
        assert running.status() in (-signal.SIGKILL, 0)
        assert_all_checkpoints_open(folder)
    assert go_on().status() == 0
    assert_nothing_was_lost(folder, undisturbed)


# --- signals ----------------------------------------------------------------------------------


@only_posix
@pytest.mark.parametrize(
    "name", ["SIGINT", "SIGTERM", "SIGUSR1", pytest.param("SIGUSR2", marks=pytest.mark.slow)]
)
def test_stopped_it_saves_and_says_how_to_go_on(
    go_on: Any, background: Any, folder: Path, undisturbed: Path, name: str
) -> None:
    number = getattr(signal, name)
    running = go_on(fault=Fault(pause=0.003))
    running.wait_for("Epoch:  6/12")
    running.send(number)
    assert running.status() == 128 + number
    *_, last_epoch, _, line = running.out.strip().splitlines()
    command = shlex.split(line)
    assert command[:3] == ["python", "main.py", "--resume"]
    assert f"Epoch: {load_checkpoint(Path(command[3])).epoch:2}/12" in last_epoch
    assert background(*command[2:]).status() == 0
    assert_nothing_was_lost(folder, undisturbed)


@only_posix
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_stopped_twice_it_ends_at_once(
    go_on: Any, folder: Path, undisturbed: Path, halfway: Fault, number: signal.Signals
) -> None:
    """Though it waits for the disk. More than one of the first may count as one."""
    running = go_on(fault=halfway)
    running.wait_until(halfway.held.exists)
    with contextlib.suppress(ProcessLookupError):
        while running.process.is_alive():
            running.send(number)
            time.sleep(0.01)
    assert running.status() == 128 + number
    assert running.err == ""
    assert_all_checkpoints_open(folder)
    assert go_on().status() == 0
    assert_nothing_was_lost(folder, undisturbed)


@only_posix
def test_a_terminal_that_is_closed_stops_it(
    go_on: Any, folder: Path, undisturbed: Path, halfway: Fault
) -> None:
    """The kernel sends SIGHUP, and whatever is printed from then on fails."""
    terminal, its_end = os.openpty()
    running = go_on(out=Path(os.ttyname(its_end)), fault=halfway)
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        shown = b""
        while b"Epoch:  6/12" not in shown:
            shown += screen.read(1000)
        running.wait_until(halfway.held.exists)
    os.close(its_end)
    halfway.held.unlink()
    assert running.status() == 128 + signal.SIGHUP
    assert running.err == ""
    assert RunFolder(folder).newest().epoch in range(6, EPOCHS)
    assert go_on().status() == 0
    assert_nothing_was_lost(folder, undisturbed)


@only_posix
def test_it_goes_on_without_a_terminal_where_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As nohup tells it: what is printed is lost, and nothing else."""
    terminal, its_end = os.openpty()

    def script() -> int:
        with caught_signals() as caught:
            print("shown")
            os.close(terminal)
            os.kill(os.getpid(), signal.SIGHUP)
            print("lost")
        return len(caught)

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with os.fdopen(its_end, "w") as stdout, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            with pytest.raises(SystemExit) as exit_:
                run(script)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert exit_.value.code == 0


@only_posix
def test_a_closed_terminal_may_say_so_twice() -> None:
    with caught_signals() as caught:
        for number in (signal.SIGHUP, signal.SIGHUP, signal.SIGTERM):
            os.kill(os.getpid(), number)
    assert caught == [signal.SIGHUP, signal.SIGHUP, signal.SIGTERM]


@only_posix
def test_stopped_before_an_epoch_is_complete_nothing_is_overwritten(
    background: Any, go_on: Any, folder: Path
) -> None:
    assert go_on().status() == 0
    last = folder / "autoencoder_epoch_12.pth"
    before = last.read_bytes()
    # Batches of two digits: an epoch takes seconds.
    endless = ("--epochs", "99", "--batch_size", "2", "--checkpoints", folder, "--img", folder)
    running = background("--resume", last, *endless, digits=10_000)
    running.wait_for("Training on")
    running.send(signal.SIGTERM)
    assert running.status() == 143
    assert last.read_bytes() == before
    assert f"--resume {last}" in running.out


def test_a_reader_that_goes_away_leaves_no_traceback(
    go_on: Any, tmp_path: Path, halfway: Fault
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = go_on(out=pipe, fault=halfway)
    with pipe.open() as reader:
        reader.readline()
        running.wait_until(halfway.held.exists)
    halfway.held.unlink()
    assert running.status() == 1
    assert running.err == ""


# --- two at once ------------------------------------------------------------------------------


def test_a_second_training_in_the_same_folder_is_refused(
    go_on: Any, folder: Path, undisturbed: Path, halfway: Fault
) -> None:
    first = go_on(fault=halfway)
    first.wait_until(halfway.held.exists)
    second = go_on()
    assert second.status() == 1
    assert_one_line(second, f"another training is writing to {folder}: wait for its end")
    assert f"remove {folder / '.lock'}" in second.err
    halfway.held.unlink()
    assert first.status() == 0
    assert_nothing_was_lost(folder, undisturbed)


def assert_one_line(running: Running, says: str) -> None:
    assert running.err.startswith(f"main.py: error: {says}")
    assert running.err.count("\n") == 1


# --- a full disk ------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 10 MB, which goes away with the process that mounted it."""
    mount = f"mount -t tmpfs -o size=10M tmpfs {shlex.quote(str(tmp_path))}"
    try:
        holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f"{mount} && echo mounted && read _"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        pytest.skip("this needs unshare, a program of Linux")
    with holder:
        assert holder.stdout
        if holder.stdout.readline() != "mounted\n":
            pytest.skip("only root may mount a disk")
        # The disk is there for the holder alone; this is its view of the files.
        yield Path(f"/proc/{holder.pid}/root{tmp_path}")


def test_a_full_disk_is_named_and_nothing_is_lost(
    go_on: Any, small_disk: Path, undisturbed: Path
) -> None:
    folder = small_disk / "checkpoints"
    folder.mkdir()
    filler = folder / "somebody's film"
    filler.write_bytes(bytes(8_500_000))
    running = go_on(into=folder)
    assert running.status() == 1
    assert_one_line(running, f"cannot write {folder}")
    assert "No space left on device" in running.err
    assert list(folder.glob("*.pth"))
    assert not list(folder.glob("*.tmp"))
    assert_all_checkpoints_open(folder)

    again = go_on(into=folder)
    assert again.status() == 1
    assert_one_line(again, f"cannot write {folder}")

    filler.unlink()
    assert go_on(into=folder).status() == 0
    assert_nothing_was_lost(folder, undisturbed)


@pytest.mark.parametrize(
    ("step", "file"),
    [
        (1, "training_log.csv"),  # its header
        pytest.param(5, "training_log.csv", marks=pytest.mark.slow),  # its first row
        (28, "training_log.csv"),  # half of its second row is there
        # all of it is there, but not known to be on the disk
        pytest.param(29, "training_log.csv", marks=pytest.mark.slow),
        pytest.param(9, "autoencoder_best.pth", marks=pytest.mark.slow),
        (36, "autoencoder_best.pth"),  # half of the second one is there
        pytest.param(44, "autoencoder_best.pth", marks=pytest.mark.slow),
        (95, "autoencoder_epoch_4.pth"),
    ],
)
def test_wherever_the_disk_is_full_nothing_is_lost(
    go_on: Any, folder: Path, undisturbed: Path, step: int, file: str
) -> None:
    running = go_on(fault=Fault(full_at=step))
    assert running.status() == 1
    assert_one_line(running, f"cannot write {folder / file}: No space left on device")
    assert not list(folder.glob("*.tmp"))
    assert_all_checkpoints_open(folder)
    assert go_on().status() == 0
    assert_nothing_was_lost(folder, undisturbed)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this needs /dev/full, of Linux")
def test_a_full_disk_for_the_output_is_named(go_on: Any) -> None:
    running = go_on(out=Path("/dev/full"))
    assert running.status() == 1
    assert_one_line(running, "cannot write the output: No space left on device")


# --- files that another program keeps ---------------------------------------------------------


LOG, WAITING, BEST = "training_log.csv", "training_log_waiting.csv", "autoencoder_best.pth"
FROM_EPOCH_3 = range(4, 10**9)  # attempts to write the log, whose first is that of its header


def test_a_checkpoint_that_somebody_reads_is_written_a_moment_later(
    go_on: Any, folder: Path, undisturbed: Path
) -> None:
    in_use = {BEST: range(2, 4), "autoencoder_epoch_4.pth": range(1, 3), LOG: range(1, 2)}
    running = go_on(fault=Fault(in_use=in_use))
    assert running.status() == 0
    assert running.err == ""
    assert_nothing_was_lost(folder, undisturbed)


def test_a_checkpoint_that_somebody_keeps_ends_the_run(
    go_on: Any, folder: Path, undisturbed: Path
) -> None:
    running = go_on(fault=Fault(in_use={BEST: FROM_EPOCH_3}))
    assert running.status() == 1
    assert_one_line(running, f"cannot write {folder / BEST}: Permission denied")
    assert not list(folder.glob("*.tmp"))
    assert go_on().status() == 0
    assert_nothing_was_lost(folder, undisturbed)


def test_rows_of_a_log_that_somebody_reads_come_later(
    go_on: Any, folder: Path, undisturbed: Path
) -> None:
    running = go_on(fault=Fault(in_use={LOG: range(4, 7)}))
    assert running.status() == 0
    assert running.out.count(f"{folder / LOG} cannot be written (Permission denied)") == 1
    assert running.err == ""
    assert not (folder / WAITING).exists()
    assert_nothing_was_lost(folder, undisturbed)


def test_rows_of_a_log_that_somebody_keeps_are_there_for_the_next_run(
    go_on: Any, background: Any, folder: Path, undisturbed: Path
) -> None:
    running = go_on(fault=Fault(in_use={LOG: FROM_EPOCH_3}))
    assert running.status() == 0
    assert running.err == ""
    assert running.out.count(f"{folder / LOG} cannot be written") == 2  # once more at the end
    assert logged_epochs(folder) == [1, 2]
    assert len((folder / WAITING).read_text().splitlines()) == EPOCHS - 2
    assert RunFolder(folder).read_log()["Epoch"] == list(range(1, EPOCHS + 1))
    nothing_left = background("--resume", *LENGTH, "--checkpoints", folder, "--img", folder)
    assert nothing_left.status() == 0
    assert not (folder / WAITING).exists()
    assert_nothing_was_lost(folder, undisturbed)


@pytest.mark.parametrize("kill_at", [60, pytest.param(150, marks=pytest.mark.slow)])
def test_killed_while_rows_wait_none_is_lost(
    go_on: Any, folder: Path, undisturbed: Path, kill_at: int
) -> None:
    running = go_on(fault=Fault(in_use={LOG: FROM_EPOCH_3}, kill_at=kill_at))
    assert running.status() == -signal.SIGKILL
    assert (folder / WAITING).exists()
    assert go_on().status() == 0
    assert not (folder / WAITING).exists()
    assert_nothing_was_lost(folder, undisturbed)


# --- checkpoints of strangers -----------------------------------------------------------------


def hostile_file(name: str, tmp_path: Path) -> Path:
    file = tmp_path / "stranger.pth"
    file.write_bytes(hostile_files(tmp_path / "code_ran")[name]())
    return file


@pytest.mark.parametrize("name", hostile_files(Path()))
def test_a_file_made_to_harm_can_only_be_refused(
    begin: Callable[[Task], Running], name: str, tmp_path: Path
) -> None:
    file = hostile_file(name, tmp_path)
    running = begin(Reading(file, tmp_path / "out", tmp_path / "err"))
    assert running.status() == 0  # Some are made to take for ever.
    assert running.err == ""
    outcome = json.loads(running.out.splitlines()[-1])
    assert outcome["refusal"].startswith(str(file))
    assert "\n" not in outcome["refusal"]
    assert outcome["peak"] < 2e9
    assert not (tmp_path / "code_ran").exists()


@pytest.mark.parametrize("examples", FAST_AND_FULL)
def test_a_damaged_checkpoint_is_refused_or_loads(
    examples: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = good_contents()
    good = saved(contents)
    file = tmp_path / "stranger.pth"
    outcomes: Counter[str] = Counter()
    peak_before = peak_memory()

    @randomly(examples)
    def refused_or_loads(chance: random.Random) -> None:
        damage: Any = chance.choice([damaged_contents, damaged_members, damaged_bytes])
        file.write_bytes(damage(contents if damage is damaged_contents else good, chance))
        refusal = take_up(file)
        outcomes["loaded" if refusal is None else "refused"] += 1
        if refusal is not None:
            assert refusal.startswith(f"{file}: ")
            assert "\n" not in refusal
        elif damage is damaged_bytes:
            loaded = load_checkpoint(file).model.state_dict()
            assert all(torch.equal(loaded[key], contents["state_dict"][key]) for key in loaded)

    # A warning would be a second line on stderr.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        refused_or_loads()
    assert peak_memory() < max(2e9, 1.01 * peak_before)
    assert not [str(warning.message) for warning in warned]
    if examples > FAST:
        tell(capsys, f"damaged checkpoints: {dict(outcomes)}")


RESUME_OR_OPEN = [
    (main, "--resume"),
    (interac_decompression, "--checkpoint"),
    (view_ml_compressed, "--checkpoint"),
]


def test_the_command_lines_refuse_all_of_them_in_one_line(invoke: Any, tmp_path: Path) -> None:
    good = saved(good_contents())
    files = {
        "truncated": good[: len(good) // 2],
        # In the first weight: what lies between the members differs with the version of torch.
        "bits flipped": good[:8000] + bytes(byte ^ 1 for byte in good[8000:8010]) + good[8010:],
        "empty": b"",
        **{name: make() for name, make in hostile_files(tmp_path / "code_ran").items()},
    }
    for slow in ("lists, deep", "tuples, deep", "a pickle that is too long", "a slow codec"):
        del files[slow]  # which test_a_file_made_to_harm_can_only_be_refused reads
    for (script, option), (name, content) in zip(
        itertools.cycle(RESUME_OR_OPEN), files.items(), strict=False
    ):
        file = tmp_path / f"{name}.pth"
        file.write_bytes(content)
        refused = invoke(script, option, file)
        assert_refused(refused, str(file))
        assert refused.out == ""
    assert not (tmp_path / "code_ran").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("script", "option"), RESUME_OR_OPEN)
def test_from_the_shell_too(script: Any, option: str, tmp_path: Path) -> None:
    file = hostile_file("a pickle that runs code", tmp_path)
    done = run_script(f"{script.__name__}.py", option, file)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{script.__name__}.py: error: {file}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "code_ran").exists()


# --- damaged data -----------------------------------------------------------------------------


@pytest.fixture
def small_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> dict[str, bytes]:
    """Stands in for MNIST: ten digits, packed and unpacked, by the names of the eight files."""
    files = {}
    for name in mnist.UNPACKED:
        sizes = (10, 28, 28) if "images" in name else (10,)
        header = struct.pack(f">I{len(sizes)}I", 0x800 + len(sizes), *sizes)
        files[name] = header + bytes(n % 10 for n in range(math.prod(sizes)))
        files[f"{name}.gz"] = gzip.compress(files[name])
    unpacked = {name: hashlib.md5(files[name]).hexdigest() for name in mnist.UNPACKED}
    monkeypatch.setattr(mnist, "UNPACKED", unpacked)
    return files


def damaged_folder(raw: Path, files: dict[str, bytes], chance: random.Random) -> None:
    """Write the files to a folder, some of them damaged, missing, or no files at all."""
    shutil.rmtree(raw, ignore_errors=True)
    raw.mkdir(parents=True)
    bad = chance.sample(list(files), chance.randint(1, 4))
    for name, content in files.items():
        kind = chance.choice(["bytes", "bytes", "missing", "folder", "loop"]) if name in bad else ""
        if kind == "folder":
            (raw / name).mkdir()
        elif kind == "loop":
            (raw / name).symlink_to(name)
        elif kind != "missing":
            (raw / name).write_bytes(damaged_bytes(content, chance) if kind else content)


@pytest.mark.parametrize("examples", FAST_AND_FULL)
def test_damaged_data_is_read_right_or_refused(
    small_mnist: dict[str, bytes],
    examples: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = tmp_path / "good" / "MNIST" / "raw"
    good.mkdir(parents=True)
    for name, content in small_mnist.items():
        (good / name).write_bytes(content)
    good_digits = mnist.load_mnist(tmp_path / "good", "all")
    outcomes: Counter[str] = Counter()

    @randomly(examples)
    def right_or_refused(chance: random.Random) -> None:
        damaged_folder(tmp_path / "data" / "MNIST" / "raw", small_mnist, chance)
        try:
            loaded = mnist.load_mnist(tmp_path / "data", "all")
        except UserError as error:
            outcomes["refused" if "\n" not in str(error) else "refused in two lines"] += 1
        else:
            outcomes["right"] += 1
            assert torch.equal(loaded.images, good_digits.images)
            assert torch.equal(loaded.labels, good_digits.labels)

    right_or_refused()
    assert outcomes.keys() == {"right", "refused"}
    if examples > FAST:
        tell(capsys, f"damaged data folders: {dict(outcomes)}")


# --- mistyped options -------------------------------------------------------------------------

SCRIPTS = [main, interac_decompression, view_ml_compressed]
ODD_WORDS = [
    *("", " ", "-", "--", "-1", "-0", "0", "1", "2", "1.5", "3", "all", "cpu", "auto", "none"),
    *("nan", "-nan", "inf", "1e999", "1e308", "1e-320", "1e-9", "0x10", "1_000", "١٢", "²", "½"),
    *("9" * 30, "0" * 11 + "9" * 30, "9" * 5000, "-" + "9" * 400, "1" + "0" * 308),
    *("\n", "a\nb", "a\r\nb.png", "\0", "a\0.png", "\udcff", "\udc80.png", "é.pdf", "\u202e"),
    *("a.png", ".png", "a.PNG", "a.gif", "a" * 300, "a" * 300 + ".png", "a" * 300 + "/a.png"),
    *("b/" * 2100 + "a.png", "c" * 200 + "/a.png", ".", "~", "%s", "%(default)s", "$HOME", "*"),
    *("/dev/null", "/dev/full", "/dev/null/a.png", "/proc/self/mem", "checkpoints", "a file"),
]


class WorkStartsError(Exception):
    """The words on the command line were good."""


def options_of(script: Any) -> list[str]:
    """The options of a script, whichever it has by now."""
    started = mock.Mock(side_effect=WorkStartsError)
    with (
        mock.patch.object(Parser, "parse_args", lambda parser, _=None: started(parser)),
        pytest.raises(WorkStartsError),
    ):
        script.parse_arguments()
    return [action.option_strings[-1] for action in started.call_args.args[0]._actions]


@pytest.fixture
def up_to_work(
    offline: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    test_set: tuple[Tensor, Tensor],
) -> None:
    """In a folder with a checkpoint; the scripts run until they would train or draw."""
    few = Digits(*test_set).first(600)

    def digits(root: Path, split: Any) -> Digits:
        return few if root == DATA else mnist.load_mnist(root, split)

    for script in SCRIPTS:
        monkeypatch.setattr(script, "load_mnist", digits)
    for script, name in [
        (main, "train"),
        (main, "report"),
        (interac_decompression, "Explorer"),
        (view_ml_compressed, "draw_digit"),
    ]:
        monkeypatch.setattr(script, name, mock.Mock(side_effect=WorkStartsError))
    monkeypatch.setattr(windows, "open_window", lambda *_: Figure())
    (tmp_path / "work" / "checkpoints").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "work"))
    Path("checkpoints/autoencoder_pretrained.pth").write_bytes(saved(good_contents()))
    Path("a file").touch()


def outcome_of(script: Any, words: list[str], whole: bool = True) -> tuple[object, str]:
    """The exit status, None where work would have started, and what a script says on stderr.

    The whole script runs until it would work, or else its command line only is parsed.
    """

    def parse() -> None:
        script.parse_arguments()

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    name = f"{script.__name__}.py"
    with (
        mock.patch.object(sys, "argv", [name, *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.suppress(WorkStartsError),
    ):
        try:
            run(script.main if whole else parse)
        except SystemExit as exit_:
            if isinstance(exit_.code, str):
                return 1, f"{exit_.code}\n"
            return exit_.code, err.getvalue()
    return None, err.getvalue()


def assert_one_line_or_none(script: Any, status: object, err: str) -> None:
    if status in (None, 0):
        assert err == ""
    else:
        assert status in (1, 2)
        assert err.startswith(f"{script.__name__}.py: error: ")
        assert err.isprintable() or err.count("\n") == 1


@pytest.mark.usefixtures("up_to_work")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_mistyped_options_get_one_line(script: Any) -> None:
    """Each odd word behind each option is parsed; a sample goes through the whole script."""
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    options = options_of(script)
    outcomes: Counter[object] = Counter()
    for name, word in itertools.product(options, ODD_WORDS):
        status, err = outcome_of(script, [name, word], whole=False)
        outcomes[status] += 1
        assert_one_line_or_none(script, status, err)
    assert outcomes[0] > 0
    assert outcomes[2] > 0

    # Nothing that leads out of the folder of the test.
    texts = st.text(st.characters(exclude_characters="/.")).filter(len)
    numbers = st.one_of(st.integers(), st.floats()).map(str)
    values = st.one_of(st.sampled_from(ODD_WORDS), texts, numbers)
    option = st.tuples(st.sampled_from(options), st.lists(values, max_size=2))

    @settings(
        max_examples=FAST,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(option, min_size=1, max_size=2))
    def one_line(given_options: list[tuple[str, list[str]]]) -> None:
        words = [x for name, xs in given_options for x in (name, *xs)]
        assert_one_line_or_none(script, *outcome_of(script, words))

    one_line()


# --- long runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_a_long_run_takes_no_more_memory_than_a_short_one(
    background: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], epochs: int
) -> None:
    """Epochs of 59 steps, as those of 60,000 digits."""
    words = ("--epochs", str(epochs), "--batch_size", "10", "--checkpoints", folder)
    memory = tmp_path / "memory"
    running = background(*words, "--img", tmp_path / "img", digits=590, memory=memory)
    assert running.status(timeout=3600) == 0
    resident = [int(line) for line in memory.read_text().split()]
    assert len(resident) == epochs
    early = resident[epochs // 20 - 1]
    if epochs > 40:
        tell(capsys, f"resident: {early / 1e6:.1f} MB, at the end {resident[-1] / 1e6:.1f} MB")
    assert resident[-1] < 1.05 * early
