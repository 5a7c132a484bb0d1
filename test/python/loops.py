"""Loops of the task process that are written for speed, against the plain ones they replace."""

import io
import sys
from random import Random

sys.path.insert(0, sys.argv[1])

from tequio._job import chance  # noqa: E402
from tequio._values.partition import parts_of  # noqa: E402
from tequio._values.values import encode_value, encode_values  # noqa: E402
from tequio._worker.merge import folded  # noqa: E402
from tequio._worker.run_file import RunWriter  # noqa: E402

own = Random(int(sys.argv[2]))


class Sink(io.BytesIO):
    """What a run is written to."""


def written(fill):
    sink = Sink()
    run = RunWriter(sink)
    fill(run)
    run.finish()
    return sink.getvalue(), run.entries


def bytes_of(most):
    return own.randbytes(own.randrange(most))


def by_columns(run, keys, values):
    at = 0
    while at < len(keys):
        stop = at + own.randrange(1, 5_000)
        run.columns(keys[at:stop], values[at:stop])
        at = stop


for most, count in ((12, 30_000), (127, 8_000), (200, 4_000), (3, 1)):
    keys = [bytes_of(most) for _ in range(count)]
    values = [bytes_of(most) for _ in range(count)]
    plain = written(lambda run: run.pairs(zip(keys, values)))
    assert written(lambda run: by_columns(run, keys, values)) == plain, most
assert written(lambda run: run.columns([], [])) == (b"", 0)

for count in (1, 2, 3, 16, 17, 300):
    places = [own.randrange(count) for _ in range(1_000)]
    expected = [([], []) for _ in range(count)]
    for index, place in enumerate(places):
        expected[place][0].append(index)
        expected[place][1].append(str(index))
    found = parts_of(places, list(range(1_000)), list(map(str, range(1_000))), count)
    assert list(found) == expected, count

mixed = [0, False, 1, True, 1.0, None, "", [], 2**70, -64, 8192, b"x"]
assert encode_values(mixed, "a test") == [encode_value(one, "a test") for one in mixed]

# `combine` may change what it is given first.
lists = [(key, encode_value(one, "a test")) for key in (b"a", b"b") for one in ([], [1])]


def extended(held, value):
    held += value
    return held


assert list(folded([lists[:1], lists[1:]], extended)) == [(b"a", [1]), (b"b", [1])]

# The numbers of a task are the same whether `random` was imported before it or in it.
chance.install()
assert "random" not in sys.modules, "nothing has asked for it"
chance.begin_task(7, "run", 1)
import random  # noqa: E402

seeded = Random("7\nrun\n1")
drawn = [random.random(), seeded.random()]
assert drawn[0] == drawn[1], drawn
random.random()
chance.begin_task(7, "run", 1)
assert random.random() == drawn[0], "it is seeded from now on"
assert random.__spec__.origin.endswith("random.py")
