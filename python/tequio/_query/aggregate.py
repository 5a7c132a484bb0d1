"""The aggregates of `aggregate(…)`: what the rows of a group come to."""

from typing import Any, Dict, NamedTuple, Optional


class Aggregate(NamedTuple):
    """Made by the functions of `aggregate`; `column`: None for all rows."""

    function: str
    column: Optional[str] = None
    more: Dict[str, Any] = {}


class aggregate:  # noqa: N801 (a namespace, as `text`)
    """Of the rows of a group. None and empty texts are left out, but by `count()`; of no values,
    `sum`, `avg`, `min`, `max` and quantiles are None."""

    @staticmethod
    def count() -> Aggregate:
        """How many rows there are."""
        return Aggregate("count")

    @staticmethod
    def count_values(column: str) -> Aggregate:
        """How many rows have a value in the column."""
        return Aggregate("count", column)

    @staticmethod
    def sum(column: str) -> Aggregate:
        """The exact sum."""
        return Aggregate("sum", column)

    @staticmethod
    def avg(column: str) -> Aggregate:
        """The exact sum by the number of its values: all digits when there are at most 40, else the
        nearest double."""
        return Aggregate("avg", column)

    @staticmethod
    def min(column: str, as_text: bool = False) -> Aggregate:
        """The least number. as_text: texts by their UTF-8 bytes, dates among them."""
        return Aggregate("min", column, {"as": "text"} if as_text else {})

    @staticmethod
    def max(column: str, as_text: bool = False) -> Aggregate:
        """The greatest number. as_text: texts by their UTF-8 bytes, dates among them."""
        return Aggregate("max", column, {"as": "text"} if as_text else {})

    @staticmethod
    def count_distinct(column: str) -> Aggregate:
        """How many different values there are, exactly."""
        return Aggregate("countDistinct", column)

    @staticmethod
    def quantile(column: str, at: float) -> Aggregate:
        """Exactly: the value below which a share `at` (0 to 1) of the numbers lies, between the two
        nearest in proportion."""
        return Aggregate("quantile", column, {"at": _share(at)})

    @staticmethod
    def approx_count_distinct(column: str) -> Aggregate:
        """As `count_distinct`, in 4 KiB a group: with a standard error of 1.6 %."""
        return Aggregate("approxCountDistinct", column)

    @staticmethod
    def approx_quantile(column: str, at: float) -> Aggregate:
        """As `quantile`, in bounded memory: within 0.8 % of a value of the numbers."""
        return Aggregate("approxQuantile", column, {"at": _share(at)})


def _share(at: float) -> float:
    if isinstance(at, (int, float)) and not isinstance(at, bool) and 0 <= at <= 1:
        return at
    raise ValueError(f"a quantile at {at!r}; it must be from 0 to 1")
