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
from .operators import Groups, Pairs, Records, Source
from .runtime import count, log

if TYPE_CHECKING:
    from ._client.cluster import Cluster
    from ._client.executor import Executor
    from ._client.failure import CallFailed, ClusterError
    from ._client.result import Result
    from ._client.running import RunningJob
    from ._query.aggregate import Aggregate, aggregate
    from ._query.cell import Cell, Cells
    from ._query.table import Table, TableGroups

_WHEN_USED = {
    "Aggregate": "_query.aggregate",
    "CallFailed": "_client.failure",
    "Cell": "_query.cell",
    "Cells": "_query.cell",
    "Cluster": "_client.cluster",
    "ClusterError": "_client.failure",
    "Executor": "_client.executor",
    "Result": "_client.result",
    "RunningJob": "_client.running",
    "Table": "_query.table",
    "TableGroups": "_query.table",
    "aggregate": "_query.aggregate",
}

__all__ = [
    "Aggregate",
    "CallFailed",
    "Cell",
    "Cells",
    "Cluster",
    "ClusterError",
    "Emit",
    "Executor",
    "Format",
    "Groups",
    "Job",
    "MapContext",
    "Pairs",
    "Records",
    "ReduceContext",
    "Result",
    "RunningJob",
    "Source",
    "Table",
    "TableGroups",
    "TaskContext",
    "aggregate",
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
    """The client and tables are loaded when they are used: by workers, which load job files often,
    they are not."""
    if name not in _WHEN_USED:
        raise AttributeError(f"module 'tequio' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tequio.{_WHEN_USED[name]}"), name)
