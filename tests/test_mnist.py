"""The digits come out right whatever state their files are in, or one line says why not."""

import gzip
import os
import shutil
from pathlib import Path

from autoencoder import UserError
from autoencoder.mnist import Digits, Split, load_mnist
from tests.conftest import DATA, run_script

import pytest
import torch

SPLITS: tuple[Split, ...] = ("all", "train", "test")
COUNTS = [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958]


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A data folder as after a clone: the four archives."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for archive in (DATA / "MNIST" / "raw").glob("*.gz"):
        shutil.copy(archive, raw)
    return tmp_path


def damage(file: Path, kind: str) -> None:
    content = file.read_bytes()
    if kind == "truncated":
        file.write_bytes(content[:-100])
    elif kind == "altered":
        file.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    elif kind == "empty":
        file.write_bytes(b"")
    else:
        file.write_text("<!DOCTYPE html>")


def test_the_sets_are_those_of_mnist(fresh: Path) -> None:
    digits = load_mnist(fresh, "all")
    images, labels = digits.images, digits.labels
    assert digits.are_mnist
    assert images.shape == (70_000, 784)
    assert images.dtype == torch.uint8
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert labels.bincount().tolist() == COUNTS
    assert round(images[:60_000].float().mean().item() / 255, 4) == 0.1307


def same(one: Digits, other: Digits) -> bool:
    return torch.equal(one.images, other.images) and torch.equal(one.labels, other.labels)


def test_all_is_the_training_set_and_then_the_test_set() -> None:
    both, train, test = (load_mnist(DATA, split) for split in SPLITS)
    assert torch.equal(both.images, torch.cat([train.images, test.images]))
    assert torch.equal(both.labels, torch.cat([train.labels, test.labels]))


def test_reading_writes_nothing(fresh: Path) -> None:
    before = sorted(fresh.rglob("*"))
    load_mnist(fresh, "all")
    assert sorted(fresh.rglob("*")) == before


@pytest.mark.skipif(os.name == "nt", reason="read-only folders are another matter on Windows")
def test_digits_in_a_read_only_folder_load(fresh: Path) -> None:
    raw = fresh / "MNIST" / "raw"
    raw.chmod(0o555)
    try:
        assert len(load_mnist(fresh, "test").labels) == 10_000
    finally:
        raw.chmod(0o755)


@pytest.mark.usefixtures("offline")
def test_unpacked_files_are_read_where_there_is_no_archive(fresh: Path) -> None:
    expected = load_mnist(fresh, "test")
    for archive in (fresh / "MNIST" / "raw").glob("t10k*.gz"):
        archive.with_suffix("").write_bytes(gzip.decompress(archive.read_bytes()))
        archive.unlink()
    assert same(load_mnist(fresh, "test"), expected)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", ["truncated", "altered", "empty", "a page"])
def test_of_an_archive_and_an_unpacked_file_the_good_one_is_read(fresh: Path, kind: str) -> None:
    expected = load_mnist(fresh, "test")
    archive = fresh / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    good = archive.read_bytes()
    archive.with_suffix("").write_bytes(gzip.decompress(good))
    for bad, restored in ((archive, good), (archive.with_suffix(""), None)):
        damage(bad, kind)
        before = bad.read_bytes()
        assert same(load_mnist(fresh, "test"), expected)
        assert bad.read_bytes() == before
        if restored:
            bad.write_bytes(restored)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("kind", ["truncated", "altered", "empty", "a page"])
def test_a_damaged_archive_is_named_and_left_alone(fresh: Path, kind: str) -> None:
    archive = fresh / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz"
    damage(archive, kind)
    before = archive.read_bytes()
    with pytest.raises(UserError, match=r"train-labels-idx1-ubyte\.gz is damaged") as caught:
        load_mnist(fresh, "train")
    assert "\n" not in str(caught.value)
    assert "https://" in str(caught.value)
    assert archive.read_bytes() == before


@pytest.mark.usefixtures("offline")
def test_a_missing_archive_says_where_to_get_it_and_where_it_goes(fresh: Path) -> None:
    archive = fresh / "MNIST" / "raw" / "train-labels-idx1-ubyte.gz"
    archive.unlink()
    with pytest.raises(UserError, match="could not be downloaded: put it there") as caught:
        load_mnist(fresh, "train")
    assert str(archive) in str(caught.value)
    assert "https://" in str(caught.value)
    assert len(list(archive.parent.iterdir())) == 3


def test_what_is_missing_is_downloaded(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = fresh / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    archive.unlink()

    def download(url: str, folder: str) -> None:
        shutil.copy(DATA / "MNIST" / "raw" / url.rsplit("/", 1)[1], folder)

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    assert len(load_mnist(fresh, "test").labels) == 10_000
    assert len(list(archive.parent.iterdir())) == 4


def test_a_data_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(UserError, match="cannot read the digits"):
        load_mnist(tmp_path / "data", "train")


def test_no_script_imports_torchvision_where_the_digits_are_there() -> None:
    imports = "import main, interac_decompression, view_ml_compressed, sys"
    load = "from pathlib import Path; main.load_mnist(Path('data'), 'test')"
    done = run_script("-c", f"{imports}; {load}; sys.exit('torchvision' in sys.modules)")
    assert (done.returncode, done.stderr) == (0, "")
