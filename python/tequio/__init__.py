"""Jobs for a Tequio cluster, written in Python: map_reduce, tasks, and what their code can call;
and `Cluster`, by which a Python program uses one.

    from tequio import map_reduce, text

    job = map_reduce(
        input=text.lines(),
        map=lambda line, emit: [emit(word, 1) for word in line.split()],
        combine=lambda a, b: a + b,
    )

`tequio run job.py inputs…` runs it; docs/python.md has the rest. Standard library only, Python 3.9
or newer."""

from typing import TYPE_CHECKING, Any

from ._declared import Format, Job
from .formats import binary, csv, ndjson, text
from .jobs import Emit, MapContext, ReduceContext, TaskContext, map_reduce, tasks
from .operators import Groups, Pairs, Source
from .runtime import count, log

if TYPE_CHECKING:
    from ._client.cluster import Cluster
    from ._client.executor import Executor
    from ._client.failure import CallFailed, ClusterError
    from ._client.result import Result
    from ._client.running import RunningJob

_CLIENT = {
    "CallFailed": "failure",
    "Cluster": "cluster",
    "ClusterError": "failure",
    "Executor": "executor",
    "Result": "result",
    "RunningJob": "running",
}

__all__ = [
    "CallFailed",
    "Cluster",
    "ClusterError",
    "Emit",
    "Executor",
    "Format",
    "Groups",
    "Job",
    "MapContext",
    "Pairs",
    "ReduceContext",
    "Result",
    "RunningJob",
    "Source",
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


def __getattr__(name: str) -> Any:
    """The client is loaded when it is used: job files, which workers load often, do not use it."""
    if name not in _CLIENT:
        raise AttributeError(f"module 'tequio' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tequio._client.{_CLIENT[name]}"), name)
