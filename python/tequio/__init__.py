"""Jobs for a Tequio cluster, written in Python: map_reduce, tasks, and what their code can call.

    from tequio import map_reduce, text

    job = map_reduce(
        input=text.lines(),
        map=lambda line, emit: [emit(word, 1) for word in line.split()],
        combine=lambda a, b: a + b,
    )

`tequio run job.py inputs…` runs it; docs/python.md has the rest. Standard library only, Python 3.9
or newer."""

from .formats import Format, binary, csv, ndjson, text
from .jobs import Emit, Job, MapContext, ReduceContext, TaskContext, map_reduce, tasks
from .runtime import count, log

__all__ = [
    "Emit",
    "Format",
    "Job",
    "MapContext",
    "ReduceContext",
    "TaskContext",
    "binary",
    "count",
    "csv",
    "log",
    "map_reduce",
    "ndjson",
    "tasks",
    "text",
]
