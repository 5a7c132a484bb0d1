"""Makes jobs of the three functions of the filesystem protocol, called as existing programs call
them.

`mapper(k, v)` gets the job's url and the text of a slice, whole lines of it. Every value passes
`combiner(key, values)` once and no more, where there is one: those that are written for existing
programs rely on it. Results are pickles, as text, of plain values only: the coordinator reads them
without building anything."""

import base64
import pickle

from .._values.errors import TaskError
from ..formats import ndjson, text
from ..jobs import map_reduce

_PLAIN = (type(None), bool, int, float, str, bytes)


def whole_job(functions):
    """A job: slices to (key, value), packed."""
    mapper, reducer, combiner = _named(functions)

    def map_slice(slice_text, emit, context):
        pairs = _mapped(mapper, context.params["jobUrl"], slice_text)
        for key, value in pairs if combiner is None else _combined(combiner, pairs):
            emit(key, value)

    def reduce_key(key, values):
        return packed(_pair("reducer", reducer(key, list(values))), "reducer")

    map_slice.role = "mapper"
    reduce_key.role = "reducer"
    return map_reduce(input=text.file(), map=map_slice, reduce=reduce_key)


def map_task(functions):
    """A map task: slices, each a line of JSON, to (key, values, str(key)), packed. The text names
    the file of the key: it must be that of the key which the function returned, a tuple or not."""
    mapper, _, combiner = _named(functions)

    def map_slice(slice_text, emit, context):
        for key, value in _mapped(mapper, context.params["jobUrl"], slice_text):
            emit(str(key), packed((key, value), "mapper"))

    def combine_key(_, values):
        pairs = [pickle.loads(base64.b64decode(value)) for value in values]
        key, held = pairs[0][0], [value for _, value in pairs]
        if combiner is not None:
            key, value = _pair("combiner", combiner(key, held))
            held = [value]
        return packed((key, held, str(key)), "combiner")

    map_slice.role = "mapper"
    combine_key.role = "combiner"
    return map_reduce(input=ndjson(), map=map_slice, reduce=combine_key)


def reduce_task(functions):
    """A reduce task: lines of (key, values), packed, to what `reducer` returns, packed."""
    _, reducer, _ = _named(functions)

    def reduce_line(line, emit):
        key, values = pickle.loads(base64.b64decode(line))
        emit(0, packed(reducer(key, values), "reducer"))

    reduce_line.role = "reducer"
    return map_reduce(map=reduce_line, reducers=0)


def packed(value, role):
    """The text of the value's pickle. Errors: `user-error` for what is no plain value."""
    return base64.b64encode(pickle.dumps(_plain(value, role, 0), 4)).decode("ascii")


def _named(functions):
    found = [getattr(functions, name, None) for name in ("mapper", "reducer", "combiner")]
    for name, function in zip(("mapper", "reducer"), found):
        if not callable(function):
            problem = f"Can't import function: the functions file defines no {name}"
            raise TaskError("build-failed", problem)
    return (*found[:2], found[2] if callable(found[2]) else None)


def _mapped(mapper, job_url, slice_text):
    return [_pair("mapper", pair) for pair in mapper(job_url, slice_text) or ()]


def _combined(combiner, pairs):
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return [_pair("combiner", combiner(key, values)) for key, values in groups.items()]


def _pair(role, pair):
    if isinstance(pair, (tuple, list)) and len(pair) == 2:
        return pair
    what = f"{role} gave {type(pair).__name__} where a pair (key, value) must be"
    raise TaskError("user-error", what)


def _plain(value, role, depth):
    if type(value) in _PLAIN:
        return value
    if depth > 90:
        raise TaskError("user-error", f"{role} gave a value that is nested deeper than 90 levels")
    kind = type(value)
    if kind in (list, tuple):
        return kind(_plain(one, role, depth + 1) for one in value)
    if isinstance(value, dict):
        items = value.items()
        return {_plain(k, role, depth + 1): _plain(v, role, depth + 1) for k, v in items}
    if isinstance(value, (list, tuple)):
        return [_plain(one, role, depth + 1) for one in value]
    for base in (bool, int, float, str, bytes):
        if isinstance(value, base):
            return base(value)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        # A number of numpy.
        return _plain(item(), role, depth + 1)
    known = "None, numbers, str, bytes, lists, tuples and dicts"
    raise TaskError("user-error", f"{role} gave {kind.__name__}; keys and values are {known}")
