"""The instructions within PyTorch's files, read by a machine that knows only what tensors need.

A .pth file holds a *pickle stream*: a program for a stack machine that builds objects. Python's own
machine for it can import any module and call any function, which is why a file from a stranger must
never be given to it. This one has 38 instructions, makes numbers, text, tuples, lists and
dictionaries, and calls four functions, all below. What a stream asks for beyond that is refused by
its name. It ends after `MOST` instructions, and it makes no arrays: a tensor is a note of where its
numbers lie, to be looked up, and checked, in `torch_format.py`.

The instructions: Lib/pickletools.py of Python. What PyTorch writes: torch/_utils.py,
torch/serialization.py.
"""
import struct
from typing import NamedTuple

from ..errors import CheckpointError, Damaged, Refused
from .numbers import BFLOAT16, BOOL

MOST = 2_000_000                             # instructions; a tensor with its name takes about 30
ARGUMENTS, DIMENSIONS = 8, 64                # of a call, of a tensor


class StorageType(NamedTuple):
    """The dtype of a storage, with a code as in `numbers.py`."""
    code: str


class Storage(NamedTuple):
    """A block of `count` numbers, kept elsewhere in the file under `key`."""
    key: str
    code: str
    count: int


class Strided(NamedTuple):
    """A tensor: element (i, j, …) is number offset + i · stride[0] + j · stride[1] + … of it."""
    storage: Storage
    offset: int
    size: tuple
    stride: tuple


# ---- what may be called --------------------------------------------------------------------------
# The stream can hand the same large or deeply nested object to these again and again, so none of
# them copies, compares or prints what it has not looked at.

def _tensor(storage, offset, size, stride, *_):
    """What follows (whether it requires gradients, its hooks, its metadata) is of no use here."""
    whole = type(size) is type(stride) is tuple and len(size) == len(stride) <= DIMENSIONS and all(
        type(n) is int and n >= 0 for n in (offset, *size, *stride))
    if not isinstance(storage, Storage) or not whole:
        raise Damaged("a tensor of it has no storage, or no sizes and strides that fit")
    return Strided(storage, offset, size, stride)


def _parameter(tensor, *_):
    return tensor


def _ordered(pairs=()):
    """Python 2 hands the entries over in a list. It is emptied, so that it is used only once."""
    made = {}
    for name, value in pairs:
        _put_in(made, name, value)
    if pairs:
        pairs.clear()
    return made


def _size(numbers):
    return numbers


CODES = {"Float": "f4", "Double": "f8", "Half": "f2", "BFloat16": BFLOAT16, "Bool": BOOL,
         "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"}
KNOWN = {"collections.OrderedDict": _ordered, "torch.Size": _size,
         "torch._utils._rebuild_tensor": _tensor, "torch._utils._rebuild_tensor_v2": _tensor,
         "torch._utils._rebuild_parameter": _parameter,
         **{f"{room}.{name}Storage": StorageType(code) for name, code in CODES.items()
            for room in ("torch", "torch.cuda")}}


# ---- the machine ---------------------------------------------------------------------------------

def run(content, at=0):
    """Run the stream in `content` from byte `at` on.

    Returns what it builds, the byte after its end, and all storages it speaks of by their keys.
    Raises Damaged, or Refused where it asks for anything that is not above.
    """
    machine = _Machine(content, at)
    try:
        return machine.run(), machine.at, machine.storages
    except (IndexError, KeyError, TypeError, ValueError, AttributeError, struct.error) as error:
        if isinstance(error, CheckpointError):
            raise
        raise Damaged(f"its instructions are damaged near byte {machine.at} "
                              f"({type(error).__name__}: {error!s:.100})") from None


class _Machine:
    """A stack, the stacks below it that marks have set aside, and a memory of objects by number."""

    def __init__(self, content, at):
        self.content, self.at = content, at
        self.stack, self.below, self.memo, self.storages = [], [], {}, {}

    def run(self):
        for _ in range(MOST):
            opcode = self.take(1)
            if opcode == b".":
                (result,) = self.stack
                return result
            if opcode not in INSTRUCTIONS:
                raise Refused(f"the file has the instruction {opcode!r}, which no "
                                      "tensor needs")
            INSTRUCTIONS[opcode](self)
        raise Refused(f"the file has more than {MOST:,} instructions")

    def take(self, count):
        """The next bytes of the stream."""
        if not 0 <= count <= len(self.content) - self.at:
            raise Damaged("it is cut short")
        self.at += count
        return self.content[self.at - count:self.at]

    def number(self, form):
        """The next number of the stream, in a form of `struct`."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def line(self):
        """The text up to the end of the line."""
        end = self.content.find(b"\n", self.at, self.at + 1000)
        if end < 0:
            raise Damaged("it is cut short")
        return self.take(end + 1 - self.at)[:-1].decode()

    def push(self, value):
        self.stack.append(value)

    def mark(self):
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self):
        """What was pushed since the last mark, which is gone then."""
        values, self.stack = self.stack, self.below.pop()
        return values

# ---- instructions that are more than a line --------------------------------------------------

    def integer(self):
        self.push(int.from_bytes(self.take(self.number("B")), "little", signed=True))

    def last(self, count):
        values = tuple(self.stack[-count:])
        if len(values) < count:
            raise Damaged("a tuple is missing elements")
        self.stack[-count:] = [values]

    def extend(self, values):
        if type(self.stack[-1]) is not list:
            raise Damaged("something is appended to what is not a list")
        self.stack[-1].extend(values)

    def update(self, values):
        if type(self.stack[-1]) is not dict or len(values) % 2:
            raise Damaged("entries are set in what is not a dictionary")
        for name, value in zip(values[::2], values[1::2]):
            _put_in(self.stack[-1], name, value)

    def find(self, module, name):
        """A function or a type by its name, among those that are known."""
        if not type(module) is type(name) is str:
            raise Refused("the file asks for something that has no name")
        full = f"{module}.{name}"
        if full not in KNOWN:
            raise Refused(f"the file asks for {full:.200}, and only tensors in "
                                  "dictionaries are read (of a model, save its state_dict())")
        self.push(KNOWN[full])

    def call(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        if not callable(function) or type(arguments) is not tuple or len(arguments) > ARGUMENTS:
            raise Refused(f"the file calls a {type(function).__name__}")
        self.push(function(*arguments))

    def build(self):
        """Attributes of an OrderedDict (PyTorch keeps versions there) are passed over."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise Refused("the file sets the state of something")

    def persistent(self):
        """('storage', type, key, where it was, count), and a view of it in very old files."""
        reference = self.stack.pop()
        if type(reference) is not tuple or len(reference) not in (5, 6) or any(
                type(part) is not str for part in (reference[0], reference[2])):
            raise Damaged("its reference to a storage makes no sense")
        kind, storage_type, key, _, count, *view = reference
        if kind != "storage" or not isinstance(storage_type, StorageType) or (
                type(count) is not int or count < 0 or view not in ([], [None])):
            raise Damaged(f"its reference to the storage {key:.40} makes no sense")
        storage = Storage(key, storage_type.code, count)
        if self.storages.setdefault(key, storage) != storage:
            raise Damaged(f"it says two things of the storage {key:.40}")
        self.push(storage)

    def named_by_stack(self):
        name, module = self.stack.pop(), self.stack.pop()
        self.find(module, name)


def _put_in(dictionary, name, value):
    """Only plain keys: of nested tuples the hash alone might take for ever."""
    if type(name) not in (str, int):
        raise Damaged(f"an entry is named by a {type(name).__name__}")
    dictionary[name] = value


INSTRUCTIONS = {
    b"\x80": lambda m: m.take(1),                                  # the protocol
    b"\x95": lambda m: m.take(8),                                  # the length of a frame
    b"(": _Machine.mark,
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"J": lambda m: m.push(m.number("<i")),
    b"K": lambda m: m.push(m.number("<B")),
    b"M": lambda m: m.push(m.number("<H")),
    b"\x8a": _Machine.integer,
    b"G": lambda m: m.push(m.number(">d")),
    b"X": lambda m: m.push(m.take(m.number("<I")).decode()),
    b"\x8c": lambda m: m.push(m.take(m.number("<B")).decode()),
    b"\x8d": lambda m: m.push(m.take(m.number("<Q")).decode()),
    b"T": lambda m: m.push(m.take(m.number("<i")).decode("latin-1")),  # the text of Python 2
    b"U": lambda m: m.push(m.take(m.number("<B")).decode("latin-1")),
    b"}": lambda m: m.push({}),
    b"]": lambda m: m.push([]),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.since_mark())),
    b"\x85": lambda m: m.last(1),
    b"\x86": lambda m: m.last(2),
    b"\x87": lambda m: m.last(3),
    b"a": lambda m: m.extend([m.stack.pop()]),
    b"e": lambda m: m.extend(m.since_mark()),
    b"s": lambda m: m.update([m.stack.pop(), m.stack.pop()][::-1]),
    b"u": lambda m: m.update(m.since_mark()),
    b"q": lambda m: m.memo.__setitem__(m.number("<B"), m.stack[-1]),
    b"r": lambda m: m.memo.__setitem__(m.number("<I"), m.stack[-1]),
    b"\x94": lambda m: m.memo.__setitem__(len(m.memo), m.stack[-1]),
    b"h": lambda m: m.push(m.memo[m.number("<B")]),
    b"j": lambda m: m.push(m.memo[m.number("<I")]),
    b"c": lambda m: m.find(m.line(), m.line()),
    b"\x93": _Machine.named_by_stack,
    b"R": _Machine.call,
    b"b": _Machine.build,
    b"Q": _Machine.persistent,
}
