"""Tables: jobs whose result has rows with named columns, and that can be asked on. Each method
makes another table; each table is a job."""

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Union

from .._declared import Job
from .._operator import declared_options, operator_spec
from .aggregate import Aggregate, aggregate
from .cell import Cell, Cells, Operand, expression_of, no_column

Test = Callable[[Cells], Operand]
Selected = Union[bool, Callable[[Cells], Operand]]
SortBy = Union[str, Mapping[str, Any]]

# As of src/sdk/operators/query/table.ts.
_SHUFFLES_MAX = 7
_ROWS_MAX = 10_000_000
_SORT_KEYS = {"by", "order", "numeric", "nulls"}


class Table(Job):
    """Rows with named columns. Made by `where`, `select`, `table` and `aggregate` of a source."""

    __slots__ = ()

    @property
    def columns(self) -> List[str]:
        """The names of the columns, in order."""
        apply = self.options["operator"]["apply"]
        columns = apply["columns"]
        for step in apply["steps"]:
            columns = _columns_after(step, columns)
        return list(columns)

    def where(self, test: Test) -> "Table":
        """The rows for which `test(row)` is true: `where(lambda row: row.price > 10)`. A row stands
        for every row: its columns are cells, see `Cell`."""
        return self._then({"step": "where", "test": expression_of(test(Cells(self.columns)))})

    def having(self, test: Test) -> "Table":
        """The same, as SQL calls it behind groups."""
        return self.where(test)

    def select(
        self, *columns: Union[str, Mapping[str, Selected]], **named: Selected
    ) -> "Table":
        """These columns, in this order: `select("city", total=lambda row: row.price * row.count)`.
        A str keeps a column, as True does; a mapping has names that are no names of Python."""
        cells = Cells(self.columns)
        wanted: Dict[str, Selected] = {}
        for one in (*columns, named):
            given = {one: True} if isinstance(one, str) else one
            _check_names([*wanted, *given])
            wanted.update(given)
        made = []
        for name, of in wanted.items():
            value = of(cells) if callable(of) else cells[name] if of is True else None
            if value is None and not callable(of):
                raise TypeError(f"select: {name} is {of!r}; give True or a function of the row")
            made.append({"name": name, "value": expression_of(value)})
        return self._then({"step": "select", "columns": made})

    def by(self, *columns: str) -> "TableGroups":
        """Groups of the rows that agree in these columns; without columns one of all rows."""
        return TableGroups(self, columns)

    def aggregate(self, **named: Aggregate) -> "Table":
        """Of all rows: one row, as `aggregate(total=aggregate.sum("price"))`."""
        return self.by().aggregate(**named)

    def distinct(self) -> "Table":
        """Each row once, in the order of their columns."""
        return self._then({"step": "group", "by": self.columns, "aggregates": []})

    def sort(self, *by: SortBy, **order: Any) -> "Table":
        """All rows in order: by the first column, where that is equal by the second, and so on;
        default by all columns.

        by: a column, or `{"by": "total", "order": "descending"}`. order: "ascending" (default) or
        "descending". numeric: by the number with which a text begins, default False; numbers need
        nothing. nulls: "first" or "last"; default before all when ascending, behind all when
        descending. Given as keywords, these hold for columns that do not say otherwise."""
        sort = _sort_columns(by, order, self.columns)
        return self._then({"step": "sort", "by": sort, "limit": None, "offset": 0})

    def top_k(self, count: int, *by: SortBy, **order: Any) -> "Table":
        """The first rows in an order as of `sort`: `top_k(3, "total", order="descending")`."""
        _check_rows(count, 1)
        sort = _sort_columns(by, order, self.columns)
        return self._then({"step": "sort", "by": sort, "limit": count, "offset": 0})

    def limit(self, count: int, offset: int = 0) -> "Table":
        """So many rows, behind `offset` others: of a sorted table the first ones, else in the order
        of the input."""
        _check_rows(count, 0)
        _check_rows(offset, 0)
        steps = self._steps
        if not steps or steps[-1]["step"] != "sort" or steps[-1]["limit"] is not None:
            return self._then({"step": "sort", "by": [], "limit": count, "offset": offset})
        last = {**steps[-1], "limit": count, "offset": offset}
        return self._with([*steps[:-1], last], self.options["declared"])

    def with_options(self, **options: Any) -> "Table":
        """With these options of the job, as every operator has them: name, reducers, output and so
        on."""
        return self._with(self._steps, {**self.options["declared"], **declared_options(options)})

    @property
    def _steps(self) -> List[Mapping[str, Any]]:
        return self.options["operator"]["apply"]["steps"]

    def _then(self, step: Mapping[str, Any]) -> "Table":
        return self._with([*self._steps, step], self.options["declared"])

    def _with(self, steps: List[Mapping[str, Any]], declared: Mapping[str, Any]) -> "Table":
        spec = self.options["operator"]
        return _table(spec["inputs"]["default"], spec["apply"]["columns"], steps, declared)


class TableGroups:
    """The rows of a table that agree in some columns."""

    def __init__(self, table: Table, by: Sequence[str]) -> None:
        self._table = table
        self._by = [_checked(name, table.columns) for name in by]

    def aggregate(self, **named: Aggregate) -> Table:
        """A row for each group: its columns, and these aggregates."""
        made = []
        for name, one in named.items():
            if not isinstance(one, Aggregate):
                rule = 'give one of `aggregate`, such as aggregate.sum("price")'
                raise TypeError(f"aggregate: {name} is {one!r:.80}; {rule}")
            if one.column is not None:
                _checked(one.column, self._table.columns)
            made.append({"name": name, "function": one.function, "column": one.column, **one.more})
        _check_names([*self._by, *named])
        return self._table._then({"step": "group", "by": self._by, "aggregates": made})

    def count(self) -> Table:
        """A row for each group with its number of rows, in a column `count`."""
        return self.aggregate(count=aggregate.count())

    def top_k(self, count: int, *by: SortBy, **order: Any) -> Table:
        """The first rows of each group in an order as of `sort`."""
        _check_rows(count, 1)
        sort = _sort_columns(by, order, self._table.columns)
        return self._table._then({"step": "first", "by": self._by, "sort": sort, "limit": count})


def table_of(source: Mapping[str, Any], columns: Sequence[str]) -> Table:
    """The records of a source, whose format is `source`."""
    return _table(source, columns, [], {})


_Plain = Mapping[str, Any]


def _table(
    source: _Plain, columns: Sequence[str], steps: Sequence[_Plain], declared: _Plain
) -> Table:
    shuffles = sum(step["step"] not in ("where", "select") for step in steps)
    if shuffles > _SHUFFLES_MAX:
        text = f"a query has {shuffles} steps that bring rows together; at most {_SHUFFLES_MAX}"
        raise ValueError(f"{text}: run two jobs")
    apply = {
        "operator": "query",
        "columns": list(columns),
        "emptyIsNull": source.get("empty") == "null",
        "steps": list(steps),
        "reducers": [],
    }
    spec = operator_spec({"default": source}, apply, declared)
    return Table("operator", {}, {"operator": spec, "declared": dict(declared)})


def _columns_after(step: Mapping[str, Any], columns: Sequence[str]) -> Sequence[str]:
    if step["step"] == "select":
        return [one["name"] for one in step["columns"]]
    if step["step"] == "group":
        return [*step["by"], *(one["name"] for one in step["aggregates"])]
    return columns


def _sort_columns(
    by: Sequence[SortBy], order: Mapping[str, Any], columns: Sequence[str]
) -> List[Dict[str, Any]]:
    return [_sort_column(one, order, columns) for one in by or columns]


def _sort_column(
    one: SortBy, order: Mapping[str, Any], columns: Sequence[str]
) -> Dict[str, Any]:
    given = {**order, **({"by": one} if isinstance(one, str) else one)}
    unknown = sorted(set(given) - _SORT_KEYS)
    if unknown or "by" not in given:
        text = f"unknown {unknown[0]!r}" if unknown else f"no column in {one!r:.80}"
        raise TypeError(f'sort: {text}; give a column, or {{"by": …}} with order, numeric, nulls')
    direction = given.get("order", "ascending")
    nulls = given.get("nulls") or ("first" if direction == "ascending" else "last")
    _choice("order", direction, ("ascending", "descending"))
    _choice("nulls", nulls, ("first", "last"))
    numeric = bool(given.get("numeric", False))
    named = _checked(given["by"], columns)
    return {"by": named, "order": direction, "numeric": numeric, "nulls": nulls}


def _choice(name: str, value: Optional[str], choices: Sequence[str]) -> None:
    if value not in choices:
        raise ValueError(f"`{name}` is {value!r}; it must be one of {', '.join(choices)}")


def _checked(name: str, columns: Sequence[str]) -> str:
    if name not in columns:
        raise ValueError(no_column(name, columns))
    return name


def _check_names(names: Sequence[str]) -> None:
    twice = [name for at, name in enumerate(names) if name in names[:at] or name == "__proto__"]
    if not names or twice:
        what = f"two columns {twice[0]!r}" if twice else "no column"
        raise ValueError(f"{what} in the result; give one name for each column")


def _check_rows(count: int, least: int) -> None:
    if type(count) is not int or not least <= count <= _ROWS_MAX:
        rule = f"how many is a whole number from {least} to {_ROWS_MAX}"
        raise ValueError(f"{count!r} rows; {rule}")
