"""Unsigned LEB128: the numbers of the block format."""

from .errors import damaged

_ONE = [bytes((n,)) for n in range(128)]
_TWO = [bytes((n & 127 | 128, n >> 7)) for n in range(16384)]


def varint(value):
    """The bytes of a whole number from 0 below 2^53."""
    if value < 128:
        return _ONE[value]
    if value < 16384:
        return _TWO[value]
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data, at):
    """The number at `at` of `data`, and where the next byte lies. Damage when there is none."""
    try:
        byte = data[at]
        if byte < 128:
            return byte, at + 1
        value = byte & 127
        shift = 7
        while True:
            at += 1
            byte = data[at]
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift > 49:
                raise damaged("a number is too long")
    except IndexError:
        raise damaged("ends too early") from None
    if byte == 0 or value >= 1 << 53:
        raise damaged("a number is malformed")
    return value, at + 1
