"""Training in two processes: one network, one log, one voice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autoencoder import UserError, ranks
from autoencoder.storage.run_folder import RunFolder
from autoencoder.training import Settings, Training
from tests.conftest import DATA, ROOT

ALONE = ("-m", "tests.ranks_driver")
TOGETHER = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *ALONE)


def train(how: tuple[str, ...], folder: Path, *words: str) -> str:
    """What a training printed; its files and the weights of its ranks are in the folder."""
    places = ["--data", DATA, "--checkpoints", folder, "--img", folder / "img", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, *how, *map(str, places), "--batch_size", "256", *words],
        cwd=ROOT,
        env=os.environ | {"PARAMETERS": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_same_on_both_ranks(folder: Path) -> None:
    first, second = (torch.load(folder / f"{rank}.pth") for rank in (0, 1))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_ranks_train_one_network(tmp_path: Path) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    for how, folder in ((ALONE, alone), (TOGETHER, together)):
        folder.mkdir()
        out = train(how, folder, "--epochs", "3")
    assert out.count("Epoch: ") == 3
    assert out.count("Total time: ") == 1
    assert_same_on_both_ranks(together)
    losses = [RunFolder(folder).read_log()["Avg Loss"] for folder in (alone, together)]
    assert losses[1][-1] == pytest.approx(losses[0][-1], rel=0.02)

    out = train(TOGETHER, together, "--resume", "--epochs", "4")
    assert out.count("Resuming from") == 1
    assert_same_on_both_ranks(together)
    assert RunFolder(together).read_log()["Epoch"] == [1, 2, 3, 4]


def test_two_ranks_look_up_the_same_map(tmp_path: Path) -> None:
    train(TOGETHER, tmp_path, "--preset", "record", "--epochs", "2")
    assert_same_on_both_ranks(tmp_path)


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
