"""The job's functions as they are called: with the context when they want it, named in errors, and
never `async` where results are needed at once."""

import inspect

from .._values.errors import TaskError


def role_of(function, role):
    """How errors name the function."""
    return getattr(function, "role", role)


def parameters_of(function):
    """How many parameters it takes by place; None = any number, or not known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(one.kind is one.VAR_POSITIONAL for one in parameters):
        return None
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in places for one in parameters)


def required_of(function):
    """How many parameters it must be given by place."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in places and one.default is one.empty for one in parameters)


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
