"""Merges runs into one stream of entries in key order; memory is one block for each run.

Entries of one key come by run, then in the order they have there. In each round the parts of all
blocks that lie before the least of their last keys are sorted together: sorting parts that are
sorted is merging them, and it is done by the engine."""

from functools import reduce
from itertools import chain, groupby
from operator import itemgetter

from .._job.failure import raised_by
from .._values.values import decode_value, encode_value

_key = itemgetter(0)
_value = itemgetter(1)
_SHORT_BYTES = 3


class _Cursor:
    """The block of a run that is at hand, from `at` on."""

    def __init__(self, run):
        self._blocks = run.blocks()
        self.block = ()
        self.at = 0

    def fill(self):
        """Whether there is an entry: of this block, or of the next."""
        while self.at == len(self.block):
            self.block = next(self._blocks, None)
            self.at = 0
            if self.block is None:
                self.block = ()
                return False
        return True

    def take(self, end):
        """The entries up to index `end` of the block."""
        taken = self.block[self.at : end]
        self.at = end
        return taken

    def before(self, bound, descending):
        """Index of the first entry whose key is not before `bound`."""
        low, high = self.at, len(self.block)
        while low < high:
            middle = (low + high) // 2
            key = self.block[middle][0]
            if key > bound if descending else key < bound:
                low = middle + 1
            else:
                high = middle
        return low


def merged(runs, descending):
    """All entries of these open runs, in the order of their keys: lists of (key, value) bytes."""
    cursors = [_Cursor(run) for run in runs]
    while True:
        cursors = [cursor for cursor in cursors if cursor.fill()]
        if not cursors:
            return
        if len(cursors) == 1:
            yield cursors[0].take(len(cursors[0].block))
            continue
        lasts = [cursor.block[-1][0] for cursor in cursors]
        bound = max(lasts) if descending else min(lasts)
        batch = []
        for cursor in cursors:
            batch += cursor.take(cursor.before(bound, descending))
        if batch:
            batch.sort(key=_key, reverse=descending)
            yield batch
        else:
            yield from _all_of(bound, cursors)


def _all_of(key, cursors):
    """The entries of the least key, run by run, over as many blocks as they have."""
    for cursor in cursors:
        while cursor.fill() and cursor.block[cursor.at][0] == key:
            end = cursor.at
            while end < len(cursor.block) and cursor.block[end][0] == key:
                end += 1
            yield cursor.take(end)


class Decoder:
    """Values of entries; those of few bytes are decoded once, but for empty lists and dicts, which
    job code may change."""

    def __init__(self):
        self.short = {}

    def __call__(self, entry):
        data = entry[1]
        if len(data) > _SHORT_BYTES:
            return decode_value(data)
        value = self.short.get(data, self)
        if value is self:
            value = decode_value(data)
            if type(value) not in (list, dict):
                self.short[data] = value
        return value


def groups_of(batches):
    """(key bytes, entries of the key), each to be read before the next is asked for."""
    return groupby(chain.from_iterable(batches), key=_key)


def folded(batches, combine):
    """(key bytes, value): all values of each key folded by `combine`."""
    decoded = Decoder()
    short = decoded.short.get
    key = held = None
    for batch in batches:
        for entry in batch:
            value = short(entry[1])
            if value is None:
                value = decoded(entry)
            if entry[0] == key:
                try:
                    held = combine(held, value)
                except BaseException as error:
                    raise raised_by("combine", error, "")
                continue
            if key is not None:
                yield key, held
            key, held = entry[0], value
    if key is not None:
        yield key, held


def fold(combine, values):
    """The one value that `combine` makes of all, which are at least one."""
    try:
        return reduce(combine, values)
    except BaseException as error:
        raise raised_by("combine", error, "")


def merge_into_run(batches, combine, writer):
    """Writes the merged entries to one run; with `combine`, one entry for each key."""
    if combine is None:
        for key, entries in groups_of(batches):
            writer.values(key, map(_value, entries))
    else:
        pairs = folded(batches, combine)
        writer.pairs((key, encode_value(value, "combine")) for key, value in pairs)
