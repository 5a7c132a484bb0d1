"""Sums, `hypot` and `dist`: exactly rounded, in the same way on every engine and version."""

import math
from typing import Any, Iterable, List, Optional

from .functions import real

_native_sum = sum
_NUMBERS = (float, int, bool)


def exact_sum(iterable: Iterable[Any], /, start: Any = 0) -> Any:
    """As `sum`; doubles are added without rounding, and rounded once. So neither their order nor
    the version of Python changes a digit."""
    if isinstance(start, (str, bytes, bytearray)):
        return _native_sum(iterable, start)
    total = start
    held: Optional[List[float]] = None
    for one in iterable:
        kind = type(one)
        if held is not None:
            if kind in _NUMBERS:
                held.append(float(one))
                continue
            total, held = _rounded(held), None
        if kind in _NUMBERS and type(total) in _NUMBERS and float in (kind, type(total)):
            held = [float(total), float(one)]
        else:
            total = total + one
    return total if held is None else _rounded(held)


def _rounded(held: List[float]) -> float:
    try:
        total = math.fsum(held)
    except (OverflowError, ValueError):
        # Beyond all doubles on the way, or infinities of both signs.
        total = 0.0
        for one in held:
            total += one
    if total == 0 and all(one == 0 and math.copysign(1.0, one) < 0 for one in held):
        return -0.0
    return total


def exact_hypot(*coordinates: Any) -> float:
    """The square root of the sum of squares."""
    return _length([abs(real(one)) for one in coordinates])


def exact_dist(p: Iterable[Any], q: Iterable[Any], /) -> float:
    """Between two points."""
    one, other = [real(x) for x in p], [real(x) for x in q]
    if len(one) != len(other):
        raise ValueError("both points must have the same number of dimensions")
    return _length([abs(a - b) for a, b in zip(one, other)])


def _length(sizes: List[float]) -> float:
    if any(math.isinf(one) for one in sizes):
        return math.inf
    if any(one != one for one in sizes):
        return math.nan
    largest = max(sizes, default=0.0)
    if largest == 0 or len(sizes) == 1:
        return largest
    # Whole numbers of the least unit that any has: their squares are exact.
    ratios = [one.as_integer_ratio() for one in sizes]
    unit = max(below for _, below in ratios)
    total = _native_sum((above * (unit // below)) ** 2 for above, below in ratios)
    return _root_of(total, unit)


def _root_of(total: int, unit: int) -> float:
    """The square root of `total`, by `unit`, rounded once."""
    shift = max(0, 2 * 64 - total.bit_length())
    shift += shift & 1
    root = math.isqrt(total << shift)
    if root * root != total << shift:
        # Between two doubles, and never at half: a digit behind says so.
        root = (root << 1) | 1
        shift += 2
    try:
        return root / (unit << (shift >> 1))
    except OverflowError:
        raise OverflowError("math range error") from None
