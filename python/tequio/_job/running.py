"""The job's functions as they are called: with the context when they want it, named in errors, and
never `async` where results are needed at once."""

import inspect

from .._values.errors import TaskError


def role_of(function, role):
    """How errors name the function."""
    return getattr(function, "role", role)


def parameters_of(function):
    """How many parameters it takes by place; None = any number, or not known."""
    parameters = _signature_of(function)
    if parameters is None or any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    return sum(one.kind in _BY_PLACE for one in parameters)


def required_of(function):
    """How many parameters it must be given by place; None = not known."""
    parameters = _signature_of(function)
    if parameters is None:
        return None
    return sum(one.kind in _BY_PLACE and one.default is one.empty for one in parameters)


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _signature_of(function):
    try:
        return inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None


class ReadOnce:
    """The values of one key, for `reduce`: on the cluster they are read from disk as it asks for
    them, never all in memory, and so they can be read once; the judge refuses the same."""

    def __init__(self, values):
        self._values = values

    def __iter__(self):
        values, self._values = self._values, None
        if values is None:
            text = "values can be read only once; copy them with list(values) when they fit in"
            raise TaskError("user-error", f"{text} memory")
        return iter(values)


def refuse_async(role, function):
    """`build-failed` for what would give a coroutine where a result is needed."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        text = f"`{role}` must not be async; for asynchronous work use tasks(items=…, run=…)"
        raise TaskError("build-failed", text)


def refuse_coroutine(role, returned):
    """`user-error` for a coroutine that a function gave which is not itself async."""
    if inspect.iscoroutine(returned):
        returned.close()
        text = f"{role} returned a coroutine, but it must not be async; for asynchronous work use"
        raise TaskError("user-error", f"{text} tasks(items=…, run=…)")


def map_form(function):
    """`pairs`: map(record) gives pairs; `emit`: map(record, emit); `context`: with the context."""
    count = parameters_of(function)
    if count == 1:
        return "pairs"
    required = required_of(function)
    return "emit" if count == 2 or required == 2 else "context"


def wants_context(function, without):
    """Whether a function that is given `without` parameters takes the context behind them."""
    count = parameters_of(function)
    return count is None or (count > without and required_of(function) > without)


def params_of(job, given):
    """The job's defaults overlaid with those of a plan, which are JSON: a float that is whole has
    come as an int, and is a float again where the default is one."""
    defaults = job.options["params"]
    params = {**defaults, **given}
    for name, value in params.items():
        if type(value) is int and type(defaults.get(name)) is float:
            params[name] = float(value)
    return params
