"""Training in two processes: one network, one log, one voice."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from autoencoder import UserError, ranks
from autoencoder.mnist import Split
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import Settings, Training
from tests.fixtures import DATA, loaded, run_script
from tests.ranks_driver import lose_one, train_in_turn

import pytest
import torch

SPLITS: tuple[Split, ...] = ("train", "test")


@pytest.fixture
def torchrun(processes: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Does what torchrun does, but forks its two processes from one that has loaded torch."""
    # These imports take half a second, and only this fixture needs them.
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    def torchrun(work: Callable[..., None], *arguments: object) -> None:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=2,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            max_restarts=0,
            start_method=processes.get_start_method(),
        )
        elastic_launch(config, work)(*arguments)

    # It leaves handlers of signals behind, and what they are for in the environment.
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    monkeypatch.setenv("TORCHELASTIC_SIGNALS_TO_HANDLE", "")
    monkeypatch.delenv("TORCHELASTIC_SIGNALS_TO_HANDLE")
    yield torchrun
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def test_two_ranks_train_one_network(
    torchrun: Callable[..., None], train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training, one that goes on, and one of the record: all in the same two processes."""
    together, record = tmp_path / "together", tmp_path / "record"
    trainings = [
        ["--checkpoints", together, "--epochs", "3"],
        ["--checkpoints", together, "--resume", "--epochs", "4"],
        ["--checkpoints", record, "--preset", "record", "--epochs", "2"],
    ]
    common = ["--data", DATA, "--img", tmp_path, "--device", "cpu", "--batch_size", "256"]
    command_lines = [list(map(str, [*common, *words])) for words in trainings]
    torchrun(train_in_turn, command_lines, tmp_path)
    out, silence = ((tmp_path / f"{rank}.out").read_text() for rank in (0, 1))
    assert silence == ""
    first, second, _ = out.split("Total time: ")[:3]
    assert first.count("Epoch: ") == 3
    assert second.count("Resuming from") == 1
    assert out.count("Total time: ") == 3
    assert RunFolder(together).read_log()["Epoch"] == [1, 2, 3, 4]
    for name in ("reference_3", "reference_4", "record_2"):
        one, other = (torch.load(tmp_path / f"{name}_{rank}.pth") for rank in (0, 1))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)

    # A single process learns as much from the same digits.
    digits = {split: loaded(DATA, split).first(3000) for split in SPLITS}
    monkeypatch.setattr("main.load_mnist", lambda _root, split: digits[split])
    train("--checkpoints", tmp_path / "alone", "--epochs", "3")
    losses = [RunFolder(tmp_path / name).read_log()["Avg Loss"] for name in ("alone", "together")]
    assert losses[1][2] == pytest.approx(losses[0][2], rel=0.02)


def test_where_one_process_is_gone_the_first_saves_and_says_so(
    torchrun: Callable[..., None], tmp_path: Path
) -> None:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    folder = tmp_path / "checkpoints"
    words = ["--data", DATA, "--checkpoints", folder, "--img", tmp_path, "--device", "cpu"]
    with pytest.raises(ChildFailedError):
        torchrun(lose_one, [*map(str, words), "--epochs", "9"], tmp_path)
    said = (tmp_path / "said").read_text()
    # What torch says in between differs with its version, and with what the first was doing.
    assert said.startswith("another process is gone (")
    assert " by peer" in said
    assert said.endswith("); --resume goes on from the last complete epoch")
    assert RunFolder(folder).newest().epoch == 2
    assert (folder / "autoencoder_epoch_2.pth").exists()


@pytest.mark.parametrize("machines", [1, 2])
def test_processes_that_cannot_connect(machines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What gloo says where a machine takes its own name for 127.0.1.1, as Debian does."""

    def fail(_backend: str) -> None:
        raise RuntimeError(
            "Gloo connectFullMesh failed with [/pytorch/third_party/gloo/gloo/transport/tcp/"
            "pair.cc:152] timed out connecting: SO_ERROR: Connection refused,"
            " remote=[127.0.1.1]:18831$0"
        )

    monkeypatch.setattr(torch.distributed, "init_process_group", fail)
    monkeypatch.setenv("GROUP_WORLD_SIZE", str(machines))
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with (
        pytest.raises(UserError, match="failed with timed out connecting") as told,
        ranks.joined(torch.device("cpu")),
    ):
        pass
    assert ("GLOO_SOCKET_IFNAME" in str(told.value)) == (machines == 2)


@pytest.mark.slow
def test_from_the_shell_too(tmp_path: Path) -> None:
    """The command of main.py's docstring, for an epoch of all digits."""
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    words = ("main.py", "--epochs", "1", "--checkpoints", tmp_path, "--img", tmp_path)
    done = run_script(*torchrun, *words)
    assert (done.returncode, done.stdout.count("Epoch: 1/1")) == (0, 1), done.stderr
    assert RunFolder(tmp_path).read_log()["Epoch"] == [1]


@pytest.mark.parametrize("machines", [1, 2])
def test_the_command_that_goes_on_starts_as_many(
    machines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    monkeypatch.setenv("GROUP_WORLD_SIZE", str(machines))
    monkeypatch.setattr(ranks, "count", lambda: 3 * machines)
    words = ranks.launcher()
    assert words[:2] == ["torchrun", "--nproc-per-node=3"]
    assert ("--nnodes=2" in words) == (machines == 2)


@pytest.mark.parametrize("gpu", ["mps", "cuda"])
def test_processes_without_a_gpu_each_are_refused(
    gpu: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match="--device cpu"), ranks.joined(torch.device(gpu)):
        pass


def test_a_batch_too_small_to_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "count", lambda: 2)
    with pytest.raises(UserError, match="--batch_size 3 is too small for 2 processes"):
        Training(Settings(batch_size=3), torch.device("cpu"))
