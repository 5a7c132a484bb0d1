"""Encodings of Python, checked with themselves and written out for comparison with TypeScript's."""

import json
import math
import random
import struct
import sys

sys.path.insert(0, sys.argv[1])
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)

from tequio._judge.judge import key_copy, order_of  # noqa: E402
from tequio._values.json_text import json_text  # noqa: E402
from tequio._values.keys import decode_key, encode_key  # noqa: E402
from tequio._values.partition import partitions_of  # noqa: E402
from tequio._values.values import decode_value, encode_value  # noqa: E402

random.seed(sys.argv[2])


def number():
    kind = random.randrange(6)
    if kind == 0:
        return random.randrange(-5, 6)
    if kind == 1:
        return random.randrange(-(2**53) - 9, 2**53 + 9)
    if kind == 2:
        near = random.choice((2**53, 2**60, 2**64, 2**100, 2**1023, 2**1024, 2**1100))
        return random.choice((1, -1)) * (near + random.randrange(-3, 4))
    if kind == 3:
        return random.choice((0.0, -0.0, 0.5, -1.5, 1e300, 5e-324, math.inf, -math.inf))
    bits = random.getrandbits(64)
    value = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return 1 if math.isnan(value) else value


def text():
    letters = "ab\0\x01\x7f\x80éß日\uffff𝄞\ud800\udfff"
    return "".join(random.choices(letters, k=random.randrange(4)))


def key(depth=0):
    kind = random.randrange(8 if depth < 3 else 6)
    if kind < 2:
        return number()
    if kind < 5:
        return text()
    if kind == 5:
        return random.choice((None, True, False))
    return [key(depth + 1) for _ in range(random.randrange(3))]


def value(depth=0):
    kind = random.randrange(8 if depth < 3 else 6)
    if kind < 3:
        return number()
    if kind == 3:
        return text()
    if kind == 4:
        return random.choice((None, True, False))
    if kind == 5:
        return random.randbytes(random.randrange(200))
    if kind == 6:
        return [value(depth + 1) for _ in range(random.randrange(4))]
    return {text(): value(depth + 1) for _ in range(random.randrange(4))}


def same(a, b):
    """Equal, and of equal types, at every depth; −0 is not 0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    return a == b and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b))


def joined(one):
    """Halves of characters that have met are that character."""
    if isinstance(one, str):
        return one.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(one, list):
        return [joined(part) for part in one]
    if isinstance(one, dict):
        return {joined(name): joined(part) for name, part in one.items()}
    return one


keys = [key() for _ in range(4000)]
encoded = [encode_key(one, "a test") for one in keys]
by_bytes = sorted(range(len(keys)), key=lambda at: encoded[at])
by_value = sorted(range(len(keys)), key=lambda at: order_of(joined(keys[at])))
assert [encoded[at] for at in by_bytes] == [encoded[at] for at in by_value], "order of keys"
for one, data in zip(keys, encoded):
    back = decode_key(data)
    assert order_of(back) == order_of(joined(one)), (one, back)
    assert same(back, joined(key_copy(one, "a test"))), (one, back)
    assert encode_key(back, "a test") == data, one
for _ in range(4000):
    one = value()
    back = decode_value(encode_value(one, "a test"))
    assert same(back, joined(one)), (one, back)
floats = [one for one in (number() for _ in range(4000)) if isinstance(one, float)]
for one in filter(math.isfinite, floats):
    said = json_text(one, "a test")
    assert same(json.loads(said), one), (one, said)

# What TypeScript can encode, too: keys that are doubles, strings and lists of these.
plain = [one for one, data in zip(keys, encoded) if b"\x60" not in data and "inf" not in repr(one)]
plain = [one for one in plain if not isinstance(one, int) or abs(one) < 2**53]
places = partitions_of([encode_key(one, "a test") for one in plain], 7)
for one, place in zip(plain, places):
    print(json.dumps([joined(one), encode_key(one, "a test").hex(), place]))
