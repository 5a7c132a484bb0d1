"""Keys to bytes and back, such that comparing the bytes compares the keys: None < False < True <
numbers by value < str by UTF-8 < lists by element. The layout is that of docs/protocols/block.md.

Whole numbers that no double can hold are exact, too: the double below, then the tag `60` and what
is missing. They sort behind that double and before the next one. TypeScript jobs have none."""

import math
import struct

from .errors import TaskError, damaged
from .refusal import short
from .text import decode_text, encode_text

KEY_MAX_BYTES = 1024 * 1024
DEPTH_MAX = 200
_EXACT = 1 << 53
_LARGEST = int(1.7976931348623157e308)
_double = struct.Struct(">d")
_whole = struct.Struct(">Q")
_SIGN = 1 << 63
_ALL = (1 << 64) - 1


def encode_key(key, where):
    """The key's bytes. What is no key is a `user-error`; `where` says who emitted it."""
    if type(key) is str:
        data = b"\x40" + encode_text(key)
    else:
        data = _element(key, where, 0, True)
    if len(data) > KEY_MAX_BYTES:
        text = f"a key of {len(data)} bytes in {where}; keys may have {KEY_MAX_BYTES}"
        raise TaskError("user-error", f"{text}: emit a hash of it")
    return data


def _element(key, where, depth, is_whole=False):
    if key is None:
        return b"\x10"
    if isinstance(key, bool):
        return b"\x21" if key else b"\x20"
    if isinstance(key, str):
        data = encode_text(key)
        if is_whole:
            return b"\x40" + data
        return b"\x40" + data.replace(b"\0", b"\0\xff") + b"\0\x01"
    if isinstance(key, int):
        return _integer(int(key))
    if isinstance(key, float):
        return _float(float(key), where)
    if isinstance(key, (list, tuple)):
        if depth == DEPTH_MAX:
            raise _refused(f"a list {DEPTH_MAX} levels deep", where)
        return b"\x50" + b"".join([_element(one, where, depth + 1) for one in key]) + b"\0"
    iso = getattr(key, "isoformat", None)
    if iso is not None and type(key).__module__ == "datetime":
        return _element(iso(), where, depth, is_whole)
    raise _refused(f"{short(key)} ({type(key).__name__})", where)


def _refused(what, where):
    keys = "keys are str, int, float, bool, None, dates, or lists and tuples of these"
    return TaskError("user-error", f"{what} is a key in {where}; {keys}")


def _float(value, where):
    if value != value:
        raise _refused("NaN", where)
    return b"\x30" + _ordered(value)


def _ordered(value):
    """Eight bytes that sort as the doubles do; −0 is 0."""
    bits = _whole.unpack(_double.pack(value if value else 0.0))[0]
    return _whole.pack(~bits & _ALL if bits & _SIGN else bits ^ _SIGN)


def _integer(value):
    if -_EXACT <= value <= _EXACT:
        return b"\x30" + _ordered(float(value))
    if value < -_LARGEST:
        rest = -_LARGEST - value
        data = rest.to_bytes((rest.bit_length() + 7) // 8, "big")
        inverted = bytes(255 - byte for byte in _length(len(data)) + data)
        return b"\x30" + _ordered(-math.inf) + b"\x60" + inverted
    below = _double_below(value)
    rest = value - int(below)
    if rest == 0:
        return b"\x30" + _ordered(below)
    data = rest.to_bytes((rest.bit_length() + 7) // 8, "big")
    return b"\x30" + _ordered(below) + b"\x60" + _length(len(data)) + data


def _double_below(value):
    """The greatest finite double that is at most `value`."""
    if value >= _LARGEST:
        return float(_LARGEST)
    near = float(value)
    return near if int(near) <= value else math.nextafter(near, -math.inf)


def _length(count):
    return bytes((count,)) if count < 255 else b"\xff" + count.to_bytes(4, "big")


def decode_key(data):
    """The key whose bytes these are, all of them. Tuples come back as lists; a double that is
    whole as an int."""
    if data[:1] == b"\x40":
        return decode_text(data[1:])
    key, at = _read(data, 0, 0)
    if at != len(data):
        raise damaged("bytes follow a key")
    return key


def _read(data, at, depth):
    tag = data[at : at + 1]
    if tag == b"\x30":
        return _read_number(data, at + 1)
    if tag == b"\x40":
        return _read_string(data, at + 1)
    if tag == b"\x50":
        if depth == DEPTH_MAX:
            raise damaged("a key is too deep")
        elements = []
        at += 1
        while data[at : at + 1] != b"\0":
            element, at = _read(data, at, depth + 1)
            elements.append(element)
        return elements, at + 1
    simple = {b"\x10": None, b"\x20": False, b"\x21": True}
    if tag not in simple:
        raise damaged(f"a key has tag {tag.hex()}")
    return simple[tag], at + 1


def _read_number(data, at):
    if len(data) < at + 8:
        raise damaged("ends too early")
    bits = _whole.unpack_from(data, at)[0]
    bits = bits ^ _SIGN if bits & _SIGN else ~bits & _ALL
    value = _double.unpack(_whole.pack(bits))[0]
    at += 8
    if data[at : at + 1] != b"\x60":
        return (int(value) if value.is_integer() else value), at
    inverted = value < 0 and math.isinf(value)
    rest, at = _read_rest(data, at + 1, 255 if inverted else 0)
    return (-_LARGEST - rest if inverted else int(value) + rest), at


def _read_rest(data, at, mask):
    first = bytes(byte ^ mask for byte in data[at : at + 5])
    if not first:
        raise damaged("ends too early")
    count, at = (first[0], at + 1) if first[0] < 255 else (int.from_bytes(first[1:], "big"), at + 5)
    rest = data[at : at + count]
    if len(rest) != count:
        raise damaged("ends too early")
    return int.from_bytes(bytes(byte ^ mask for byte in rest), "big"), at + count


def _read_string(data, at):
    parts = []
    while True:
        end = data.find(b"\0", at)
        following = data[end + 1 : end + 2]
        if end == -1 or following not in (b"\x01", b"\xff"):
            raise damaged("a string in a key is malformed")
        parts.append(data[at:end])
        at = end + 2
        if following == b"\x01":
            return decode_text(b"\0".join(parts)), at
