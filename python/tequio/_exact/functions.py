"""The functions of `math` by the kit: with the arguments and the errors that Python has."""

import math
from typing import Any, Callable, Dict

_TEXTS = (str, bytes, bytearray)
_DOMAIN, _RANGE = "math domain error", "math range error"
# Of these an infinite result of a finite argument is too large; of others it is no number at all.
_OVERFLOWING = frozenset(("cosh", "exp", "exp2", "expm1", "sinh"))
_LOGARITHMS = frozenset(("log", "log2", "log10"))

Function = Callable[..., float]


def refusal(name: str) -> ArithmeticError:
    """What cannot be exact."""
    text = f"{name} differs between engines and versions of Python, and exact=True refuses it"
    return ArithmeticError(f"{text}: write it yourself, or leave `exact` out")


def real(given: Any) -> float:
    """The argument as a double. Errors: TypeError for what is no real number."""
    if isinstance(given, _TEXTS):
        raise TypeError(f"must be real number, not {type(given).__name__}")
    return float(given)


def functions_of(kit: Dict[str, Function]) -> Dict[str, Function]:
    """By their names in `math`."""
    found = {name: _of_one(name, function) for name, function in kit.items()}
    for name in _LOGARITHMS:
        found[name] = _of_large(name, found[name])
    found["log"] = _with_base(found["log"])
    found["atan2"] = lambda y, x: kit["atan2"](real(y), real(x))
    found["pow"] = lambda x, y: power(kit["pow"], real(x), real(y), False)
    for name, function in found.items():
        function.__name__ = function.__qualname__ = name
    return found


def _of_one(name: str, function: Function) -> Function:
    overflow: Exception = OverflowError(_RANGE) if name in _OVERFLOWING else ValueError(_DOMAIN)

    def one(x: Any) -> float:
        if type(x) is not float:
            x = real(x)
        result = function(x)
        if result - result == 0:
            return result
        if result != result and x == x:
            raise ValueError(_DOMAIN)
        if result == result and x - x == 0:
            raise type(overflow)(*overflow.args)
        return result

    return one


def _of_large(name: str, function: Function) -> Function:
    """Whole numbers may be beyond all doubles."""

    def logarithm(x: Any) -> float:
        try:
            return function(x)
        except OverflowError:
            if not isinstance(x, int) or x <= 0:
                raise
            bits = x.bit_length()
            return function(x / (1 << bits)) + function(2.0) * bits

    logarithm.__name__ = name
    return logarithm


def _with_base(log: Function) -> Function:
    def logarithm(x: Any, *base: Any) -> float:
        if len(base) > 1:
            raise TypeError(f"log expected at most 2 arguments, got {1 + len(base)}")
        return log(x) / log(base[0]) if base else log(x)

    return logarithm


def power(kit: Function, x: float, y: float, is_operator: bool) -> Any:
    """As `math.pow`, or as `**`, which divides by zero and would give complex numbers."""
    if x == 1.0 or y == 0.0:
        return 1.0
    if x == -1.0 and math.isinf(y):
        return 1.0
    if is_operator and x == 0.0 and y < 0:
        raise ZeroDivisionError("0.0 cannot be raised to a negative power")
    if is_operator and x < 0 and math.isfinite(x) and math.isfinite(y) and y != math.floor(y):
        raise refusal("a complex power")
    result = kit(x, y)
    if result - result == 0 or not (math.isfinite(x) and math.isfinite(y)):
        return result
    if result != result or x == 0.0:
        raise ValueError(_DOMAIN)
    if is_operator:
        raise OverflowError(34, "Numerical result out of range")
    raise OverflowError(_RANGE)
