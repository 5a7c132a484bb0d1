"""Constants as expressions: what a worker evaluates to the same value."""

import datetime
import decimal
import fractions
import logging
import re
from typing import Any, Optional

_PLAIN = (type(None), bool, int, str, bytes, type(...))
_DATES = (datetime.date, datetime.datetime, datetime.time, datetime.timedelta, datetime.timezone)
LITERAL_MAX_CHARACTERS = 1_000_000


def literal(value: Any, depth: int = 0) -> Optional[str]:
    """None for what is no constant: subclasses count as such."""
    kind = type(value)
    if kind in _PLAIN:
        return repr(value)
    if kind in (float, complex):
        return repr(value) if _is_readable(value) else f"{kind.__name__}('{value}')"
    if depth > 50:
        return None
    if kind in (list, tuple, set, frozenset):
        parts = [literal(one, depth + 1) for one in value]
        if None in parts:
            return None
        inner = "".join(f"{part}," for part in parts)
        return f"({inner})" if kind is tuple else f"{kind.__name__}(({inner}))"
    if kind is dict:
        pairs = [(literal(k, depth + 1), literal(v, depth + 1)) for k, v in value.items()]
        if any(None in pair for pair in pairs):
            return None
        return "{" + "".join(f"{k}:{v}," for k, v in pairs) + "}"
    return _known(value, kind)


def _is_readable(value: Any) -> bool:
    return "n" not in repr(value)


def _known(value: Any, kind: type) -> Optional[str]:
    if kind in _DATES:
        return repr(value) if repr(value).startswith("datetime.") else None
    if kind is decimal.Decimal:
        return f"decimal.Decimal('{value}')"
    if kind is fractions.Fraction:
        return f"fractions.Fraction({value.numerator}, {value.denominator})"
    if kind is re.Pattern:
        return f"re.compile({value.pattern!r}, {value.flags})"
    if isinstance(value, logging.Logger):
        return f"logging.getLogger({value.name!r})"
    return None


def is_namedtuple(value: Any) -> bool:
    """A class that `collections.namedtuple` made, which has no source."""
    return isinstance(value, type) and value.__bases__ == (tuple,) and hasattr(value, "_fields")
