"""Says which part of a value cannot be stored and where it is: `a set at .user.tags[3]`.

Slow on purpose: encoders only notice that something is wrong, and then ask here."""

import math

from .errors import TaskError

DEPTH_MAX = 200


def refusal(value, where, finite_only):
    """The `user-error` for a value that an encoder refused. JSON has no NaN and no infinities."""
    path, what = _find(value, "", 0, finite_only) or ("", "something")
    place = f" at {path}" if path else ""
    numbers = "int, finite float" if finite_only else "int, float"
    return TaskError(
        "user-error",
        f"{what}{place} in {where} cannot be stored; use str, {numbers}, bool, None, bytes, dates, "
        "lists, tuples and dicts with str keys",
    )


def _find(value, path, depth, finite_only):
    if isinstance(value, float) and finite_only and not math.isfinite(value):
        return path, str(float(value))
    if depth > DEPTH_MAX:
        return f"{path[:40]}…", f"a value over {DEPTH_MAX} levels deep (or a cycle)"
    if isinstance(value, (list, tuple)):
        return _first(
            _find(item, f"{path}[{index}]", depth + 1, finite_only)
            for index, item in enumerate(value)
        )
    if isinstance(value, dict):
        for name, item in value.items():
            if not isinstance(name, str):
                return path, f"a dict with the key {short(name)}, which is no str,"
            found = _find(item, f"{path}.{name}", depth + 1, finite_only)
            if found:
                return found
        return None
    return None if is_value(value) else (path, kind_of(value))


def _first(found):
    return next((one for one in found if one), None)


def is_value(value):
    """Whether it is a value without parts that can be stored."""
    from datetime import date, time

    known = (str, int, float, bytes, bytearray, memoryview, date, time)
    return value is None or isinstance(value, known)


def kind_of(value):
    """`a set`, `an instance of shop.Order`; numbers of other packages say how to convert them."""
    kind = type(value)
    if kind.__module__ == "builtins":
        name = f"a {kind.__name__}"
    else:
        name = f"an instance of {kind.__module__}.{kind.__qualname__}"
    if hasattr(value, "tolist") and hasattr(value, "item"):
        return f"{name} (convert it by .item() or .tolist())"
    return name


def short(value):
    """At most 100 characters of what the value says of itself."""
    try:
        text = repr(value)
    except Exception:
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 100 else f"{text[:100]}…"
