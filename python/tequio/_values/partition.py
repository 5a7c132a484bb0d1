"""Which partition a key goes to when the job does not decide: FNV-1a over the key's bytes, mixed by
the finalizer of MurmurHash3, as on every worker. Never `hash()`, which differs between processes.

Keys are hashed many at a time, as the 64-bit lanes of one large int: keys of equal length together,
one step for each of their bytes."""

from itertools import compress, repeat
from operator import mod

from .errors import TaskError

_LANES = 4096
# So many partitions are chosen one after the other, each with a loop of the engine.
_FEW = 16


def partitions_of(keys, count):
    """The partition, 0 … count − 1, of each of these encoded keys, in their order."""
    if count == 1:
        return bytes(len(keys))
    by_length = {}
    for index, key in enumerate(keys):
        by_length.setdefault(len(key), []).append(index)
    found = [0] * len(keys)
    for length, indexes in by_length.items():
        for start in range(0, len(indexes), _LANES):
            some = indexes[start : start + _LANES]
            hashes = _hashes([keys[index] for index in some], length)
            for index, place in zip(some, map(mod, hashes, repeat(count))):
                found[index] = place
    return found


def parts_of(places, keys, held, count):
    """(keys, what they have) of each partition, in their order."""
    if count == 1:
        return [(keys, held)]
    if count <= _FEW:
        places = bytes(places)
        masks = (places.translate(bytes(n) + b"\1" + bytes(255 - n)) for n in range(count))
        return ((list(compress(keys, mask)), list(compress(held, mask))) for mask in masks)
    parts = [([], []) for _ in range(count)]
    for place, key, one in zip(places, keys, held):
        parts[place][0].append(key)
        parts[place][1].append(one)
    return parts


def checked_partition(answer, count):
    """What the job's own `partition` returned, when it is one."""
    if type(answer) is int and 0 <= answer < count:
        return answer
    text = f"partition returned {answer!r}; it must return an int from 0 to {count - 1}"
    raise TaskError("user-error", text)


def _hashes(keys, length):
    lanes = len(keys)
    joined = b"".join(keys)
    ones = int.from_bytes(b"\1\0\0\0\0\0\0\0" * lanes, "little")
    low = ones * 0xFFFF_FFFF
    value = ones * 0x811C_9DC5
    column = bytearray(8 * lanes)
    for at in range(length):
        column[::8] = joined[at::length]
        value = ((value ^ int.from_bytes(column, "little")) * 0x0100_0193) & low
    value = ((value ^ _shifted(value, 16, ones)) * 0x85EB_CA6B) & low
    value = ((value ^ _shifted(value, 13, ones)) * 0xC2B2_AE35) & low
    value ^= _shifted(value, 16, ones)
    return memoryview(value.to_bytes(8 * lanes, "little")).cast("Q")


def _shifted(value, bits, ones):
    """Each lane shifted to the right, without what falls into it from the next."""
    return (value >> bits) & (ones * (0xFFFF_FFFF >> bits))
