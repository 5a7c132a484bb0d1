"""Collects what one map task emits: combined in place or kept, sorted, cut into partitions, spilled
when large.

How much it holds is counted from keys and values alone, never from the process's memory, so the
same input with the same bound gives the same bytes on every worker and every run."""

from collections import _count_elements
from itertools import islice
from operator import add

from .._job.failure import raised_by
from .._job.found import combined
from .._values.errors import TaskError
from .._values.keys import decode_key, encode_key
from .._values.partition import checked_partition, partitions_of, parts_of
from .._values.refusal import DEPTH_MAX, short
from .._values.values import decode_value, encode_value, encode_values, owned
from .dict_keys import hashable, plain_key
from .merge import merge_into_run, merged
from .run_file import PartitionFile, RunReader, encode_manifest, remove

_KEY_COST_BYTES = 128
_LIST_COST_BYTES = 64
_ENTRY_COST_BYTES = 48
_SPILLS_MAX = 64
_LONG_KEY_CHARACTERS = 256 * 1024
# New keys of one call that are looked at one by one.
_FEW = 8
_WRITTEN_AT_ONCE = 4096
_NUMBERS = frozenset((int, float, bool, type(None)))


def _one_by_one(emit):
    def each(keys, value=1):
        for key in keys:
            emit(key, value)

    return each


class Table:
    """What both kinds of tables do: the parts of `options` are partition_count, spill_bytes,
    partition, descending, path (of the output file; spills lie beside it)."""

    def __init__(self, options, combine):
        self._options = options
        self._combine = combine
        self._spill_bytes = options["spill_bytes"]
        self._pairs = {}
        self._size = 0
        self._spills = []
        self._made = 0
        self._broken = None

    def finish(self):
        """Writes the output file; its partitions as (size in bytes, entries, SHA-256)."""
        if self._broken is not None:
            raise self._broken
        path = self._options["path"]
        if not self._spills:
            return self._write(path)
        if self._pairs:
            self._spill()
        return self._merge(path)

    def close(self):
        """Removes the spills."""
        for path, _ in self._spills:
            remove(path)
        self._spills = []

    def _spill(self):
        """Job code may swallow what this raises; `finish` raises it again."""
        try:
            self._made += 1
            path = f"{self._options['path']}.spill-{self._made}"
            self._spills.append((path, self._write(path)))
            self._pairs.clear()
            self._size = 0
            if len(self._spills) >= _SPILLS_MAX:
                self._made += 1
                path = f"{self._options['path']}.spill-{self._made}"
                self._spills = [(path, self._merge(path))]
        except BaseException as error:
            self._broken = error
            raise

    def _write(self, path):
        """Sorts what is held and writes it as one file of partitions."""
        keys, pairs = self._sorted()
        count = self._options["partition_count"]
        partition = self._options["partition"]
        if partition is None:
            places = partitions_of(keys, count)
        else:
            places = [_chosen(partition, key, count) for key in keys]
        file = PartitionFile(path)
        try:
            for part in parts_of(places, keys, pairs, count):
                file.partition(lambda run: self._fill(run, *part))
            file.finish()
        except BaseException:
            file.discard()
            raise
        return file.partitions

    def _sorted(self):
        """Keys as bytes in their order, and what each has."""
        pairs = self._pairs
        descending = self._options["descending"]
        if set(map(type, pairs)) == {str}:
            try:
                # The order of characters is that of their UTF-8.
                keys = sorted(pairs, reverse=descending)
                return [b"\x40" + key.encode() for key in keys], [pairs[key] for key in keys]
            except UnicodeEncodeError:
                pass
        by_bytes = {}
        for key, held in pairs.items():
            data = key if type(key) is bytes else encode_key(key, "map")
            before = by_bytes.get(data, self)
            # Only texts with half characters can have the same bytes and differ.
            by_bytes[data] = held if before is self else self._joined(before, held)
        keys = sorted(by_bytes, reverse=descending)
        return keys, [by_bytes[key] for key in keys]

    def _joined(self, before, held):
        raise NotImplementedError

    def _fill(self, run, keys, held):
        raise NotImplementedError

    def _merge(self, path):
        """Merges the spills into one file, and removes them."""
        merged_spills = self._spills
        descending = self._options["descending"]
        file = PartitionFile(path)
        places = [0] * len(merged_spills)
        try:
            for number in range(self._options["partition_count"]):
                runs = []
                for at, (spill, partitions) in enumerate(merged_spills):
                    size = partitions[number][0]
                    if size > 0:
                        runs.append(
                            RunReader({"path": spill, "offset": places[at], "sizeBytes": size})
                        )
                    places[at] += size
                batches = merged(runs, descending)
                file.partition(lambda run: merge_into_run(batches, self._combine, run))
                for run in runs:
                    run.close()
            file.finish()
        except BaseException:
            file.discard()
            raise
        for spill, _ in merged_spills:
            remove(spill)
        self._spills = []
        return file.partitions

    def _count_key(self, key, cost):
        length = len(key) if type(key) in (str, bytes) else 8
        if length > _LONG_KEY_CHARACTERS and type(key) is str:
            encode_key(key, "map")
        self._size += cost + length


class CombiningTable(Table):
    """One value for each key. `emit` is a function with all that it needs at hand: it is called for
    every pair there is."""

    def __init__(self, options, combine):
        super().__init__(options, combine)
        self._has_only_texts = True
        one = self._emit()
        self.emit = self._emit_sums(one) if combine is add else one
        self.emit.each = self._each(self.emit) if combine is add else _one_by_one(one)

    def _emit(self):
        pairs, combine, get = self._pairs, self._combine, self._pairs.get
        absent = object()

        def emit(key, value):
            if type(key) is not str and type(key) is not int:
                key = plain_key(key)
            if type(value) not in _NUMBERS:
                value = owned(value, "map")
                self._size += size_of(value)
                if self._size > self._spill_bytes:
                    self._spill_if_full()
            held = get(key, absent)
            if held is absent:
                pairs[key] = value
                self._add_key(key)
                return
            try:
                pairs[key] = combine(held, value)
            except BaseException as error:
                raise raised_by("combine", error, "")

        return emit

    def _emit_sums(self, other):
        """Adding an int to what a str has, as most jobs do, without a call."""
        pairs = self._pairs

        def emit(key, value):
            if type(value) is int and type(key) is str:
                try:
                    pairs[key] += value
                    return
                except KeyError:
                    pass
                except TypeError as error:
                    raise raised_by("combine", error, "")
            other(key, value)

        return emit

    def _each(self, emit):
        """Counting strings is what the engine has a loop for. It takes other keys, too, of which
        some are equal and differ here, as True and 1: they are new beside strings, and so seen."""
        pairs, one_by_one, one = self._pairs, _one_by_one(emit), 1
        count, size = _count_elements, len

        def each(keys, value=1):
            if type(keys) is not list:
                keys = list(keys)
            if value is not one or not self._has_only_texts:
                return one_by_one(keys, value)
            before = size(pairs)
            try:
                count(pairs, keys)
            except TypeError as error:
                counted = hashable(keys)
                if counted == size(keys):
                    raise raised_by("combine", error, "")
                self._add_counted(keys[:counted], before, emit)
                return one_by_one(keys[counted:], value)
            added = size(pairs) - before
            if added == 0:
                return None
            if added > _FEW:
                return self._add_counted(keys, before, emit)
            # The newest come first. Most lines have few new words: no list of them is made.
            cost = 0
            for key in reversed(pairs):
                if type(key) is not str or size(key) > _LONG_KEY_CHARACTERS:
                    return self._add_counted(keys, before, emit)
                cost += size(key)
                added -= 1
                if added == 0:
                    break
            self._size += cost + _KEY_COST_BYTES * (size(pairs) - before)
            if self._size > self._spill_bytes:
                self._spill_if_full()
            return None

        return each

    def _add_counted(self, keys, before, emit):
        """Keys that were counted, of which those behind the first `before` are new."""
        pairs = self._pairs
        added = list(islice(reversed(pairs), len(pairs) - before))
        texts = [key for key in added if type(key) is str]
        if len(texts) < len(added):
            others = {key for key in added if type(key) is not str}
            for key in others:
                del pairs[key]
            for key in keys:
                if key in others:
                    emit(key, 1)
        lengths = list(map(len, texts))
        if max(lengths, default=0) > _LONG_KEY_CHARACTERS:
            for key in texts:
                encode_key(key, "map")
        self._size += _KEY_COST_BYTES * len(texts) + sum(lengths)
        if self._size > self._spill_bytes:
            self._spill_if_full()

    def _add_key(self, key):
        if type(key) is not str:
            self._has_only_texts = False
        self._count_key(key, _KEY_COST_BYTES)
        if self._size > self._spill_bytes:
            self._spill_if_full()

    def _spill_if_full(self):
        # Values that were folded away are still counted: count again what is really there.
        self._size = 0
        for key, value in self._pairs.items():
            self._size += _KEY_COST_BYTES + (len(key) if type(key) in (str, bytes) else 8)
            if type(value) not in _NUMBERS:
                self._size += size_of(value)
        if self._size * 2 > self._spill_bytes:
            self._spill()

    def _joined(self, before, held):
        return self._combine(before, held)

    def _fill(self, run, keys, held):
        for start in range(0, len(keys), _WRITTEN_AT_ONCE):
            some = slice(start, start + _WRITTEN_AT_ONCE)
            run.columns(keys[some], encode_values(held[some], "combine"))


class KeepingTable(Table):
    """All values of each key, encoded. `combiner`, of the filesystem protocol's form, makes one of
    those that are written together."""

    def __init__(self, options, combiner=None):
        super().__init__(options, None)
        self._combiner = combiner
        self.emit = self._emit()
        self.emit.each = _one_by_one(self.emit)

    def _emit(self):
        pairs, get = self._pairs, self._pairs.get

        def emit(key, value):
            data = encode_value(value, "map")
            if type(key) is not str and type(key) is not int:
                key = plain_key(key)
            values = get(key)
            if values is None:
                pairs[key] = [data]
                self._count_key(key, _KEY_COST_BYTES + _LIST_COST_BYTES)
            else:
                values.append(data)
            self._size += _ENTRY_COST_BYTES + len(data)
            if self._size > self._spill_bytes:
                self._spill()

        return emit

    def _joined(self, before, held):
        return before + held

    def _fill(self, run, keys, held):
        if self._combiner is None:
            for key, values in zip(keys, held):
                run.values(key, values)
            return
        for key, values in zip(keys, held):
            value = _of_combiner(self._combiner, decode_key(key), values)
            run.values(key, [encode_value(value, "combiner")])


def _chosen(partition, data, count):
    try:
        return checked_partition(partition(decode_key(data), count), count)
    except BaseException as error:
        raise raised_by("partition", error, "")


def _of_combiner(combiner, key, values):
    try:
        return combined(combiner, key, [decode_value(data) for data in values])
    except BaseException as error:
        raise raised_by("combiner", error, f"key {short(key)}")


def size_of(value, depth=0):
    """An estimate of what a value takes in bytes, from the value alone."""
    if isinstance(value, (str, bytes)):
        return 64 + len(value)
    if isinstance(value, int):
        return 32 + value.bit_length() // 8
    if depth > DEPTH_MAX:
        return 64
    if isinstance(value, list):
        return 64 + sum(8 + size_of(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return 64 + sum(96 + len(name) + size_of(one, depth + 1) for name, one in value.items())
    return 32


def write_manifest(partitions):
    """The manifest's bytes, and what it says in all: (bytes, size in bytes, entries)."""
    if len(partitions) > 100_000:
        text = f"{len(partitions)} partitions; a stage may have 100000"
        raise TaskError("limit-exceeded", text)
    size = sum(one[0] for one in partitions)
    entries = sum(one[1] for one in partitions)
    return encode_manifest(partitions), size, entries
