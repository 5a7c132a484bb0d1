"""Reads a WebAssembly module: as much of the format as the kit of mathematics has."""

import struct
from typing import Any, Dict, List, NamedTuple, Tuple

_MAGIC = b"\0asm\1\0\0\0"
_F64 = struct.Struct("<d")
_TYPES, _FUNCTIONS, _GLOBALS, _EXPORTS, _CODE, _DATA = 1, 3, 6, 7, 10, 11
_PAGE_BYTES = 65536


class Function(NamedTuple):
    """`locals`: how many there are, the parameters first; `start`, `end`: of its instructions."""

    parameters: int
    results: int
    locals: Tuple[str, ...]
    start: int
    end: int


class Module(NamedTuple):
    """`code` are the bytes of the module, which functions lie in."""

    code: bytes
    functions: List[Function]
    globals: List[Any]
    exports: Dict[str, int]
    memory: bytes


class Reader:
    """Numbers and instructions from bytes."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def byte(self) -> int:
        """The next byte."""
        self.at += 1
        return self.data[self.at - 1]

    def unsigned(self) -> int:
        """LEB128."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def signed(self) -> int:
        """LEB128 with a sign."""
        start = self.at
        value = self.unsigned()
        bits = 7 * (self.at - start)
        return value - (1 << bits) if value >> (bits - 1) & 1 else value

    def double(self) -> float:
        """Eight bytes."""
        self.at += 8
        return float(_F64.unpack_from(self.data, self.at - 8)[0])

    def many(self) -> range:
        """A count, to go through."""
        return range(self.unsigned())

    def bytes(self) -> bytes:
        """A count and so many bytes."""
        size = self.unsigned()
        self.at += size
        return self.data[self.at - size : self.at]

    def constant(self) -> Any:
        """A constant and its end."""
        kind = self.byte()
        value = self.double() if kind == 0x44 else self.signed()
        if kind not in (0x41, 0x42, 0x44) or self.byte() != 0x0B:
            raise ValueError(f"a constant of kind {kind:#x}")
        return value


_NAMES = {0x7F: "i32", 0x7E: "i64", 0x7C: "f64"}


def read_module(data: bytes) -> Module:
    """Errors: ValueError for what this does not read."""
    if data[:8] != _MAGIC:
        raise ValueError("this is no WebAssembly module")
    sections: Dict[int, Reader] = {}
    reader = Reader(data, 8)
    while reader.at < len(data):
        kind, size = reader.byte(), reader.unsigned()
        sections[kind] = Reader(data, reader.at)
        reader.at += size
    types = [_signature(sections[_TYPES]) for _ in sections[_TYPES].many()]
    signatures = [types[sections[_FUNCTIONS].unsigned()] for _ in sections[_FUNCTIONS].many()]
    code = sections[_CODE]
    functions = [_function(code, signatures[number]) for number in code.many()]
    return Module(
        data,
        functions,
        [_global(sections[_GLOBALS]) for _ in sections[_GLOBALS].many()],
        _exports(sections[_EXPORTS]),
        _memory(sections[_DATA]),
    )


def _signature(reader: Reader) -> Tuple[Tuple[str, ...], int]:
    if reader.byte() != 0x60:
        raise ValueError("a type that is no function's")
    parameters = tuple(_NAMES[reader.byte()] for _ in reader.many())
    return parameters, len([reader.byte() for _ in reader.many()])


def _function(reader: Reader, signature: Tuple[Tuple[str, ...], int]) -> Function:
    size = reader.unsigned()
    end = reader.at + size
    kinds = list(signature[0])
    for _ in reader.many():
        count, kind = reader.unsigned(), _NAMES[reader.byte()]
        kinds += [kind] * count
    start, reader.at = reader.at, end
    return Function(len(signature[0]), signature[1], tuple(kinds), start, end)


def _global(reader: Reader) -> Any:
    reader.at += 2
    return reader.constant()


def _exports(reader: Reader) -> Dict[str, int]:
    found = {}
    for _ in reader.many():
        name, kind, index = reader.bytes().decode(), reader.byte(), reader.unsigned()
        if kind == 0:
            found[name] = index
    return found


def _memory(reader: Reader) -> bytes:
    memory = bytearray(_PAGE_BYTES)
    for _ in reader.many():
        if reader.unsigned() != 0:
            raise ValueError("data that does not lie in memory from the start")
        at, data = reader.constant(), reader.bytes()
        memory[at : at + len(data)] = data
    return bytes(memory)
