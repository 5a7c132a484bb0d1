"""Map, group, sort, reduce: all in memory, in the order of the plan."""

import datetime
import inspect
import json

from .._job.chance import begin_task
from .._job.failure import raised_by
from .._job.found import combined
from .._job.running import (
    ReadOnce,
    map_form,
    params_of,
    refuse_coroutine,
    role_of,
    wants_context,
)
from .._values.errors import TaskError
from .._values.keys import encode_key
from .._values.partition import checked_partition, partitions_of
from .._values.refusal import refusal, short
from .._values.values import encode_value
from .._worker.bad_records import KEEP_HINT, bad_line
from ..jobs import TaskContext
from .records import records_of
from .rows import as_json, part_of, row_line

_LINES = ({"format": "lines"}, None)


class Context:
    """What functions are given: only what the documents say."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


class Emitter:
    """`emit` of a map function."""

    def __init__(self, pairs):
        self._pairs = pairs

    def __call__(self, key, value):
        self._pairs.append((key_copy(key, "map"), value_copy(value, "map")))

    def each(self, keys, value=1):
        """As a loop of calls."""
        for key in keys:
            self(key, value)


class Judge:
    """`request` has the plan, and where its files lie."""

    def __init__(self, job, request):
        self.job = job
        self.options = job.options
        self.plan = request["plan"]
        self.paths = request["files"]
        self.items = request["items"]
        self.params = params_of(job, self.plan["params"])
        self.bad_lines = []

    def tasks(self):
        """The only part of the result of a list of tasks."""
        run, output = self.options["run"], self.options["output"]
        rows = []
        with open(self.items, encoding="utf-8", errors="surrogatepass") as lines:
            for index, line in enumerate(lines):
                begin_task(self.options["seed"], "run", index)
                context = TaskContext(self.params, index)
                try:
                    item = json.loads(line)
                    value = run(item, context) if wants_context(run, 1) else run(item)
                    if inspect.isawaitable(value):
                        import asyncio

                        value = asyncio.run(_awaited(value))
                    json_only(value, f"the result of item {index}")
                except BaseException as error:
                    raise raised_by("run", error, f"item {index}")
                value = value_copy(value, f"the result of item {index}")
                if output != "text":
                    rows.append(f"{as_json(value)}\n")
                else:
                    rows.append(row_line(output, index, value))
        return [part_of(output, rows)]

    def map_reduce(self):
        """The parts of the result: of partitions, or without reducers of splits."""
        output, reducers = self.options["output"], self.plan["reducers"]
        parts = []
        partitions = [{} for _ in range(reducers)]
        for task, split in enumerate(self.plan["splits"]):
            begin_task(self.options["seed"], "map", task)
            pairs = self._map(split)
            if reducers == 0:
                parts.append(part_of(output, [row_line(output, *pair) for pair in pairs]))
            else:
                self._join(partitions, self._grouped(pairs))
        for number, groups in enumerate(partitions):
            begin_task(self.options["seed"], "reduce", number)
            parts.append(part_of(output, self._reduce(number, groups)))
        return parts

    def _map(self, split):
        given = self.job.inputs[split["input"]]
        pairs = []
        for piece in split["pieces"]:
            file = self.plan["files"][piece[0]]
            path = self.paths[piece[0]]
            for record in records_of(path, file, piece, given.get("input") or _LINES):
                pairs += self._of_record(given["map"], file["name"], record)
        return pairs

    def _of_record(self, function, file, record):
        """What the record emits: nothing when it is set aside."""
        keeps = self.options["bad_records"] != "fail"
        place = f"{file}:{record.offset}"
        if record.problem:
            text = f"bad record at {place}: {record.problem}"
            if not keeps:
                raise TaskError("user-error", f"{text}; {KEEP_HINT}", is_final=True)
            self.bad_lines.append(bad_line(file, record.offset, text, record.value))
            return []
        pairs = []
        emit = Emitter(pairs)
        context = Context(params=self.params, file=file, offset=record.offset)
        role = role_of(function, "map")
        try:
            form = map_form(function)
            if form == "pairs":
                returned = function(record.value)
                refuse_coroutine(role, returned)
                for pair in returned or ():
                    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                        text = f"map gave {type(pair).__name__} where a pair (key, value) must be"
                        raise TaskError("user-error", text)
                    emit(*pair)
            else:
                more = () if form == "emit" else (context,)
                refuse_coroutine(role, function(record.value, emit, *more))
        except BaseException as error:
            failed = raised_by(role, error, f"the record at {place}")
            if not keeps or failed.code != "user-error" or isinstance(error, SystemExit):
                raise failed
            self.bad_lines.append(bad_line(file, record.offset, failed.text, record.value))
            return []
        return pairs

    def _grouped(self, pairs):
        """Of one split: (key, values) by what keys are compared by, folded where asked for."""
        groups = {}
        for key, value in pairs:
            groups.setdefault(order_of(key), (key, []))[1].append(value)
        combiner = self.options.get("combiner")
        for key, values in groups.values():
            if self.options.get("combine") is not None:
                values[:] = [self._folded(values)]
            elif combiner is not None:
                values[:] = [value_copy(_combined(combiner, key, values), "combiner")]
        return groups

    def _folded(self, values):
        try:
            total = values[0]
            for value in values[1:]:
                total = self.options["combine"](total, value)
        except BaseException as error:
            raise raised_by("combine", error, "")
        return value_copy(total, "combine")

    def _join(self, partitions, groups):
        places = self._partitions_of([key for key, _ in groups.values()], len(partitions))
        for place, (order, (key, values)) in zip(places, groups.items()):
            known = partitions[place].setdefault(order, (key, []))[1]
            known += values
            if self.options.get("combine") is not None and len(known) > 1:
                known[:] = [self._folded(known)]

    def _partitions_of(self, keys, count):
        partition = self.options["partition"]
        if partition is None:
            return partitions_of([encode_key(key, "map") for key in keys], count)
        try:
            return [checked_partition(partition(key, count), count) for key in keys]
        except BaseException as error:
            raise raised_by("partition", error, "")

    def _reduce(self, number, groups):
        output, function = self.options["output"], self.options["reduce"]
        rows = []

        def emit(key, value):
            rows.append(row_line(output, key_copy(key, "reduce"), json_only(value, "reduce")))

        context = Context(params=self.params, partition=number, emit=emit)
        for order in sorted(groups, reverse=self.options["sort"] == "descending"):
            key, values = groups[order]
            if function is None:
                rows += [row_line(output, key, json_only(value, "map")) for value in values]
                continue
            role = role_of(function, "reduce")
            more = (context,) if wants_context(function, 2) else ()
            try:
                returned = function(key, ReadOnce(values), *more)
                refuse_coroutine(role, returned)
                if returned is not None:
                    rows.append(row_line(output, key, json_only(returned, "reduce")))
            except BaseException as error:
                raise raised_by(role, error, f"key {short(key)}")
        return rows


def _combined(combiner, key, values):
    try:
        return combined(combiner, key, values)
    except BaseException as error:
        raise raised_by("combiner", error, f"key {short(key)}")


async def _awaited(value):
    return await value


def order_of(key):
    """What sorts keys as the cluster does: None < False < True < numbers < str < lists."""
    if key is None:
        return (0,)
    if isinstance(key, bool):
        return (2 if key else 1,)
    if isinstance(key, (int, float)):
        return (3, key)
    if isinstance(key, str):
        joined = key.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return (4, joined.encode("utf-8", "surrogatepass"))
    return (5, tuple(order_of(one) for one in key))


def key_copy(key, where):
    """The key as it comes out of the shuffle."""
    if type(key) is str and len(key) < 1000:
        return key
    encode_key(key, where)
    if isinstance(key, float) and key.is_integer():
        return int(key)
    if isinstance(key, (list, tuple)):
        return [key_copy(one, where) for one in key]
    return key.isoformat() if isinstance(key, (datetime.date, datetime.time)) else key


def value_copy(value, where):
    """The value as it comes out of the shuffle; what is none is refused."""
    if type(value) is int or (type(value) is str and value.isascii()):
        return value
    encode_value(value, where)
    return _plain(value)


def json_only(value, where):
    """The value as a result has it. Refuses what JSON cannot express."""
    from .._values.json_text import json_text

    try:
        json_text(value, where)
    except RecursionError:
        raise refusal(value, where, True) from None
    return _plain(value)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str.__str__(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value
