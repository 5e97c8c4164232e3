"""The digits come out right whatever state their files are in, or one line says why not."""

import gzip
import os
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.mnist import ADDRESS, Digits, Split, default_root, load_mnist
from tests.fixtures import DATA

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
    archive = fresh / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    damage(archive, kind)
    before = archive.read_bytes()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz is damaged") as caught:
        load_mnist(fresh, "test")
    assert "\n" not in str(caught.value)
    assert "https://" in str(caught.value)
    assert archive.read_bytes() == before


@pytest.mark.usefixtures("offline")
def test_a_missing_archive_says_where_to_get_it_and_where_it_goes(fresh: Path) -> None:
    archive = fresh / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    archive.unlink()
    with pytest.raises(UserError, match="could not be downloaded: put it there") as caught:
        load_mnist(fresh, "test")
    assert str(archive) in str(caught.value)
    assert "https://" in str(caught.value)
    assert len(list(archive.parent.iterdir())) == 3


# What one stumbles over that was built for another torch: an older one, a newer one.
OTHER_TORCH = (
    "raise RuntimeError('nms does not exist')",
    "__import__('torch').library.no_such_name",
)


@pytest.mark.parametrize("torchvision", [None, *OTHER_TORCH])
def test_without_torchvision_only_a_download_is_missing(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, torchvision: str | None
) -> None:
    if torchvision is None:
        monkeypatch.setitem(sys.modules, "torchvision", None)
    else:
        monkeypatch.delitem(sys.modules, "torchvision", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        (tmp_path / "torchvision.py").write_text(torchvision)
    monkeypatch.delitem(sys.modules, "torchvision.datasets", raising=False)
    load_mnist(fresh, "test")
    archive = fresh / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    archive.write_bytes(b"")
    with pytest.raises(UserError, match="is damaged"):
        load_mnist(fresh, "test")
    archive.unlink()
    with pytest.raises(UserError, match="torchvision is missing, or does not fit torch") as caught:
        load_mnist(fresh, "test")
    message = str(caught.value)
    assert f"put it there, from {ADDRESS}{archive.name}, or pip install torchvision" in message


def test_what_is_missing_is_downloaded(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = fresh / "MNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    archive.unlink()

    def download(url: str, folder: str) -> None:
        shutil.copy(DATA / "MNIST" / "raw" / url.rsplit("/", 1)[1], folder)

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    assert len(load_mnist(fresh, "test").labels) == 10_000
    assert len(list(archive.parent.iterdir())) == 4


# --- other people's files ----------------------------------------------------------------------


def write_own(raw: Path, count: int = 200, labels: bytes | None = None, side: int = 28) -> None:
    """Four well-formed files of the user's own, under the names of MNIST's."""
    raw.mkdir(parents=True, exist_ok=True)
    labels = bytes(n % 10 for n in range(count)) if labels is None else labels
    for part in ("train", "t10k"):
        images = struct.pack(">4i", 2051, count, side, side) + bytes(count * side**2)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, count) + labels)


def contents(folder: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.usefixtures("offline")
def test_a_set_of_ones_own_is_used_and_left_alone(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_own(raw)
    before = contents(tmp_path)
    for split, count in zip(SPLITS, (400, 200, 200), strict=True):
        digits = load_mnist(tmp_path, split)
        assert (len(digits.labels), digits.are_mnist) == (count, False)
        assert digits.labels[:200].tolist() == [n % 10 for n in range(200)]
    # As archives, the same: Fashion-MNIST's have MNIST's names.
    for file in list(raw.iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert len(load_mnist(tmp_path, "all").labels) == 400
    assert len(before) == len(contents(tmp_path)) == 4


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"side": 32}, "holds pictures of 32 x 32 pixels instead of 28 x 28"),
        ({"labels": bytes(range(200))}, "holds labels other than 0 to 9"),
        ({"labels": bytes(199)}, "holds fewer or more bytes than it says"),
        ({"count": 0}, "holds fewer or more bytes than it says, or none"),
    ],
)
def test_a_set_of_ones_own_that_is_not_well_formed(
    tmp_path: Path, files: dict[str, Any], says: str
) -> None:
    write_own(tmp_path / "MNIST" / "raw", **files)
    before = contents(tmp_path)
    with pytest.raises(UserError, match=says):
        load_mnist(tmp_path, "all")
    assert contents(tmp_path) == before


@pytest.mark.usefixtures("offline")
def test_a_set_of_ones_own_that_is_cut_off_anywhere_in_its_header(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_own(raw)
    images = raw / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    for length in range(17):
        images.write_bytes(whole[:length])
        with pytest.raises(UserError, match="train-images-idx3-ubyte"):
            load_mnist(tmp_path, "train")


@pytest.mark.usefixtures("offline")
def test_a_set_of_ones_own_with_a_file_missing(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    write_own(raw)
    (raw / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match="train-labels-idx1-ubyte is missing"):
        load_mnist(tmp_path, "train")
    write_own(raw)
    images = raw / "train-images-idx3-ubyte"
    images.write_bytes(struct.pack(">4i", 2051, 100, 28, 28) + bytes(100 * 784))
    with pytest.raises(UserError, match="100 pictures and 200 labels"):
        load_mnist(tmp_path, "train")


@pytest.mark.usefixtures("offline")
def test_where_some_are_mnists_what_differs_is_damage(fresh: Path) -> None:
    raw = fresh / "MNIST" / "raw"
    write_own(raw)
    (raw / "t10k-images-idx3-ubyte.gz").unlink()
    before = contents(fresh)
    # The plain files beside good archives do not matter, where there is no archive they do.
    assert load_mnist(fresh, "train").are_mnist
    with pytest.raises(UserError, match="t10k-images-idx3-ubyte is damaged: put a good copy there"):
        load_mnist(fresh, "test")
    assert contents(fresh) == before


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("layout", ["{0}", "{1}/{1}", "{0}/{0}"])
def test_files_as_kaggle_names_them(fresh: Path, layout: str) -> None:
    expected = load_mnist(fresh, "test")
    raw = fresh / "MNIST" / "raw"
    for archive in list(raw.glob("*.gz")):
        name = archive.stem
        if name.startswith("t10k"):
            file = raw / layout.format(name.replace("-idx", ".idx"), name)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(gzip.decompress(archive.read_bytes()))
        archive.unlink()
    assert same(load_mnist(fresh, "test"), expected)


def test_what_an_old_torchvision_left_does_not_count(fresh: Path) -> None:
    expected = load_mnist(fresh, "test")
    processed = fresh / "MNIST" / "processed"
    processed.mkdir()
    noise = torch.randint(0, 256, (10_000, 28, 28), dtype=torch.uint8)
    for name in ("training", "test"):
        torch.save((noise, torch.zeros(10_000)), processed / f"{name}.pt")
    assert same(load_mnist(fresh, "test"), expected)


def test_data_in_the_current_folder_come_before_those_beside_the_scripts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_root() == DATA
    write_own(tmp_path / "data" / "MNIST" / "raw")
    assert default_root() == Path("data")


def test_a_data_path_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a folder")
    with pytest.raises(UserError, match="cannot read the digits"):
        load_mnist(tmp_path / "data", "train")
