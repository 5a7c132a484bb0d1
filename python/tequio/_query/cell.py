"""Expressions as job authors write them: `lambda row: (row.price * row.count > 100)`.

A cell stands for a value of each row. Its methods and operators make further cells and compute
nothing: what they say is sent as data to those who have the rows."""

import datetime
import math
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Union

from .pattern import translated

_EXACT_MAX = 1 << 53
_DATES = (datetime.date, datetime.datetime)
_UNITS = ("year", "quarter", "month", "day", "hour", "minute")
_IN_MAX = 9_999
_PARTS_MAX = 99

Constant = Union[str, int, float, bool, None, datetime.date]
Operand = Union["Cell", Constant]


class Cell:
    """A value of each row. What has an argument that is None in a row is None there, and `where`
    keeps rows for which its test is true, not None. Two values compare as numbers when one of them
    is a number, as booleans when one is a bool, else as texts. What must be a number or a bool and
    is none is a bad record; an empty text as one of these is None.

    Of the operators of Python there are `== != < <= > >=`, `& | ~` (and, or, not: put comparisons
    in parentheses), `+ - * /` and the sign."""

    __slots__ = ("_expression",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression: Mapping[str, Any]) -> None:
        self._expression = expression

    def __eq__(self, other: Operand) -> "Cell":  # type: ignore[override]
        return call("eq", self, other)

    def __ne__(self, other: Operand) -> "Cell":  # type: ignore[override]
        return call("ne", self, other)

    def __lt__(self, other: Operand) -> "Cell":
        return call("lt", self, other)

    def __le__(self, other: Operand) -> "Cell":
        return call("le", self, other)

    def __gt__(self, other: Operand) -> "Cell":
        return call("gt", self, other)

    def __ge__(self, other: Operand) -> "Cell":
        return call("ge", self, other)

    def __and__(self, other: Operand) -> "Cell":
        return call("and", self, other)

    def __rand__(self, other: Operand) -> "Cell":
        return call("and", other, self)

    def __or__(self, other: Operand) -> "Cell":
        return call("or", self, other)

    def __ror__(self, other: Operand) -> "Cell":
        return call("or", other, self)

    def __invert__(self) -> "Cell":
        return call("not", self)

    def __add__(self, other: Operand) -> "Cell":
        return call("add", self, other)

    def __radd__(self, other: Operand) -> "Cell":
        return call("add", other, self)

    def __sub__(self, other: Operand) -> "Cell":
        return call("sub", self, other)

    def __rsub__(self, other: Operand) -> "Cell":
        return call("sub", other, self)

    def __mul__(self, other: Operand) -> "Cell":
        return call("mul", self, other)

    def __rmul__(self, other: Operand) -> "Cell":
        return call("mul", other, self)

    def __truediv__(self, other: Operand) -> "Cell":
        return call("div", self, other)

    def __rtruediv__(self, other: Operand) -> "Cell":
        return call("div", other, self)

    def __neg__(self) -> "Cell":
        return call("neg", self)

    def __abs__(self) -> "Cell":
        return call("abs", self)

    def __bool__(self) -> bool:
        text = "a column of a query has no truth of its own: write (a) & (b), (a) | (b), ~(a),"
        more = "between() and test.choose(yes, no) for and, or, not, a < b < c, if"
        raise TypeError(f"{text} {more}")

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("a column of a query cannot be iterated over; it stands for every row")

    def between(self, least: Operand, most: Operand) -> "Cell":
        """At least the first and at most the second."""
        return call("between", self, least, most)

    def is_in(self, values: Sequence[Operand]) -> "Cell":
        """One of these: 1 to 9,999."""
        if isinstance(values, str):
            raise TypeError("is_in: give a list of values, not one str")
        return call("in", self, *_counted("is_in", values, _IN_MAX))

    def is_null(self) -> "Cell":
        """None in this row."""
        return call("isNull", self)

    def is_not_null(self) -> "Cell":
        """Not None in this row."""
        return ~self.is_null()

    def is_empty(self) -> "Cell":
        """None, or a text without characters, such as an empty cell of CSV."""
        return self.is_null() | (self == "")

    def like(self, pattern: str) -> "Cell":
        """As in SQL: `%` stands for any text, `_` for any character."""
        return call("like", self, _text("like", pattern))

    def matches(self, pattern: "Union[str, re.Pattern[str]]") -> "Cell":
        """Whether the expression, of Python's `re`, is found in it, as `re.search`. Errors:
        ValueError for what workers cannot do with the same result."""
        source, flags = translated(re.compile(pattern), None)
        return call("matches", self, source, flags)

    def starts_with(self, text: Operand) -> "Cell":
        """Whether it begins with this text."""
        return call("startsWith", self, text)

    def ends_with(self, text: Operand) -> "Cell":
        """Whether it ends with this text."""
        return call("endsWith", self, text)

    def contains(self, text: Operand) -> "Cell":
        """Whether this text is in it."""
        return call("contains", self, text)

    def mod(self, other: Operand) -> "Cell":
        """What division by whole numbers leaves, with the sign of the dividend (which `%` of Python
        has not); None by 0."""
        return call("mod", self, other)

    def floor(self) -> "Cell":
        """The greatest whole number that is not above it."""
        return call("floor", self)

    def ceil(self) -> "Cell":
        """The least whole number that is not below it."""
        return call("ceil", self)

    def round(self, decimals: int = 0) -> "Cell":
        """To so many decimals; halves away from zero (which `round` of Python does not)."""
        return call("round", self, decimals)

    def lower(self) -> "Cell":
        """In lower case."""
        return call("lower", self)

    def upper(self) -> "Cell":
        """In upper case."""
        return call("upper", self)

    def trim(self) -> "Cell":
        """Without blanks at both ends."""
        return call("trim", self)

    def length(self) -> "Cell":
        """Number of characters."""
        return call("length", self)

    def concat(self, *others: Operand) -> "Cell":
        """With these behind it, up to 99; None is an empty text."""
        return call("concat", self, *_counted("concat", others, _PARTS_MAX))

    def substring(self, start: int, count: Optional[int] = None) -> "Cell":
        """From a place that is counted from 1, `count` characters or all."""
        return call("substring", self, start, *(() if count is None else (count,)))

    def replace(self, find: str, by: str) -> "Cell":
        """With `by` in place of each `find`."""
        return call("replace", self, _text("replace", find), _text("replace", by))

    def year(self) -> "Cell":
        """Of a date, as ISO 8601 writes it; so are the following."""
        return call("year", self)

    def month(self) -> "Cell":
        """1 to 12."""
        return call("month", self)

    def day(self) -> "Cell":
        """1 to 31."""
        return call("day", self)

    def hour(self) -> "Cell":
        """0 to 23."""
        return call("hour", self)

    def minute(self) -> "Cell":
        """0 to 59."""
        return call("minute", self)

    def second(self) -> "Cell":
        """0 to 59."""
        return call("second", self)

    def weekday(self) -> "Cell":
        """1 (Monday) to 7."""
        return call("weekday", self)

    def date(self) -> "Cell":
        """Of a date with a time, the date."""
        return call("date", self)

    def truncate(self, unit: str) -> "Cell":
        """Where the "year", "quarter", "month", "day", "hour" or "minute" begins."""
        if unit not in _UNITS:
            raise ValueError(f"truncate({unit!r}): the unit must be one of {', '.join(_UNITS)}")
        return call("truncate", self, unit)

    def number(self) -> "Cell":
        """The number that a text says."""
        return call("number", self)

    def boolean(self) -> "Cell":
        """What a text says: `true` or `false`, in letters of any case."""
        return call("boolean", self)

    def text(self) -> "Cell":
        """As a text."""
        return call("text", self)

    def coalesce(self, *others: Operand) -> "Cell":
        """This, or where it is None the next of up to 99 that is not."""
        return call("coalesce", self, *_counted("coalesce", others, _PARTS_MAX))

    def null_if(self, other: Operand) -> "Cell":
        """None where it equals the other."""
        return call("nullIf", self, other)

    def choose(self, yes: Operand, no: Operand) -> "Cell":
        """The first where this is true, else the second."""
        return call("if", self, yes, no)


def call(name: str, *of: Operand) -> Cell:
    """A function of src/wire/block/query.ts."""
    return Cell({"call": name, "of": [expression_of(one) for one in of]})


def expression_of(operand: Operand) -> Mapping[str, Any]:
    """As data. Dates are their ISO texts. Errors: TypeError for what is no value of a query."""
    if isinstance(operand, Cell):
        return operand._expression
    if isinstance(operand, _DATES):
        return {"value": operand.isoformat()}
    if operand is None or isinstance(operand, (str, bool)):
        return {"value": operand}
    if isinstance(operand, int) and abs(operand) <= _EXACT_MAX:
        return {"value": operand}
    if isinstance(operand, float) and math.isfinite(operand):
        return {"value": operand}
    rule = "use str, float, int up to 2^53, bool, None and dates"
    raise TypeError(f"{operand!r:.80} is no value of a query; {rule}")


class Cells:
    """The cells of a row by the names of its columns: `row.price`, or `row["user.id"]`."""

    __slots__ = ("_cells",)

    def __init__(self, columns: Sequence[str]) -> None:
        self._cells: Dict[str, Cell] = {name: Cell({"column": name}) for name in columns}

    def __getitem__(self, name: str) -> Cell:
        found = self._cells.get(name)
        if found is None:
            raise ValueError(no_column(name, list(self._cells)))
        return found

    def __getattr__(self, name: str) -> Cell:
        if name.startswith("__") and name not in self._cells:
            raise AttributeError(name)
        return self[name]


def no_column(name: object, columns: Sequence[str]) -> str:
    """The text of an error."""
    return f"no column {name!r}; there are: {', '.join(columns)}"


def _counted(where: str, values: Sequence[Operand], most: int) -> List[Operand]:
    held = list(values)
    if not 1 <= len(held) <= most:
        raise ValueError(f"{where}: {len(held)} values are given, and it takes 1 to {most}")
    return held


def _text(where: str, given: object) -> str:
    if not isinstance(given, str):
        raise TypeError(f"{where}: give a str, not {given!r:.80}")
    return given
