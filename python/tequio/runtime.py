"""What job code can call anywhere: count and log. The process that runs the job installs where they
lead."""

import json

_targets = {}


def install(count, log):
    """Where counters and lines go: `count(name, by)`, `log(line)`."""
    _targets.update(count=count, log=log)


def count(counter: str, by: float = 1) -> None:
    """Adds to a counter of the job, shown in its status, summed over the tasks that count.

    counter: 1 to 200 characters; an attempt has at most 1,000 counters. by: any finite number.
    Errors: a failure of the attempt (`user-error`) for another name or number."""
    if "count" in _targets:
        _targets["count"](counter, by)


def log(*values: object) -> None:
    """Writes a line to the job's log (`tequio logs`), the values joined by a blank: str as it is,
    everything else as JSON where it can be. `print` and `logging` go there, too.

    An attempt keeps its first 1,000 lines, each up to 4,096 bytes."""
    if "log" in _targets:
        _targets["log"](" ".join(_shown(value) for value in values))


def _shown(value):
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)
