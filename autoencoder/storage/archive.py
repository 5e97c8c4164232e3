"""The archives that torch.save writes, taken apart before torch.load may see them.

``torch.load(weights_only=True)`` runs no code, but a stranger's file can still harm it: it does not
compare checksums, so a flipped bit becomes another weight; a few bytes of pickle make it fill the
memory (``bytearray``), hang or crash (tuples of tuples of tuples as the key of a dict).
"""

import io
import pickletools
import zipfile
from pathlib import Path

from autoencoder import UserError

# Far above any checkpoint of this project: 17 MB, 213 members, 18 kB of pickle.
MAX_BYTES, MAX_MEMBERS, MAX_PICKLE = 200_000_000, 10_000, 300_000
# The shapes in a checkpoint are tuples of one or two numbers.
MAX_TUPLE = 1000

GLOBALS = {
    "collections OrderedDict",
    "torch._utils _rebuild_parameter",
    "torch._utils _rebuild_tensor_v2",
    "torch BFloat16Storage",
    "torch BoolStorage",
    "torch ByteStorage",
    "torch CharStorage",
    "torch DoubleStorage",
    "torch FloatStorage",
    "torch HalfStorage",
    "torch IntStorage",
    "torch LongStorage",
    "torch ShortStorage",
}


def read_archive(path: Path) -> io.BytesIO:
    """A copy, in memory, of what a checkpoint file holds.

    A copy, since two readers of zip files may find different ones in the same bytes: torch is to
    load what was checked here.

    Raises
    ------
    UserError
        If the file is larger than any checkpoint, or compressed.
    ValueError, zipfile.BadZipFile and others
        If it is damaged or hostile.
    """
    if path.stat().st_size > MAX_BYTES:
        raise UserError(f"{path}: larger than any checkpoint of this autoencoder")
    content = path.read_bytes()
    if content.count(b"PK\1\2") > MAX_MEMBERS:
        raise ValueError("too many members")
    copy = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(copy, "w") as checked:
        members = archive.infolist()
        # torch.save does not compress; a compressed member is somebody's zip bomb.
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        if not stored or sum(member.file_size for member in members) > len(content):
            raise UserError(f"{path}: not a PyTorch checkpoint (its contents are compressed)")
        if len({member.filename for member in members}) < len(members):
            raise ValueError("two members of the same name")
        for member in members:
            record = archive.read(member)  # raises where the checksum is another
            if member.filename.lower().endswith(".pkl"):  # torch finds DATA.PKL too
                check_pickle(record)
            checked.writestr(zipfile.ZipInfo(member.filename), record)
    copy.seek(0)
    return copy


def check_pickle(pickle: bytes) -> None:
    """Raise ValueError for a pickle that names anything but tensors, or holds a huge tuple."""
    if len(pickle) > MAX_PICKLE:
        raise ValueError("too long")
    # Of each object how many objects hashing it would visit: only tuples hash what they hold.
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[object, int] = {}
    for opcode, argument, _ in pickletools.genops(pickle):
        if opcode.name == "MARK":
            marks.append(len(stack))
        elif "GET" in opcode.name:
            stack.append(memo[argument])
        elif "PUT" in opcode.name:
            memo[argument] = stack[-1]
        else:
            if opcode.name == "GLOBAL" and argument not in GLOBALS:
                raise ValueError(f"names {argument}")
            taken = opcode.stack_before
            if pickletools.markobject in taken:
                bottom = marks.pop() - taken.index(pickletools.markobject)
            else:
                bottom = len(stack) - len(taken)
            size = 1 + sum(stack[bottom:]) if "TUPLE" in opcode.name else 1
            if size > MAX_TUPLE:
                raise ValueError("a tuple of tuples of tuples")
            stack[bottom:] = [size] * len(opcode.stack_after)
