"""Files that a stranger may send: checkpoints made to harm, and good ones damaged at random."""

import copy
import functools
import io
import math
import operator
import pickle as pickle_module
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import main
from autoencoder.model import AutoEncoder
from autoencoder.storage.archive import LEGACY_NUMBER, MAX_PICKLE
from autoencoder.training import Settings, Training

import torch
from torch import Tensor, nn

Members = dict[str, bytes]


def good_contents() -> dict[str, Any]:
    """What main.py saves after an epoch, of a network that is small enough for thousands."""
    training = Training(Settings(epochs=9), torch.device("cpu"))
    training.use(AutoEncoder([3], [3], frequencies=1))
    main.train_epoch(training, torch.arange(8 * 784).reshape(8, 784).byte(), [])
    training.best_loss = 0.1
    return training.snapshot()


def saved(contents: object) -> bytes:
    file = io.BytesIO()
    torch.save(contents, file)
    return file.getvalue()


def unzipped(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


# --- made to harm -----------------------------------------------------------------------------

DICT = b"\x80\x02}"
DEEP = MAX_PICKLE - 20_000  # just within what a pickle may be long


def word(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


def called(function: str, argument: bytes) -> bytes:
    """A pickle that calls a function, as ``__reduce__`` does."""
    module, name = function.split()
    return f"\x80\x02c{module}\n{name}\n".encode("latin-1") + argument + b"\x85R."


def with_pickle(pickle: bytes, name: str = "data.pkl") -> bytes:
    return zipped({f"archive/{name}": pickle, "archive/version": b"3\n"})


def huge_storage() -> bytes:
    """A tensor whose numbers are said to take 2 GB, in a file that holds 4 bytes of them."""
    kind = b"ctorch\nFloatStorage\n"
    storage = b"(" + word("storage") + kind + word("0") + word("cpu") + b"J\xff\xff\xff\x1ftQ"
    members = {
        "archive/data.pkl": DICT + word("weight") + storage + b"s.",
        "archive/data/0": bytes(4),
    }
    return zipped(members)


def legacy(pickle: bytes) -> bytes:
    """A file in torch's format before version 1.6, with this pickle for its contents."""
    head = (LEGACY_NUMBER, 1001, {"protocol_version": 1001, "little_endian": True})
    keys = pickle_module.dumps(["0"], 2) + struct.pack("<q", 1) + bytes(4)
    return b"".join(pickle_module.dumps(part, 2) for part in head) + pickle + keys


def legacy_storage(length: bytes) -> bytes:
    """In the old format, a tensor whose numbers are said to be as many as these four bytes say."""
    kind = b"ctorch\nFloatStorage\n"
    storage = b"(" + word("storage") + kind + word("0") + word("cpu") + b"J" + length + b"NtQ"
    return legacy(DICT + word("weight") + storage + b"s.")


def huge_network(width: int) -> bytes:
    """All the layers that may be, each weight of them a single number that is repeated."""
    arguments: Any = {"encoder_hidden": [width] * 12, "decoder_hidden": [width] * 12}
    with torch.device("meta"):
        shapes = {
            name: weight.shape for name, weight in AutoEncoder(**arguments).state_dict().items()
        }
    weights = {name: torch.ones(()).expand(shape) for name, shape in shapes.items()}
    return saved({"epoch": 1, "state_dict": weights, "network": arguments})


def many_members() -> bytes:
    """A table of contents that lists 60,000 files."""
    table = (b"PK\1\2" + bytes(42)) * 60_000
    return table + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 60_000, 60_000, len(table), 0, 0)


def hostile_files(trace: Path) -> dict[str, Callable[[], bytes]]:
    """By what they try; the code that some would run creates the file ``trace``."""
    touch = called("os system", word(f"touch {trace}"))
    memory = called("builtins bytearray", b"J\xff\xff\xff\x7f")
    doubled = b")q\x00" + b"h\x00h\x00\x86q\x00" * 60
    return {
        "a pickle that runs code": lambda: with_pickle(touch),
        "a bare pickle that runs code": lambda: touch,
        "code in a TorchScript archive": lambda: with_pickle(touch, "constants.pkl"),
        "two gigabytes of zeros": lambda: with_pickle(memory),
        "the same under a name in capitals": lambda: with_pickle(memory, "DATA.PKL"),
        "a zip bomb": lambda: zipped({"archive/data/0": bytes(50_000_000)}, zipfile.ZIP_DEFLATED),
        "tuples, deep": lambda: with_pickle(DICT + b")" + b"\x85" * DEEP + b"Ns."),
        "tuples, doubled": lambda: with_pickle(DICT + b"(" + doubled + b"tNs."),
        "lists, deep": lambda: with_pickle(
            b"\x80\x02" + b"]" * (DEEP // 2) + b"a" * (DEEP // 2 - 1) + b"."
        ),
        "a pickle that is too long": lambda: with_pickle(b"\x80\x02" + b"]" * 3_000_000 + b"."),
        "a huge storage": huge_storage,
        "a huge storage in the old format": lambda: legacy_storage(b"\xff\xff\xff\x1f"),
        "a storage of negative length": lambda: legacy_storage(b"\xff\xff\xff\xff"),
        "code in the old format": lambda: legacy(touch),
        "two gigabytes in the old format": lambda: legacy(memory),
        "two gigabytes as a tensor": lambda: with_pickle(
            called("torch FloatTensor", b"J\xff\xff\xff\x1f")
        ),
        "two gigabytes under Python 2's name": lambda: with_pickle(
            called("__builtin__ bytearray", b"J\xff\xff\xff\x7f")
        ),
        "a slow codec": lambda: with_pickle(
            b"\x80\x02c_codecs\nencode\n" + word("\xe9" * 400_000) + word("idna") + b"\x86R."
        ),
        "a wide key, hashed again and again": lambda: with_pickle(
            DICT + b"(" + b"K\x01" * 100_000 + b"tq\x00N" + b"sh\x00N" * 150_000 + b"s."
        ),
        "a set, made again and again": lambda: with_pickle(
            b"\x80\x02]q\x00("
            + b"K\x01" * 100_000
            + b"e0"
            + b"c__builtin__\nset\nh\x00\x85R0" * 20_000
            + b"}."
        ),
        "a huge network": lambda: huge_network(16_384),
        "a wide network": lambda: huge_network(1500),
        "many members": many_members,
    }


# --- damaged at random ------------------------------------------------------------------------


def odd_values(shape: torch.Size) -> dict[str, Callable[[], object]]:
    """What may stand in place of a value; tensors of the shape, most of them."""
    ones = torch.ones(shape)
    return {
        "None": lambda: None,
        "a bool": lambda: True,
        "below zero": lambda: -1,
        "beyond int32": lambda: 2**31,
        "beyond any int": lambda: 10**400,
        "NaN": lambda: math.nan,
        "infinity": lambda: math.inf,
        "beyond float32": lambda: -1e300,
        "a word": lambda: "one cycle",
        "a list": lambda: [],
        "a dict": lambda: {},
        "a tuple": lambda: (),
        "a nest": lambda: {0: ones, "state": [ones, {"step": ()}]},
        "a tensor": lambda: ones,
        "NaNs": lambda: ones * math.nan,
        "infinities": lambda: ones * math.inf,
        "negatives": lambda: -ones,
        "doubles beyond float32": lambda: ones.double() * 1e300,
        "almost beyond float32": lambda: ones * 3e38,
        "halves": lambda: ones.half(),
        "bfloat16": lambda: ones.bfloat16(),
        "bytes": lambda: ones.byte(),
        "bools": lambda: ones.bool(),
        "complex numbers": lambda: ones.to(torch.complex64),
        "a sparse tensor": lambda: ones.to_sparse(),
        "a tensor without numbers": lambda: ones.to("meta"),
        "a tensor with a gradient": lambda: ones.clone().requires_grad_(),
        "a parameter": lambda: nn.Parameter(ones.clone()),
        "one number, repeated": lambda: torch.ones(()).expand(shape),
        "one number, repeated for ever": lambda: torch.ones(()).expand(10**6, 10**6),
        "an empty tensor": lambda: torch.ones(0),
        "a flat tensor": lambda: ones.flatten(),
        "one dimension more": lambda: ones[None],
    }


def places(contents: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The keys that lead to each value, all the way down."""
    below = contents.items() if isinstance(contents, dict) else ()
    return [path, *(place for key, value in below for place in places(value, (*path, key)))]


def damaged_contents(contents: dict[str, Any], chance: Random) -> bytes:
    """Values are missing, or others stand in their places."""
    damaged = copy.deepcopy(contents)
    for _ in range(chance.randint(1, 3)):
        *above, key = chance.choice(places(damaged)[1:])
        parent = functools.reduce(operator.getitem, above, damaged)
        old = parent.pop(key)
        if chance.random() < 0.8:
            real = isinstance(old, Tensor) and old.numel() < 1e6
            shape = old.shape if real else torch.Size([3])
            odd = odd_values(shape)
            parent[key] = odd[chance.choice(list(odd))]()
    return saved(damaged)


def damaged_bytes(content: bytes, chance: Random) -> bytes:
    """Bits are flipped, or a part is missing, repeated or written over."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        place, length = chance.randint(0, len(damaged)), chance.randint(1, 200)
        part = slice(place, place + length)
        kind = chance.choice(["flip", "flip", "flip", "truncate", "cut", "repeat", "overwrite"])
        if kind == "flip":
            bit = 1 << chance.randint(0, 7)
            damaged[place : place + 1] = bytes(byte ^ bit for byte in damaged[place : place + 1])
        elif kind == "truncate":
            del damaged[place:]
        elif kind == "cut":
            del damaged[part]
        elif kind == "repeat":
            damaged[place:place] = damaged[part]
        else:
            damaged[part] = chance.randbytes(length)
    return bytes(damaged)


def damaged_members(content: bytes, chance: Random) -> bytes:
    """Members of the archive are damaged, swapped, missing, renamed or compressed.

    The checksums are right again: only what the members hold can tell.
    """
    members = unzipped(content)
    one, other = chance.choice(list(members)), chance.choice(list(members))
    kind = chance.choice(["pickle", "pickle", "damage", "swap", "lose", "rename", "compress"])
    if kind == "pickle":
        members["archive/data.pkl"] = damaged_bytes(members["archive/data.pkl"], chance)
    elif kind == "damage":
        members[one] = damaged_bytes(members[one], chance)
    elif kind == "swap":
        members[one], members[other] = members[other], members[one]
    elif kind == "lose":
        del members[one]
    elif kind == "rename":
        members[other + chance.choice(["", "0", "/", "\n", "é"])] = members.pop(one)
    return zipped(members, zipfile.ZIP_DEFLATED if kind == "compress" else zipfile.ZIP_STORED)
