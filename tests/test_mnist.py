"""The digits come out right whatever state their files are in, or one line says why not."""

import os
import shutil
from pathlib import Path

import pytest
import torch

from autoencoder import UserError
from autoencoder.mnist import load_mnist
from tests.conftest import DATA


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A data folder as after a clone: the four archives, nothing unpacked."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in (DATA / "MNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, raw)
    return tmp_path


def test_the_sets_are_those_of_mnist(fresh: Path) -> None:
    images, labels = load_mnist(fresh, "all")
    assert images.shape == (70_000, 784)
    assert images.dtype == torch.uint8
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert labels.bincount().tolist() == [
        6903,
        7877,
        6990,
        7141,
        6824,
        6313,
        6876,
        7293,
        6825,
        6958,
    ]
    assert round(images[:60_000].float().mean().item() / 255, 4) == 0.1307


def test_all_is_the_training_set_and_then_the_test_set() -> None:
    both = load_mnist(DATA, "all")
    for whole, train, test in zip(
        both, load_mnist(DATA, "train"), load_mnist(DATA, "test"), strict=True
    ):
        assert torch.equal(whole, torch.cat([train, test]))


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_unpacked_file_is_unpacked_again(fresh: Path, damage: str) -> None:
    before = load_mnist(fresh, "test")
    file = fresh / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    content = file.read_bytes()
    if damage == "truncated":
        file.write_bytes(content[:1000])
    elif damage == "altered":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        file.unlink()
    after = load_mnist(fresh, "test")
    assert torch.equal(before[0], after[0])
    assert file.read_bytes() == content


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_a_damaged_archive_is_named(fresh: Path, damage: str) -> None:
    archive = fresh / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz"
    content = archive.read_bytes()
    if damage == "truncated":
        archive.write_bytes(content[:-100])
    elif damage == "altered":
        archive.write_bytes(content[:500] + b"\0" + content[501:])
    else:
        archive.unlink()
    with pytest.raises(
        UserError, match=r"train-labels-idx1-ubyte\.gz is missing or damaged"
    ) as caught:
        load_mnist(fresh, "train")
    assert "\n" not in str(caught.value)
    assert "https://" in str(caught.value)


@pytest.mark.usefixtures("offline")
def test_damaged_archives_do_not_matter_once_unpacked(fresh: Path) -> None:
    load_mnist(fresh, "test")
    for archive in (fresh / "MNIST" / "raw").glob("*.gz"):
        archive.unlink()
    assert len(load_mnist(fresh, "test")[0]) == 10_000


@pytest.mark.usefixtures("offline")
def test_a_folder_without_digits_says_where_they_go(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="put a good copy there"):
        load_mnist(tmp_path, "train")


def test_a_data_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(UserError, match="cannot read the digits"):
        load_mnist(tmp_path / "data", "train")


@pytest.mark.skipif(os.name == "nt", reason="read-only folders are another matter on Windows")
def test_unpacked_digits_in_a_read_only_folder_load(fresh: Path) -> None:
    load_mnist(fresh, "test")
    raw = fresh / "MNIST" / "raw"
    raw.chmod(0o555)
    try:
        assert len(load_mnist(fresh, "test")[0]) == 10_000
    finally:
        raw.chmod(0o755)
