"""Operators: jobs without any code, as `text.csv(["city", "price"]).by("city").sum("price")`.

They are plain data, the same as in TypeScript, and the same kernels run them: as fast, with the
same bytes, on workers with and without Python. docs/operators.md says what each of them gives.

Options of all: name, reducers, output ("ndjson", "rows", "csv", "parquet", "arrow" or "text"),
bad_records ("fail", "keep" or {"keep_up_to": share}), timeout_ms, attempts, backup_tasks; as of
`map_reduce`."""

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Sequence, Tuple, Union

from ._declared import Format, Job
from ._operator import declared_options, one_of, operator_spec

if TYPE_CHECKING:
    # Tables are loaded when they are used: workers, which load this often, do not use them.
    from ._query.aggregate import Aggregate
    from ._query.table import Selected, SortBy, Table, Test

_KINDS = ("inner", "left", "right", "outer")
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
        last = {"operator": "top", "count": _top(count), "order": one_of("order", order, _ORDERS)}
        declared = dict(self.options["declared"])
        declared.pop("reducers", None)
        return _job({**self.options["operator"], "last": last}, declared)


class Groups:
    """Of the records that agree in some columns."""

    def __init__(self, source: "Source", by: Sequence[str]) -> None:
        self._source = source
        self._by = _columns("by", list(by), source)

    def aggregate(self, **named: "Aggregate") -> "Table":
        """A table with a row for each group: its columns, and these aggregates."""
        return self._source.table().by(*self._by).aggregate(**named)

    def top_k(self, count: int, *by: "SortBy", **order: Any) -> "Table":
        """A table of the first records of each group in an order as of `Table.sort`."""
        return self._source.table().by(*self._by).top_k(count, *by, **order)

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
        declared = declared_options(options)
        inputs = {"default": self._source.as_operators_read}
        return Pairs(*_job(operator_spec(inputs, {**apply, "by": self._by}, declared), declared))


class Source(Format):
    """A format whose records have columns: those of CSV and of JSON by their names, "line" and
    "word" of texts. It is the `input` of a job as well."""

    __slots__ = ()

    @property
    def columns(self) -> List[str]:
        """Their names."""
        named = self.spec.get("pick") or self.spec.get("columns") or self.spec.get("paths")
        return list(named) if named else [str(self.spec["format"]).rstrip("s")]  # type: ignore

    @property
    def as_operators_read(self) -> _Plain:
        """The format in an operator's description, where expressions are those of JavaScript."""
        if self.pattern is None:
            return self.spec
        from ._query.pattern import translated

        keeps_groups = self.spec["columns"] is not None
        source, flags = translated(self.pattern, keeps_groups)
        return {**self.spec, "pattern": source, "flags": flags}

    def table(self) -> "Table":
        """The records as a table, on which all operators can follow each other."""
        from ._query.table import table_of

        return table_of(self.as_operators_read, self.columns)

    def where(self, test: "Test") -> "Table":
        """The records for which `test(row)` is true, as a table: `lambda row: row.price > 10`."""
        return self.table().where(test)

    def select(
        self, *columns: "Union[str, Mapping[str, Selected]]", **named: "Selected"
    ) -> "Table":
        """A table of these columns, in this order, some of them computed; as `Table.select`."""
        return self.table().select(*columns, **named)

    def aggregate(self, **named: "Aggregate") -> "Table":
        """Of all records: a table of one row."""
        return self.table().aggregate(**named)

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
        apply = {"operator": "join", "on": sides, "kind": one_of("kind", kind, _KINDS)}
        declared = declared_options(options)
        inputs = {"left": self.as_operators_read, "right": other.as_operators_read}
        return _job(operator_spec(inputs, apply, declared), declared)


class Records(Format):
    """Binary records of one size, which `sort`, `top_k` and `distinct` by their keys; the result
    has the records and nothing else."""

    __slots__ = ()
    columns: Sequence[str] = ()

    @property
    def as_operators_read(self) -> _Plain:
        """The format in an operator's description."""
        return self.spec

    def sort(self, order: str = "ascending", **options: Any) -> Job:
        """All records in the order of their keys."""
        return _sorted(self, ((), order, False), {"unique": False, "limit": None}, options)

    def top_k(self, count: int, order: str = "descending", **options: Any) -> Job:
        """The records with the greatest keys (or least: `order="ascending"`), in that order."""
        kept = {"unique": False, "limit": _top(count)}
        return _sorted(self, ((), order, False), kept, options)

    def distinct(self, **options: Any) -> Job:
        """Of records with equal keys the first, in the order of the keys."""
        return _sorted(self, ((), "ascending", False), {"unique": True, "limit": None}, options)


_Sortable = Union[Source, Records]


def _sorted(source: _Sortable, keys: _Keys, kept: _Plain, options: _Plain) -> Job:
    by, order, numeric = keys
    kind, columns = source.spec["format"], source.columns
    is_text = kind in ("lines", "words") or (kind == "match" and not source.spec["columns"])
    own = "bytes" if kind == "records" else "text" if is_text else "ndjson"
    named = [by] if isinstance(by, str) else list(by) or columns
    declared = declared_options(options)
    wished = declared.get("output")
    if wished is not None and own == "bytes":
        text = f"sort: output {wished} is for records with columns"
        raise ValueError(f"{text}; bytes come out as they are")
    if wished == "text":
        raise ValueError('sort: output "text" is for pairs; lines and words are lines without it')
    declared["output"] = wished or own
    is_utf8 = source.spec.get("encoding", "utf-8").startswith("utf-8")
    is_raw = kind == "records" or (
        kind == "lines" and is_utf8 and not numeric and wished is None
    )
    apply = {
        "operator": "sort",
        "by": [] if is_raw else _columns("sort", named, source),
        "order": one_of("order", order, _ORDERS),
        "numeric": bool(numeric),
        **kept,
        "splitters": [],
    }
    return _job(operator_spec({"default": source.as_operators_read}, apply, declared), declared)


def _job(spec: Mapping[str, Any], declared: Mapping[str, Any]) -> Job:
    return Job("operator", {}, {"operator": spec, "declared": declared})


def _columns(where: str, named: List[str], source: Source) -> List[str]:
    for name in named:
        if name not in source.columns:
            known = ", ".join(source.columns)
            raise ValueError(f"{where}: no column {name!r}; there are: {known}")
    return named


def _top(count: int) -> int:
    if type(count) is not int or not 1 <= count <= _TOP_MAX:
        raise ValueError(f"top_k({count!r}): how many is an int from 1 to {_TOP_MAX}")
    return count
