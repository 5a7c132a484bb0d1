"""Finds the job in the module of a job file.

Two forms: `job = map_reduce(…)` or `job = tasks(…)`, and the functions `mapper(k, v)`,
`reducer(key, values)` and, if wanted, `combiner(key, values)` of the filesystem protocol."""

from .._values.errors import TaskError
from ..jobs import Job, map_reduce

BOTH_FORMS = (
    "write `job = map_reduce(…)` or `job = tasks(…)` (from tequio import map_reduce, tasks), or "
    "define mapper(k, v) that returns a list of pairs and reducer(key, values) that returns a pair"
)


def job_in(module):
    """The job. `build-failed` when there is none: the text names both forms."""
    job = getattr(module, "job", None)
    if isinstance(job, Job):
        return job
    functions = [getattr(module, name, None) for name in ("mapper", "reducer", "combiner")]
    mapper, reducer, combiner = functions
    if job is not None and not callable(mapper):
        raise TaskError("build-failed", f"`job` is no job but {type(job).__name__}: {BOTH_FORMS}")
    if not callable(mapper) or not callable(reducer):
        raise TaskError("build-failed", f"there is no job in it: {BOTH_FORMS}")
    return _of_functions(mapper, reducer, combiner if callable(combiner) else None)


def _of_functions(mapper, reducer, combiner):
    """`k` of a line is its byte offset in its file, whatever the splits."""

    def map_line(line, emit, context):
        pairs = mapper(context.offset, line)
        for pair in () if pairs is None else pairs:
            key, value = _pair("mapper", pair)
            emit(key, value)

    def reduce_key(key, values, context):
        returned = reducer(key, list(values))
        if returned is not None:
            context.emit(*_pair("reducer", returned))

    map_line.role = "mapper"
    reduce_key.role = "reducer"
    job = map_reduce(map=map_line, reduce=reduce_key)
    if combiner is None:
        return job
    return job._replace(options={**job.options, "combiner": combiner})


def _pair(where, pair):
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        return pair
    what = f"{where} gave {type(pair).__name__} where a pair (key, value) must be"
    raise TaskError("user-error", what)


def combined(combiner, key, values):
    """What a `combiner` of the filesystem protocol makes of the values of one key."""
    returned, value = _pair("combiner", combiner(key, values))
    if returned != key:
        text = f"combiner returned the key {returned!r} for {key!r}; it must be the same"
        raise TaskError("user-error", text)
    return value
