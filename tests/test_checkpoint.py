"""Checkpoints come back as they were saved; whatever else a file holds is refused in one line."""

import argparse
import errno
import math
import os
import pickle
import random
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from autoencoder import UserError
from autoencoder.model import AutoEncoder, reconstruction_errors
from autoencoder.storage.checkpoint import default_checkpoint, load_checkpoint, save_checkpoint
from tests.fixtures import PRETRAINED, RECORD

import pytest
import torch
from torch import Tensor, nn
from torch.torch_version import TorchVersion


@pytest.fixture
def model() -> AutoEncoder:
    torch.manual_seed(0)
    return AutoEncoder().eval()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "autoencoder.pth"


def contents_of(model: AutoEncoder) -> dict[str, Any]:
    return {
        "epoch": 7,
        "state_dict": model.state_dict(),
        "network": model.arguments,
        "best_loss": 0.03,
    }


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    mine, its = one.state_dict(), other.state_dict()
    return mine.keys() == its.keys() and all(torch.equal(mine[key], its[key]) for key in mine)


def test_round_trip(model: AutoEncoder, file: Path, few_digits: Tensor) -> None:
    save_checkpoint(file, contents_of(model))
    loaded = load_checkpoint(file)
    assert same_weights(model, loaded.model)
    assert (loaded.epoch, loaded.loss) == (7, 0.03)
    assert str(loaded) == f"{file} (epoch 7, loss 0.03000)"
    assert torch.equal(loaded.model(few_digits / 255)[1], model(few_digits / 255)[1])


@pytest.mark.parametrize(
    "arguments",
    [
        {"encoder_hidden": [30, 10], "decoder_hidden": [20]},
        {"decoder_hidden": [20], "frequencies": 5},
        {"encoder_hidden": [12, 49], "decoder_hidden": [20], "topographic": True},
    ],
)
def test_another_network_comes_back_with_its_arguments(
    file: Path, arguments: dict[str, Any]
) -> None:
    model = AutoEncoder(**arguments).eval()
    save_checkpoint(file, contents_of(model))
    assert same_weights(model, load_checkpoint(file).model)


def test_an_older_record_opens_with_its_encoder_built_anew(file: Path, few_digits: Tensor) -> None:
    """Its codes were means of the places; of its encoder the principal components are kept."""
    model = AutoEncoder(encoder_hidden=[12, 49], decoder_hidden=[20], topographic=True).eval()
    model.start(few_digits)
    model.follow()
    contents = contents_of(model)
    weights = contents["state_dict"]
    old = {name: weight for name, weight in weights.items() if "to_step" not in name}
    old["encoder.to_code.weight"] = torch.zeros(2, 49)
    old["encoder.to_places.weight"] = torch.zeros(49, 12)
    save_checkpoint(file, contents | {"state_dict": old})
    loaded = load_checkpoint(file)
    assert "its encoder is built anew" in str(loaded)
    assert same_weights(model, loaded.model)


def test_the_full_dict_of_the_reference_opens(model: AutoEncoder, file: Path) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-5)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", patience=3, factor=0.5)
    torch.save(
        {
            "epoch": 100,
            "state_dict": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "scheduler": scheduler.state_dict(),
            "best_loss": 0.0312,
        },
        file,
    )
    loaded = load_checkpoint(file)
    assert same_weights(model, loaded.model)
    assert (loaded.epoch, loaded.loss) == (100, 0.0312)


def test_a_bare_state_dict_opens(model: AutoEncoder, file: Path) -> None:
    torch.save(model.state_dict(), file)
    loaded = load_checkpoint(file)
    assert same_weights(model, loaded.model)
    assert (loaded.epoch, loaded.loss) == (None, None)


def as_others_save_it(model: AutoEncoder) -> dict[str, Any]:
    """The weights of a network in files as other people have them, by what is special there."""
    weights = model.state_dict()
    optimizer = torch.optim.Adam(model.parameters())
    milestones = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])
    counted = {k: w for k, w in weights.items() if not k.endswith("num_batches_tracked")}
    wrapped = torch.nn.DataParallel(model)
    return {
        "DataParallel": {"state_dict": wrapped.state_dict()},
        "torch.compile": {"state_dict": {f"_orig_mod.{k}": w for k, w in weights.items()}},
        "both": {f"module._orig_mod.{k}": w for k, w in weights.items()},
        "no counts of batches": counted,
        "what thop leaves": {**weights, "total_ops": torch.zeros(1)},
        "half precision": {k: w.half() if w.is_floating_point() else w for k, w in weights.items()},
        "only the state_dict": {"state_dict": weights},
        "the tutorial's names": {"model_state_dict": weights, "loss": 0.03, "epoch": 3},
        "a Counter": contents_of(model) | {"scheduler": milestones.state_dict()},
        "a device": contents_of(model) | {"device": torch.device("cpu")},
        "a set and bytes": contents_of(model) | {"seen": {1, 2}, "key": b"\xff\x00"},
        "35,000 losses": contents_of(model) | {"history": [0.1 / n for n in range(1, 35_001)]},
        "a history of tuples": contents_of(model)
        | {"history": [(n, 0.1, 0.2, 0.001) for n in range(5000)]},
        "Python's random state": contents_of(model) | {"random": random.getstate()},
    }


@pytest.mark.parametrize("name", as_others_save_it(AutoEncoder()))
@pytest.mark.parametrize("as_zip", [True, False])
def test_files_as_other_people_have_them_open(
    model: AutoEncoder, file: Path, name: str, as_zip: bool
) -> None:
    """In torch's format and in that before version 1.6."""
    contents = as_others_save_it(model)[name]
    torch.save(contents, file, _use_new_zipfile_serialization=as_zip)
    if TorchVersion(torch.__version__) < "2.6":
        try:
            torch.load(file, weights_only=True)
        except pickle.UnpicklingError:
            pytest.skip("this version of torch does not open it")
    loaded = load_checkpoint(file).model.state_dict()
    for key, weight in model.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert torch.allclose(loaded[key], weight, atol=1e-3)


@pytest.mark.parametrize(
    ("contents", "cause"),
    [
        ({"args": argparse.Namespace(lr=1)}, "it names argparse.Namespace"),
        (AutoEncoder([3], [3]), "it names autoencoder.model.AutoEncoder"),
    ],
)
def test_the_cause_of_a_refusal_is_the_real_one(file: Path, contents: object, cause: str) -> None:
    for as_zip in (True, False):
        torch.save(contents, file, _use_new_zipfile_serialization=as_zip)
        with pytest.raises(UserError, match=cause):
            load_checkpoint(file)
    torch.save({"weight": torch.zeros(1)}, file, pickle_protocol=4)
    with pytest.raises(UserError, match="of pickle protocol 4"):
        load_checkpoint(file)
    file.write_text("<!DOCTYPE html>")
    with pytest.raises(UserError, match="not a PyTorch checkpoint"):
        load_checkpoint(file)


def test_the_users_own_best_comes_before_the_one_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert default_checkpoint() == PRETRAINED
    best = Path("checkpoints/autoencoder_best.pth")
    best.parent.mkdir()
    best.touch()
    assert default_checkpoint() == best


def test_a_full_disk_leaves_the_old_checkpoint(
    model: AutoEncoder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(file, contents_of(model))
    before = file.read_bytes()

    def no_space(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(UserError, match="No space left on device"):
        save_checkpoint(file, contents_of(model) | {"epoch": 8})
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


class RunsCode:
    """Unpickles by creating a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_does_not_run_code(file: Path, tmp_path: Path) -> None:
    trace = tmp_path / "code_ran"
    torch.save({"state_dict": RunsCode(trace)}, file)
    with pytest.raises(UserError, match="it was not run"):
        load_checkpoint(file)
    torch.save({"state_dict": RunsCode(trace)}, file, _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match="it was not run"):
        load_checkpoint(file)
    file.write_bytes(pickle.dumps(RunsCode(trace)))
    with pytest.raises(UserError, match="not a PyTorch checkpoint"):
        load_checkpoint(file)
    assert not trace.exists()


def bad_files(model: AutoEncoder) -> dict[str, Any]:
    """What may be saved in a file that is no checkpoint of ours, by name."""
    good = contents_of(model)
    weights = model.state_dict()
    three = OrderedDict(weights)
    three["encoder.15.weight"], three["encoder.15.bias"] = torch.zeros(3, 16), torch.zeros(3)
    return {
        "a list": [1, 2, 3],
        "an empty dict": {},
        "numbers for weights": {"state_dict": {"encoder.0.weight": 1.0}},
        "a missing key": {k: v for k, v in weights.items() if k != "decoder.15.bias"},
        "NaN": {**weights, "decoder.15.bias": torch.full((784,), torch.nan)},
        "infinity": {**weights, "encoder.0.bias": torch.full((512,), torch.inf)},
        "complex numbers": {**weights, "encoder.0.bias": torch.zeros(512, dtype=torch.complex64)},
        "a code of three numbers": three,
        "another network": good | {"network": {"encoder_hidden": [5], "decoder_hidden": [5]}},
        "an unknown argument": good | {"network": {"latent": 3}},
        "absurd widths": good | {"network": {"encoder_hidden": [10**12]}},
        "widths that are words": good | {"network": {"encoder_hidden": "wide"}},
        "widths by number": good | {"network": {"encoder_hidden": {5: 1}}},
        "places in no square": good | {"network": {"encoder_hidden": [9, 5], "topographic": True}},
        "a topographic third layer": good
        | {"network": {"encoder_hidden": [9, 9, 9], "topographic": True}},
        "topographic by number": good | {"network": {"topographic": 1}},
        "absurd frequencies": good | {"network": {"frequencies": 10**9}},
        "widths in a tensor": good | {"network": {"encoder_hidden": torch.ones(2, 2)}},
        "too large for float32": {
            **weights,
            "encoder.0.bias": torch.full((512,), 1e300, dtype=torch.float64),
        },
        "negative variances": {**weights, "encoder.1.running_var": torch.full((512,), -1.0)},
        "the decoder alone": {k: v for k, v in weights.items() if k.startswith("decoder")},
        "one layer more": {**weights, "encoder.18.weight": torch.zeros(2, 2)},
    }


@pytest.mark.parametrize("name", bad_files(AutoEncoder()))
def test_what_is_no_checkpoint_is_refused(model: AutoEncoder, file: Path, name: str) -> None:
    torch.save(bad_files(model)[name], file)
    with pytest.raises(UserError) as caught:
        load_checkpoint(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


NO_NUMBERS = [None, "low", "100", 10**400, math.nan, math.inf, True, torch.zeros(1), [1]]


@pytest.mark.parametrize(
    "value", [*NO_NUMBERS, torch.empty((), device="meta"), torch.tensor(1j)], ids=str
)
def test_a_loss_or_an_epoch_that_is_no_number_is_unknown(
    model: AutoEncoder, file: Path, value: object
) -> None:
    torch.save(contents_of(model) | {"best_loss": value, "epoch": value}, file)
    loaded = load_checkpoint(file)
    assert (loaded.loss, loaded.epoch) == (None, None)


@pytest.mark.parametrize("epoch", [-1, 2**31, 1.5])
def test_an_epoch_that_cannot_be_is_unknown(model: AutoEncoder, file: Path, epoch: float) -> None:
    torch.save(contents_of(model) | {"epoch": epoch}, file)
    assert load_checkpoint(file).epoch is None


@pytest.mark.parametrize("number", [3, 3.0, torch.tensor(3), torch.tensor(3.0).double()])
def test_any_real_number_is_a_loss_and_an_epoch(
    model: AutoEncoder, file: Path, number: object
) -> None:
    torch.save(contents_of(model) | {"best_loss": number, "epoch": number}, file)
    loaded = load_checkpoint(file)
    assert (loaded.loss, loaded.epoch) == (3.0, 3)
    assert (type(loaded.loss), type(loaded.epoch)) == (float, int)


def test_the_message_tells_the_size_of_the_code(model: AutoEncoder, file: Path) -> None:
    torch.save(bad_files(model)["a code of three numbers"], file)
    with pytest.raises(UserError, match="the code of this autoencoder has 2 numbers"):
        load_checkpoint(file)


@pytest.mark.parametrize("length", [0, 1, 1000, -1000])
def test_a_truncated_file_is_refused(model: AutoEncoder, file: Path, length: int) -> None:
    save_checkpoint(file, contents_of(model))
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(UserError, match="damaged"):
        load_checkpoint(file)


def test_a_zip_bomb_is_refused(model: AutoEncoder, file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.pth"
    save_checkpoint(plain, contents_of(model))
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in source.namelist():
            bomb.writestr(name, source.read(name))
        bomb.writestr("autoencoder/data/9999", bytes(50_000_000))
    with pytest.raises(UserError, match="compressed"):
        load_checkpoint(file)


def test_a_folder_or_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a folder, not a checkpoint"):
        load_checkpoint(tmp_path)
    with pytest.raises(UserError, match="no such checkpoint"):
        load_checkpoint(tmp_path / "none.pth")


# --- the files that come with the project -------------------------------------------------------


@pytest.mark.parametrize("path", [PRETRAINED, RECORD])
def test_the_shipped_networks_are_as_good_as_they_say(
    path: Path, test_set: tuple[Tensor, Tensor]
) -> None:
    checkpoint = load_checkpoint(path)
    error = reconstruction_errors(checkpoint.model, test_set[0]).mean().item()
    assert error == pytest.approx(checkpoint.contents["test_mse"], abs=2e-5)
