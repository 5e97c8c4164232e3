"""Files that torch.save wrote, taken apart before torch.load may see them.

``torch.load(weights_only=True)`` runs no code, but a stranger's file can still harm it: it does not
compare checksums, so a flipped bit becomes another weight; a few bytes of pickle make it fill the
memory (``bytearray``), hang or crash (tuples of tuples of tuples as the key of a dict).
"""

import io
import pickle
import pickletools
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoencoder import UserError

# torch's own list of what weights_only allows; it has no public name.
from torch._weights_only_unpickler import _get_allowed_globals

# Far above any checkpoint of this project: 17 MB, 213 members, 18 kB of pickle.
MAX_BYTES, MAX_MEMBERS, MAX_PICKLE = 200_000_000, 10_000, 600_000
# How deep tuples may lie in tuples, and how many objects hashing all keys may visit.
MAX_DEPTH, MAX_VISITS = 100, 50_000_000
# These copy what they are called with, and so hash its keys again.
COPYING = ("collections.Counter", "collections.OrderedDict", "builtins.set")
REBUILD_FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
# torch's format before version 1.6 begins with this number, in a pickle of its own.
LEGACY_NUMBER = 0x1950A86A20F9469CFC6C
LEGACY_PICKLES = 5


def read_archive(path: Path) -> io.BytesIO:
    """A copy, in memory, of what a checkpoint file holds.

    A copy, since two readers of zip files may find different ones in the same bytes: torch is to
    load what was checked here.

    Raises
    ------
    UserError
        If torch.save did not write the file, or it is damaged or hostile; the message says which.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError("larger than any checkpoint of this autoencoder")
    content = path.read_bytes()
    if content.startswith(b"PK\3\4"):
        return checked_zip(content)
    if content.startswith(pickle.dumps(LEGACY_NUMBER, 2)):
        check_legacy(content)
        return io.BytesIO(content)
    raise UserError("not a PyTorch checkpoint, or damaged from its first byte on")


def checked_zip(content: bytes) -> io.BytesIO:
    """The members of a zip archive whose checksums are right and whose pickles are harmless."""
    if content.count(b"PK\1\2") > MAX_MEMBERS:
        raise UserError("an archive of too many members")
    copy = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(copy, "w") as checked:
            members = archive.infolist()
            # torch.save does not compress; a compressed member is somebody's zip bomb.
            stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
            if not stored or sum(member.file_size for member in members) > len(content):
                raise UserError("not a PyTorch checkpoint (its contents are compressed)")
            if len({member.filename for member in members}) < len(members):
                raise UserError("two members of the archive have the same name")
            for member in members:
                record = archive.read(member)  # raises where the checksum is another
                if member.filename.lower().endswith(".pkl"):  # torch finds DATA.PKL too
                    check_pickle(io.BytesIO(record), len(content))
                checked.writestr(zipfile.ZipInfo(member.filename), record)
    # A stranger's bytes can make zipfile raise nearly anything.
    except Exception as error:
        raise error if isinstance(error, UserError) else UserError("damaged") from error
    copy.seek(0)
    return copy


def check_legacy(content: bytes) -> None:
    """Check a file in torch's format before version 1.6: five pickles, then the storages' bytes."""
    file = io.BytesIO(content)
    for _ in range(LEGACY_PICKLES):
        check_pickle(file, len(content))


@dataclass(frozen=True)
class Item:
    """What the check knows of an object that a pickle makes.

    Attributes
    ----------
    visits, depth : int
        How many objects hashing it would visit, and how deep: only tuples hash what they hold.
    value
        Of a number, a text, a name or a tuple; None for all else.
    """

    visits: int = 1
    depth: int = 0
    value: Any = None


class PickleCheck:
    """Follows a pickle without making any of its objects.

    It raises UserError for a pickle that could do anything but make tensors and plain values, that
    would take more memory than its file, or more time than such a file deserves.

    Parameters
    ----------
    file_size : int
        The length of the whole file in bytes.
    """

    def __init__(self, file_size: int) -> None:
        self.file_size = file_size
        self.stack: list[Item] = []
        self.marks: list[int] = []
        self.memo: dict[object, Item] = {}
        self.storages: dict[object, int] = {}
        # What all hashing may visit: each key once, and everything again where things are copied.
        self.pushed = self.copied = 0

    def follow(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Take one operation's objects from the stack, and push what it makes of them."""
        name = opcode.name
        if name == "PROTO" and argument > 3:
            raise UserError(f"of pickle protocol {argument}: please save it with protocol 2")
        if name == "MARK":
            self.marks.append(len(self.stack))
        elif "PUT" in name:
            self.memo[argument] = self.stack[-1]
        elif "GET" in name:
            self.push(self.memo[argument])
        else:
            taken = self.pop(opcode)
            if name == "BINPERSID":
                self.count_storage(taken[0].value)
            elif name in ("REDUCE", "BUILD"):
                self.check_call(*(item.value for item in taken))
            made = make(name, argument, taken)
            for _ in opcode.stack_after:
                self.push(made)

    def pop(self, opcode: pickletools.OpcodeInfo) -> list[Item]:
        """The objects that an operation takes from the stack, without their mark."""
        taken = opcode.stack_before
        if pickletools.markobject in taken:
            bottom = self.marks.pop() - taken.index(pickletools.markobject)
        else:
            bottom = len(self.stack) - len(taken)
        items = self.stack[bottom:]
        del self.stack[bottom:]
        return items

    def push(self, item: Item) -> None:
        self.stack.append(item)
        self.pushed += item.visits
        if self.pushed + self.copied > MAX_VISITS:
            raise UserError("a pickle that would take for ever to open")

    def check_call(self, function: Any, arguments: Any) -> None:
        """Check what a function is called with, or an object is given for its attributes."""
        if function == "_codecs.encode" and arguments[1:] != ("latin1",):
            raise UserError("damaged")
        if function == REBUILD_FROM_TYPE and not arguments[0].startswith("torch._utils._rebuild_"):
            raise UserError("damaged")
        if arguments != () and (function is None or function in COPYING):
            self.copied += self.pushed

    def count_storage(self, identity: tuple[Any, ...]) -> None:
        """Count the bytes of a storage by what identifies it: its type, key and length."""
        _, kind, key, _, length, *_ = identity
        size = length * _get_allowed_globals()[kind].dtype.itemsize
        self.storages[key] = max(size, self.storages.get(key, 0))
        if size < 0 or sum(self.storages.values()) > self.file_size:
            raise UserError("damaged: its tensors are said to be larger than the file")


def make(name: str, argument: Any, taken: list[Item]) -> Item:
    """What the check knows of the object that an operation makes."""
    if name == "GLOBAL":
        full_name = argument.replace(" ", ".").replace("__builtin__.", "builtins.")
        if not is_harmless(full_name):
            raise UserError(
                f"it names {full_name}, and only files of weights and plain values are opened:"
                " anything else may run code (it was not run)"
            )
        return Item(value=full_name)
    if "TUPLE" in name:
        depth = 1 + max((item.depth for item in taken), default=0)
        if depth > MAX_DEPTH:
            raise UserError("a pickle of tuples of tuples of tuples")
        visits = 1 + sum(item.visits for item in taken)
        return Item(visits, depth, tuple(item.value for item in taken))
    return Item(value=None if name in ("REDUCE", "NEWOBJ", "BUILD") else argument)


def is_harmless(name: str) -> bool:
    """Whether a name in a pickle is on torch's list, and allocates nothing by a number in it."""
    allocates = (
        "builtins.bytearray",
        "torch._utils._rebuild_qtensor",
        "torch.storage.TypedStorage",
        "torch.storage.UntypedStorage",
    )
    allowed = name in _get_allowed_globals()
    return allowed and name not in allocates and not name.endswith("Tensor")


def check_pickle(file: io.BytesIO, file_size: int) -> None:
    """Check the pickle that a file goes on with, and leave the file behind it."""
    start = file.tell()
    check = PickleCheck(file_size)
    try:
        for opcode, argument, _ in pickletools.genops(file):
            if file.tell() - start > MAX_PICKLE:
                raise UserError("a pickle that is too long")
            check.follow(opcode, argument)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError("damaged") from error
