"""Operators: jobs without any code, as `text.csv(["city", "price"]).by("city").sum("price")`.

They are plain data, the same as in TypeScript, and the same kernels run them: as fast, with the
same bytes, on workers with and without Python. docs/operators.md says what each of them gives.

Options of all: name, reducers, output ("ndjson", "rows", "csv", "parquet", "arrow" or "text"),
bad_records ("fail" or "keep"), timeout_ms, attempts, backup_tasks; as of `map_reduce`."""

from typing import Any, Dict, List, Mapping, Sequence, Tuple, Union

from ._declared import Format, Job

_OPTIONS = {
    "name": "name",
    "reducers": "reducers",
    "output": "output",
    "bad_records": "badRecords",
    "timeout_ms": "timeoutMs",
    "attempts": "attempts",
    "backup_tasks": "backupTasks",
}
_KINDS = ("inner", "left", "right", "outer")
_TABLES = ("parquet", "arrow")
_ORDERS = ("ascending", "descending")
_TOP_MAX = 10_000_000
Names = Union[str, Sequence[str]]
_Keys = Tuple[Names, str, bool]
_On = Union[str, Tuple[str, str]]
_Plain = Mapping[str, Any]


class Pairs(Job):
    """A job whose result are pairs of key and number."""

    __slots__ = ()

    def top_k(self, count: int, order: str = "descending") -> Job:
        """The pairs with the greatest numbers (or least: `order="ascending"`), in that order; of
        equal numbers those with the lesser keys."""
        last = {"operator": "top", "count": _top(count), "order": _one_of("order", order, _ORDERS)}
        declared = dict(self.options["declared"])
        declared.pop("reducers", None)
        return _job({**self.options["operator"], "last": last}, declared)


class Groups:
    """Of the records that agree in some columns."""

    def __init__(self, source: "Source", by: Sequence[str]) -> None:
        self._source = source
        self._by = _columns("by", list(by), source)

    def count(self, **options: Any) -> Pairs:
        """How many there are."""
        return self._pairs({"operator": "count"}, options)

    def sum(self, column: str, **options: Any) -> Pairs:
        """The exact sum of the numbers in a column; one beyond ±1.8e308 fails the job."""
        return self._number("sum", column, options)

    def min(self, column: str, **options: Any) -> Pairs:
        """The least number in a column."""
        return self._number("min", column, options)

    def max(self, column: str, **options: Any) -> Pairs:
        """The greatest number in a column."""
        return self._number("max", column, options)

    def _number(self, operator: str, column: str, options: Mapping[str, Any]) -> Pairs:
        (named,) = _columns(operator, [column], self._source)
        return self._pairs({"operator": operator, "column": named}, options)

    def _pairs(self, apply: Dict[str, Any], options: Mapping[str, Any]) -> Pairs:
        declared = _declared(options)
        inputs = {"default": self._source.spec}
        return Pairs(*_job(_spec(inputs, {**apply, "by": self._by}, declared), declared))


class Source(Format):
    """A format whose records have columns: those of CSV and of JSON by their names, "line" and
    "word" of texts. It is the `input` of a job as well."""

    __slots__ = ()

    @property
    def columns(self) -> List[str]:
        """Their names."""
        named = self.spec.get("pick") or self.spec.get("columns") or self.spec.get("paths")
        return list(named) if named else [str(self.spec["format"]).rstrip("s")]  # type: ignore

    def by(self, *columns: str) -> Groups:
        """Groups of the records that agree in these columns; without any one of all records."""
        return Groups(self, columns)

    def count(self, **options: Any) -> Pairs:  # type: ignore[override]
        """Each record and how often it occurs: `by` all columns."""
        return Groups(self, self.columns).count(**options)

    def sum(self, column: str, **options: Any) -> Pairs:
        """Of all records: one row, whose key is None."""
        return self.by().sum(column, **options)

    def min(self, column: str, **options: Any) -> Pairs:
        """Of all records: one row, whose key is None."""
        return self.by().min(column, **options)

    def max(self, column: str, **options: Any) -> Pairs:
        """Of all records: one row, whose key is None."""
        return self.by().max(column, **options)

    def sort(
        self, by: Names = (), order: str = "ascending", numeric: bool = False, **options: Any
    ) -> Job:
        """All records in order, as they are. by: a column, or several, default all. numeric: by the
        number with which each text begins. output: a table; by default rows as "ndjson", and
        texts as lines."""
        return _sorted(self, (by, order, numeric), {"unique": False, "limit": None}, options)

    def top_k(
        self,
        count: int,
        by: Names = (),
        order: str = "descending",
        numeric: bool = False,
        **options: Any,
    ) -> Job:
        """The records with the greatest keys (or least: `order="ascending"`), in that order; of
        equal ones those that come first."""
        kept = {"unique": False, "limit": _top(count)}
        return _sorted(self, (by, order, numeric), kept, options)

    def distinct(self, by: Names = (), **options: Any) -> Job:
        """Of equal records the first, in the order of their keys."""
        kept = {"unique": True, "limit": None}
        return _sorted(self, (by, "ascending", False), kept, options)

    def join(self, other: "Source", *, on: _On, kind: str = "inner", **options: Any) -> Job:
        """Rows of this source (the left) and another that agree in a column: one of both, or a pair
        of the left's and the right's. Submitted as `left=PATH right=PATH`. kind: which rows without
        a partner are kept: "inner" (none), "left", "right" or "outer"."""
        left, right = (on, on) if isinstance(on, str) else on
        sides = {
            "left": _columns("join: left", [left], self)[0],
            "right": _columns("join: right", [right], other)[0],
        }
        apply = {"operator": "join", "on": sides, "kind": _one_of("kind", kind, _KINDS)}
        declared = _declared(options)
        inputs = {"left": self.spec, "right": other.spec}
        return _job(_spec(inputs, apply, declared), declared)


def _sorted(source: Source, keys: _Keys, kept: _Plain, options: _Plain) -> Job:
    by, order, numeric = keys
    is_lines = source.spec["format"] == "lines"
    is_text = is_lines or source.spec["format"] == "words"
    named = [by] if isinstance(by, str) else list(by) or source.columns
    declared = _declared(options)
    wished = declared.get("output")
    if wished == "text":
        raise ValueError('sort: output "text" is for pairs; lines and words are lines without it')
    declared["output"] = wished or ("text" if is_text else "ndjson")
    is_raw = is_lines and not numeric and wished is None
    apply = {
        "operator": "sort",
        "by": [] if is_raw else _columns("sort", named, source),
        "order": _one_of("order", order, _ORDERS),
        "numeric": bool(numeric),
        **kept,
        "splitters": [],
    }
    return _job(_spec({"default": source.spec}, apply, declared), declared)


def _spec(inputs: Mapping[str, _Plain], apply: _Plain, declared: _Plain) -> Dict[str, Any]:
    """An `OperatorSpec` of src/wire/block/plan.ts."""
    read = {}
    for name, spec in inputs.items():
        exact = {"exact": True} if spec["format"] == "json" else {}
        read[name] = {"encoding": "utf-8", **spec, **exact}
    return {
        "inputs": read,
        "apply": apply,
        "last": None,
        "output": declared.get("output", "ndjson"),
        "badRecords": declared.get("badRecords", "fail"),
    }


def _job(spec: Mapping[str, Any], declared: Mapping[str, Any]) -> Job:
    return Job("operator", {}, {"operator": spec, "declared": declared})


def _declared(options: Mapping[str, Any]) -> Dict[str, Any]:
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; there are: {', '.join(_OPTIONS)}")
    _one_of("output", options.get("output", "ndjson"), ("ndjson", "rows", "csv", *_TABLES, "text"))
    _one_of("bad_records", options.get("bad_records", "fail"), ("fail", "keep"))
    declared = {_OPTIONS[name]: value for name, value in options.items() if value is not None}
    if declared.get("output") == "rows":
        declared.update(output="ndjson", rows=True)
    return declared


def _columns(where: str, named: List[str], source: Source) -> List[str]:
    for name in named:
        if name not in source.columns:
            known = ", ".join(source.columns)
            raise ValueError(f"{where}: no column {name!r}; there are: {known}")
    return named


def _one_of(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise ValueError(f"`{name}` is {value!r}; it must be one of {', '.join(choices)}")
    return value


def _top(count: int) -> int:
    if type(count) is not int or not 1 <= count <= _TOP_MAX:
        raise ValueError(f"top_k({count!r}): how many is an int from 1 to {_TOP_MAX}")
    return count
