"""Values to bytes and back: the layout of docs/protocols/block.md, and whole numbers of any size.

A float stays a float and an int an int. Tuples come back as lists, bytearrays as bytes, dates as
their ISO text."""

import struct
from datetime import date, time

from .errors import TaskError, damaged
from .refusal import DEPTH_MAX, refusal
from .text import decode_text, encode_text
from .varint import read_varint, varint

VALUE_MAX_BYTES = 256 * 1024 * 1024
_SMALL = 1 << 48
_double = struct.Struct("<d")
_NAN = b"\x05" + bytes.fromhex("000000000000f87f")


def _integer(value):
    if -_SMALL < value < _SMALL:
        return b"\x04" + varint(2 * value if value >= 0 else -2 * value - 1)
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x0a" + varint(len(data)) + data


_SMALL_INTS = {n: _integer(n) for n in range(-64, 8192)}


def encode_value(value, where):
    """The value's bytes. What is no value is a `user-error`; `where` says who made it."""
    if type(value) is int:
        return _SMALL_INTS.get(value) or _integer(value)
    data = _encode(value, 0)
    if data is None:
        raise refusal(value, where, False)
    if len(data) > VALUE_MAX_BYTES:
        text = f"a value of {len(data)} bytes in {where}; values may have {VALUE_MAX_BYTES}"
        raise TaskError("user-error", f"{text}: emit it in parts")
    return data


def encode_values(values, where):
    """The bytes of each, as a list."""
    small = _SMALL_INTS.get
    return [(type(one) is int and small(one)) or encode_value(one, where) for one in values]


def _encode(value, depth):
    """None when something in the value is refused."""
    if type(value) is int:
        return _SMALL_INTS.get(value) or _integer(value)
    if isinstance(value, str):
        data = encode_text(value)
        return b"\x06" + varint(len(data)) + data
    if value is None:
        return b"\x01"
    if value is True or value is False:
        return b"\x03" if value else b"\x02"
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        return b"\x05" + _double.pack(value) if value == value else _NAN
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b"\x07" + varint(memoryview(value).nbytes) + bytes(value)
    if depth > DEPTH_MAX:
        return None
    if isinstance(value, (list, tuple)):
        parts = [_encode(one, depth + 1) for one in value]
        return None if None in parts else b"\x08" + varint(len(parts)) + b"".join(parts)
    if isinstance(value, dict):
        return _encode_dict(value, depth)
    return _encode(value.isoformat(), depth) if isinstance(value, (date, time)) else None


def _encode_dict(value, depth):
    parts = [b"\x09", varint(len(value))]
    for name, item in value.items():
        if not isinstance(name, str):
            return None
        data = encode_text(name)
        inner = _encode(item, depth + 1)
        if inner is None:
            return None
        parts += (varint(len(data)), data, inner)
    return b"".join(parts)


def decode_value(data):
    """The value whose bytes these are, all of them."""
    if len(data) == 2 and data[0] == 4:
        byte = data[1]
        if byte < 128:
            return (byte >> 1) ^ -(byte & 1)
    value, at = _decode(data, 0, 0)
    if at != len(data):
        raise damaged("bytes follow a value")
    return value


_SIMPLE = {0: None, 1: None, 2: False, 3: True}


def _decode(data, at, depth):
    if at >= len(data):
        raise damaged("ends too early")
    tag = data[at]
    at += 1
    if tag == 4:
        zigzag, at = read_varint(data, at)
        return (zigzag >> 1) ^ -(zigzag & 1), at
    if tag in _SIMPLE:
        return _SIMPLE[tag], at
    if tag == 5:
        return _double.unpack(_take(data, at, 8))[0], at + 8
    if tag in (6, 7, 10):
        size, at = read_varint(data, at)
        part = _take(data, at, size)
        if tag == 6:
            return decode_text(part), at + size
        return (part if tag == 7 else int.from_bytes(part, "little", signed=True)), at + size
    if tag not in (8, 9):
        raise damaged(f"a value has tag {tag}")
    if depth > DEPTH_MAX:
        raise damaged("a value is too deep")
    count, at = read_varint(data, at)
    if count > len(data) - at:
        raise damaged("a list or dict is longer than its bytes")
    if tag == 8:
        return _decode_list(data, at, count, depth + 1)
    members = {}
    for _ in range(count):
        size, at = read_varint(data, at)
        name = decode_text(_take(data, at, size))
        members[name], at = _decode(data, at + size, depth + 1)
    return members, at


def _decode_list(data, at, count, depth):
    elements = []
    end = len(data)
    for _ in range(count):
        # Small ints and short texts, which most elements are, without a call.
        if at + 1 < end and data[at + 1] < 128:
            tag, byte = data[at], data[at + 1]
            if tag == 4:
                elements.append((byte >> 1) ^ -(byte & 1))
                at += 2
                continue
            if tag == 6 and at + 2 + byte <= end:
                elements.append(decode_text(data[at + 2 : at + 2 + byte]))
                at += 2 + byte
                continue
        element, at = _decode(data, at, depth)
        elements.append(element)
    return elements, at


def _take(data, at, size):
    part = data[at : at + size]
    if len(part) != size:
        raise damaged("ends too early")
    return part


_IMMUTABLE = frozenset((str, int, float, bool, bytes, type(None)))


def owned(value, where):
    """A copy that no later change of the caller's can reach; what is no value is refused."""
    if type(value) in _IMMUTABLE:
        return value
    return decode_value(encode_value(value, where))
