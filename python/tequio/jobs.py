"""What a job file declares: `job = map_reduce(…)` or `job = tasks(…)`."""

from typing import (
    Any,
    Callable,
    Iterable,
    Mapping,
    NamedTuple,
    Optional,
    Protocol,
    Sequence,
    Union,
)

from ._declared import Format, Job, plain_bad_policy
from ._operator import check_trust

Key = Any
Value = Any


class Emit(Protocol):
    """Emits pairs. Lists and dicts are copied at once, so they may be reused.

    key: str, int, float, bool, None, a date, or a list or tuple of these; at most 1 MiB.
    value: str, int of any size, float, bool, None, bytes, dates, lists, tuples and dicts with str
    keys; at most 256 MiB and 200 levels. Tuples come back as lists, dates as their ISO text.
    Errors: everything else is a `user-error` that says what and where."""

    def __call__(self, key: Key, value: Value) -> None: ...

    def each(self, keys: Iterable[str], value: Value = 1) -> None:
        """Emits every one of the str `keys` with the same value: as a loop of calls, and faster."""


class MapContext(Protocol):
    """What `map` can ask of the record at hand; valid until it returns."""

    params: Mapping[str, Any]
    """The job's defaults overlaid with `--param name=value`."""
    file: str
    """Name of the file that the record comes from."""
    offset: int
    """Byte offset where the record starts (in the uncompressed data)."""


class ReduceContext(Protocol):
    """What `reduce` can ask and write."""

    params: Mapping[str, Any]
    partition: int
    """Index of the partition, from 0."""

    def emit(self, key: Key, value: Value) -> None:
        """Writes a further pair, before the one that is returned."""


class TaskContext(NamedTuple):
    """What `run` can ask of the item at hand."""

    params: Mapping[str, Any]
    index: int
    """Of the item, from 0."""


def map_reduce(
    *,
    map: Optional[Callable[..., Any]] = None,
    input: Optional[Format] = None,
    inputs: Optional[Mapping[str, Mapping[str, Any]]] = None,
    combine: Optional[Callable[[Any, Any], Any]] = None,
    reduce: Optional[Callable[..., Any]] = None,
    partition: Optional[Callable[[Any, int], int]] = None,
    sort: str = "ascending",
    reducers: Optional[int] = None,
    output: str = "ndjson",
    bad_records: Union[str, Mapping[str, float]] = "fail",
    name: Optional[str] = None,
    params: Optional[Mapping[str, Any]] = None,
    timeout_ms: int = 0,
    attempts: int = 4,
    backup_tasks: bool = True,
    seed: Union[int, float, str, None] = None,
    clock: str = "frozen",
    chance: Optional[str] = None,
    requires: Sequence[str] = (),
    engine: Optional[str] = None,
    exact: bool = False,
    share: Optional[str] = None,
    trust: Optional[str] = None,
) -> Job:
    """A job that maps records to pairs and reduces the pairs of each key.

    map: `map(record, emit)` or `map(record, emit, context)`; with one parameter, `map(record)`
        returns or yields pairs. What a record is, `input` says (default `text.lines()`).
    inputs: instead of map and input, several inputs by name, `{"users": {"input": csv(), "map":
        f}}`, submitted as `users=path`.
    combine: folds two values of one key into one; must be associative. Runs where values are made.
    reduce: `reduce(key, values)` or `reduce(key, values, context)`, called once a key, keys in
        `sort` order; `values` can be read once. None leaves the key out. Without it: the value that
        `combine` makes, else every pair as it is.
    partition: `partition(key, count)`, 0 … count − 1. Default: a hash of the key's bytes.
    sort: "ascending" or "descending". reducers: number of reduce tasks and output files, 0 to
        100,000; default one per 64 MiB of input, 1 to 256; 0 = map only.
    output: "ndjson", "text" (key TAB value), or a table, in which fields of dicts are columns:
        "csv", "rows" (NDJSON of its rows), "parquet" or "arrow".
    bad_records: "fail" the job, or "keep" records aside that cannot be parsed or for which `map`
        raises; {"keep_up_to": 0.01}: at most that share of the lines. timeout_ms: limit of one
        attempt, 0 = none. attempts: user errors a task may have, 1 to 100. backup_tasks: second
        attempts for stragglers. params: defaults by name, JSON.
    seed: what `random` begins with, besides stage and task. clock: "frozen", the time is that of
        the submission in every attempt, or "real". chance: "real" allows `os.urandom`, `secrets`
        and `uuid4` in jobs that volunteers compute; they must not reach the result. requires:
        packages that workers must have, as "numpy>=2". engine: "cpython" (Node workers) or
        "pyodide" (tabs) alone; default both. exact: `math`, `**` and `sum` give equal bits on all
        of them and on every version of Python; what cannot is refused by name. share: "volunteers"
        may compute it, and see its code and data. trust: how what they compute is checked, "audit"
        (default with share) or "quorum".
    Errors: TypeError or ValueError for an option that cannot be used."""
    if (map is None) == (inputs is None):
        raise TypeError("map_reduce: give `map`, or `inputs` with a map each")
    if inputs is None:
        inputs = {"default": {"input": input, "map": map}}
    elif input is not None:
        raise TypeError("map_reduce: `input` belongs into each of `inputs`")
    options = dict(
        combine=combine,
        reduce=reduce,
        partition=partition,
        sort=sort,
        reducers=reducers,
        output=output,
        bad_records=bad_records,
        name=name,
        params=dict(params or {}),
        timeout_ms=timeout_ms,
        attempts=attempts,
        backup_tasks=backup_tasks,
        seed=seed,
        clock=clock,
        chance=chance,
        requires=_requires(requires),
        engine=engine,
        exact=bool(exact),
        share=share,
        trust=trust,
    )
    for named, one in inputs.items():
        _check_input(named, one)
    _choice("sort", sort, ("ascending", "descending"))
    _bad_policy(bad_records)
    _check(options)
    return Job("map-reduce", inputs, options)


def tasks(
    *,
    items: Union[Iterable[Any], Callable[..., Iterable[Any]]],
    run: Callable[..., Any],
    output: str = "ndjson",
    name: Optional[str] = None,
    params: Optional[Mapping[str, Any]] = None,
    timeout_ms: int = 0,
    attempts: int = 4,
    backup_tasks: bool = True,
    seed: Union[int, float, str, None] = None,
    clock: str = "frozen",
    chance: Optional[str] = None,
    requires: Sequence[str] = (),
    engine: Optional[str] = None,
    exact: bool = False,
    share: Optional[str] = None,
    trust: Optional[str] = None,
) -> Job:
    """A plain list of tasks; the results come back in the order of the items.

    items: the list, or `items()` or `items(params)` that makes it, called once, where the job is
        submitted. Items are JSON; at most 10,000,000, together at most 1 GiB.
    run: `run(item)` or `run(item, context)`, once an item; may be `async def`. The result is JSON,
        at most 1 MiB. The other options are those of `map_reduce`.
    Errors: TypeError or ValueError for an option that cannot be used."""
    if not callable(run):
        raise TypeError("tasks: `run` must be a function")
    options = dict(
        items=items if callable(items) else list(items),
        run=run,
        output=output,
        name=name,
        params=dict(params or {}),
        timeout_ms=timeout_ms,
        attempts=attempts,
        backup_tasks=backup_tasks,
        seed=seed,
        clock=clock,
        chance=chance,
        requires=_requires(requires),
        engine=engine,
        exact=bool(exact),
        share=share,
        trust=trust,
    )
    _check(options)
    return Job("tasks", {}, options)


def _check(options):
    for function in ("combine", "reduce", "partition"):
        _callable(function, options.get(function))
    _choice("output", options["output"], ("ndjson", "csv", "text", "rows", "parquet", "arrow"))
    _choice("engine", options["engine"], (None, "cpython", "pyodide"))
    _choice("clock", options["clock"], ("frozen", "real"))
    _choice("chance", options["chance"], (None, "real"))
    check_trust(options["share"], options["trust"])
    seed = options["seed"]
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, (int, float, str))):
        raise TypeError("`seed` must be a str or a number")


def _check_input(name, given):
    if not isinstance(given, Mapping) or not callable(given.get("map")):
        named = "`map`" if name == "default" else f'`map` of the input "{name}"'
        raise TypeError(f"{named} must be a function")
    unknown = set(given) - {"input", "map"}
    if unknown:
        raise TypeError(f'unknown field {sorted(unknown)[0]!r} of the input "{name}"')
    if given.get("input") is not None and not isinstance(given["input"], Format):
        raise TypeError("`input` must be a format, such as `text.lines()`")


def _callable(name, value):
    if value is not None and not callable(value):
        raise TypeError(f"`{name}` must be a function")


def _bad_policy(policy):
    if policy in ("fail", "keep") or plain_bad_policy(policy) is not policy:
        return
    text = f"`bad_records` is {policy!r}; it must be 'fail', 'keep' or"
    raise ValueError(f"{text} {{'keep_up_to': a share from 0 to 1}}")


def _choice(name, value, choices):
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice is not None)
        raise ValueError(f"`{name}` is {value!r}; it must be one of {known}")


def _requires(requires):
    if isinstance(requires, str) or any(not isinstance(one, str) for one in requires):
        raise TypeError('`requires` must be a list of str, such as ["numpy>=2"]')
    return list(requires)
