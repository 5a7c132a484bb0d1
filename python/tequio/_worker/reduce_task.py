"""Runs one reduce task: merges its partition of every map output and writes the final part, as a
stream."""

from .._job.failure import raised_by
from .._job.running import ReadOnce, refuse_coroutine, role_of, wants_context
from .._values.keys import decode_key, encode_key
from .._values.refusal import short
from .merge import Decoder, fold, folded, groups_of, merge_into_run, merged
from .output import PartWriter
from .run_file import FileSink, RunReader, RunWriter

_RUNS_MAX = 256
_BLOCKS_MAX_BYTES = 64 * 1024 * 1024
# An entry of a block takes about so many times its bytes as objects.
_OBJECT_SHARE = 8


class Context:
    """What `reduce` is given behind the values."""

    __slots__ = ("params", "partition", "_part")

    def __init__(self, params, partition, part):
        self.params = params
        self.partition = partition
        self._part = part

    def emit(self, key, value):
        """Writes a further pair, before the one that is returned."""
        if type(key) is not str:
            key = decode_key(encode_key(key, "reduce"))
        self._part.row(key, value, "reduce")


def run_reduce(loaded, order):
    """The report's fields of a reduce task that is done."""
    part = PartWriter(f"{order['out']}.part", loaded.options["output"])
    opened = []
    made = []
    try:
        runs = _few_runs(loaded, order, opened, made)
        _write_groups(loaded, order["task"], merged(runs, _descending(loaded)), part)
        return part.finish()
    except BaseException:
        part.discard()
        raise
    finally:
        for run in opened:
            run.close()
        for sink in made:
            sink.discard()


def _descending(loaded):
    return loaded.options["sort"] == "descending"


def _few_runs(loaded, order, opened, made):
    """Opens the segments; while they are too many or too large for one merge, neighbours are merged
    into files."""
    most = min(_BLOCKS_MAX_BYTES, loaded.memory_bytes // 2) // _OBJECT_SHARE
    segments = [one for one in order["segments"] if one["sizeBytes"] > 0]
    while True:
        files, runs, held = [], [], 0
        for segment in segments:
            run = RunReader(segment)
            opened.append(run)
            if len(runs) >= 2 and (len(runs) >= _RUNS_MAX or held + run.block_bytes > most):
                files.append(_merged_file(loaded, order, runs, made))
                runs, held = [], 0
            runs.append(run)
            held += run.block_bytes
        if not files:
            return runs
        if runs:
            files.append(_merged_file(loaded, order, runs, made))
        segments = files


def _merged_file(loaded, order, runs, made):
    sink = FileSink(f"{order['out']}.merge-{len(made)}")
    made.append(sink)
    writer = RunWriter(sink)
    merge_into_run(merged(runs, _descending(loaded)), loaded.combine, writer)
    writer.finish()
    sink.close()
    for run in runs:
        run.close()
    return {"path": sink.path, "offset": 0, "sizeBytes": writer.size_bytes}


def _write_groups(loaded, partition, batches, part):
    """With `combine`, a key has exactly one value by now; `reduce` sees that one."""
    combine = loaded.combine
    if loaded.options["reduce"] is not None:
        _reduce_groups(loaded, batches, Context(loaded.params, partition, part), part)
    elif combine is not None:
        for key, value in folded(batches, combine):
            part.row(decode_key(key), value, "combine")
    else:
        decoded = Decoder()
        for batch in batches:
            for entry in batch:
                part.row(decode_key(entry[0]), decoded(entry), "map")


def _reduce_groups(loaded, batches, context, part):
    function = loaded.options["reduce"]
    role = role_of(function, "reduce")
    with_context = wants_context(function, 2)
    combine = loaded.combine
    decoded = Decoder()
    for data, entries in groups_of(batches):
        key = decode_key(data)
        values = map(decoded, entries)
        if combine is not None:
            values = (fold(combine, values),)
        try:
            given = ReadOnce(values)
            returned = function(key, given, context) if with_context else function(key, given)
            refuse_coroutine(role, returned)
            # In here, so that what cannot be stored is named with its key.
            if returned is not None:
                part.row(key, returned, "reduce")
        except BaseException as error:
            raise raised_by(role, error, f"key {short(key)}")
