"""Runs one map task: records of its pieces through the job's `map` into a sorted run, or into the
final part."""

from hashlib import sha256
from types import CoroutineType

from .._job.failure import raised_by
from .._job.running import map_form, refuse_coroutine, role_of
from .._values.errors import TaskError
from .._values.keys import decode_key, encode_key
from .bad_records import BadRecords
from .content import CountingSource, TextSource
from .lines import Position
from .output import PartWriter
from .pending import PendingPairs
from .records import Reading, reader_of
from .run_file import write_file
from .table import CombiningTable, KeepingTable, write_manifest

# The names of src/core/bad-share.ts.
BAD_COUNTER, LINES_COUNTER = "bad records", "lines read"
_LINES = {"format": "lines"}


class Context:
    """What `map` is given behind `emit`; one for all records."""

    __slots__ = ("params", "_position")

    def __init__(self, params, position):
        self.params = params
        self._position = position

    @property
    def file(self):
        """Name of the file that the record comes from."""
        return self._position.file

    @property
    def offset(self):
        """Byte offset where the record starts."""
        return self._position.offset


class PartTarget:
    """Without reducers the pairs are written as they are emitted."""

    def __init__(self, path, output):
        self._part = PartWriter(path, output)
        self._finished = False

    def __call__(self, key, value):
        if type(key) is not str:
            key = decode_key(encode_key(key, "map"))
        self._part.row(key, value, "map")

    def each(self, keys, value=1):
        """As a loop of calls."""
        for key in keys:
            self(key, value)

    def finish(self):
        """As of a part."""
        done = self._part.finish()
        self._finished = True
        return done

    def close(self):
        """After success or failure alike."""
        if not self._finished:
            self._part.discard()


class ShuffleTarget:
    """A table that leaves a run for each partition, and their manifest."""

    def __init__(self, loaded, out):
        options = loaded.options
        self._out = out
        given = {
            "partition_count": loaded.plan["reducers"],
            "spill_bytes": loaded.spill_bytes,
            "partition": loaded.partition,
            "descending": options["sort"] == "descending",
            "path": f"{out}.run",
        }
        if loaded.combine is not None:
            self._table = CombiningTable(given, loaded.combine)
        else:
            self._table = KeepingTable(given, loaded.combiner)
        self.emit = self._table.emit

    def finish(self):
        """What there is: `records`, `sizeBytes`, `root`."""
        manifest, size, entries = write_manifest(self._table.finish())
        write_file(f"{self._out}.manifest", manifest)
        root = sha256(manifest).hexdigest()
        return {"records": entries, "sizeBytes": size, "root": root}

    def close(self):
        """After success or failure alike."""
        self._table.close()


def run_map(loaded, plan, order, ends):
    """The report's fields of a map task that is done. `ends`: its source, and `count(counter, by)`,
    which adds to its counters."""
    source, count = ends
    task, out = order["task"], order["out"]
    bad = BadRecords(loaded.options["bad_records"], f"{out}.bad")
    if plan["reducers"] > 0:
        target = ShuffleTarget(loaded, out)
        emit = target.emit
    else:
        target = emit = PartTarget(f"{out}.part", loaded.options["output"])
    try:
        lines = _read_all(loaded, plan, task, (source, emit, bad))
        done = target.finish()
        if bad.count > 0:
            count(BAD_COUNTER, bad.count)
        if isinstance(loaded.options["bad_records"], dict):
            count(LINES_COUNTER, lines)
        path = bad.finish()
        return done if path is None else {**done, "badRecordsPath": path}
    except BaseException:
        bad.discard()
        raise
    finally:
        target.close()


def _read_all(loaded, plan, task, ends):
    """How many lines, or records of one size, there were."""
    source, emit, bad = ends
    name = plan["splits"][task]["input"]
    if name not in loaded.job.inputs:
        text = f'task {task} reads input "{name}", which the job does not have'
        raise TaskError("bad-request", text)
    given = loaded.job.inputs[name]
    input_format = given.get("input")
    spec, pattern = (_LINES, None) if input_format is None else input_format
    if spec["format"] != "records" and spec.get("as") != "bytes":
        source = TextSource(source, plan["files"])
    if isinstance(loaded.options["bad_records"], dict):
        source = CountingSource(source, spec)
    position = Position()

    def bad_text(text, problem):
        at = f"{position.file}:{position.offset}"
        # Of a line that is no text it is not known which words it has.
        is_final = spec["format"] == "words"
        error = TaskError("user-error", f"bad record at {at}: {problem}", is_final=is_final)
        if is_final:
            raise error
        bad.add(position, text, error, True)

    read = reader_of(spec, pattern, Reading(source, position, bad_text))
    keeps = loaded.options["bad_records"] != "fail"
    context = Context(loaded.params, position)
    runner = _keeping(given["map"], emit, bad, context) if keeps else None
    run = runner or _failing(given["map"], emit, context)
    while True:
        piece = source.next_piece()
        if piece is None:
            return getattr(source, "lines", 0)
        position.file = plan["files"][piece.file]["name"]
        position.at(piece.offset)
        for records in read(piece):
            run(records)


def called(function, emit, context):
    """`map` as a function of the record alone, whichever form it has."""
    form = map_form(function)
    if form == "emit":
        return lambda record: function(record, emit)
    if form == "context":
        return lambda record: function(record, emit, context)

    def pairs(record):
        returned = function(record)
        if type(returned) is CoroutineType:
            return returned
        for pair in () if returned is None else returned:
            if not isinstance(pair, (tuple, list)) or len(pair) != 2:
                text = f"map gave {type(pair).__name__} where a pair (key, value) must be"
                raise TaskError("user-error", text)
            emit(pair[0], pair[1])
        return None

    return pairs


def _failing(function, emit, context):
    """The task fails at the first record for which `map` raises."""
    role = role_of(function, "map")
    form = map_form(function)
    call = called(function, emit, context)

    def run(records):
        try:
            # The usual form without a call between.
            if form == "emit":
                for record in records:
                    returned = function(record, emit)
                    if type(returned) is CoroutineType:
                        refuse_coroutine(role, returned)
                return
            for record in records:
                returned = call(record)
                if type(returned) is CoroutineType:
                    refuse_coroutine(role, returned)
        except BaseException as error:
            raise _on_record(role, error, context)

    return run


def _keeping(function, emit, bad, context):
    """Records for which `map` raises are set aside."""
    role = role_of(function, "map")
    pending = PendingPairs()
    call = called(function, pending, context)

    def run(records):
        for record in records:
            try:
                refuse_coroutine(role, call(record))
            except BaseException as error:
                pending.clear()
                failed = _on_record(role, error, context)
                if failed.code != "user-error" or isinstance(error, SystemExit):
                    raise failed
                bad.add(context._position, record, failed, False)
                continue
            pending.flush(emit)

    return run


def _on_record(role, error, context):
    place = f"the record at {context.file}:{context.offset}"
    return raised_by(role, error, place)

