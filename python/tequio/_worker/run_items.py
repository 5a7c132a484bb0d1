"""Runs items of a `tasks` job, one after the other, as fast as they come."""

import inspect
from time import perf_counter

from .._job.chance import begin_task
from .._job.failure import failure_of, raised_by
from .._values.errors import TaskError
from .._values.json_text import JsonText, json_bytes, json_size, json_text
from ..jobs import TaskContext
from .channel import ChannelClosed

RESULT_MAX_BYTES = 1024 * 1024
# After an item this long, reports do not wait for the next one, in s.
_LONG_ITEM_S = 0.0005
# No coroutines: most results need not be looked at closer.
_PLAIN = frozenset((int, str, float, bool, type(None), list, tuple, dict, JsonText))


def run_items(process, batch):
    """`process` is the state of the process: its job, items and reporter."""
    loaded, items, reporter = process.loaded, process.items, process.reporter
    function = loaded.options["run"]
    with_context = loaded.run_wants_context
    seed = loaded.options["seed"]
    for order in batch:
        task, attempt = order["task"], order["attempt"]
        started_s = perf_counter()
        reporter.start_attempt(task, attempt, started_s)
        process.working = (task, attempt)
        try:
            item = items.item(task)
            begin_task(seed, "run", task)
            arguments = (item, TaskContext(loaded.params, task)) if with_context else (item,)
            returned = _called(process, function, arguments, task)
            text = result_text(returned, task)
            process.stream.end_line()
            now_s = perf_counter()
            if process.counters:
                reporter.report(_counted(order, text, process, (started_s, now_s)), now_s)
            else:
                reporter.result(task, attempt, text, (started_s, now_s))
        except ChannelClosed:
            raise
        except BaseException as error:
            now_s = perf_counter()
            process.stream.end_line()
            process.counters.take()
            failed = error if isinstance(error, TaskError) else raised_by("run", error, "")
            report = {"kind": "failed", "task": task, "attempt": attempt}
            report["durationMs"] = (now_s - started_s) * 1000
            report["failure"] = failure_of(failed, loaded.code_folder)
            reporter.report(report, now_s)
        process.working = None
        if now_s - started_s > _LONG_ITEM_S:
            reporter.flush(now_s)
    reporter.flush(perf_counter())


def _called(process, function, arguments, task):
    try:
        returned = function(*arguments)
        if type(returned) in _PLAIN or not inspect.isawaitable(returned):
            return returned
        return process.awaited(returned)
    except BaseException as error:
        raise raised_by("run", error, f"item {task}")


def result_text(returned, task):
    """The result as JSON in one line, at most 1 MiB. Errors: `user-error`, `limit-exceeded`."""
    if type(returned) is int:
        text = int.__repr__(returned)
    else:
        text = json_text(returned, f"the result of item {task}")
    size = len(text)
    if not text.isascii():
        # Half characters are escaped.
        text = json_bytes(text).decode()
        size = json_size(text)
    if size <= RESULT_MAX_BYTES:
        return text
    limit = f"the result of item {task} has {size} bytes, of at most {RESULT_MAX_BYTES}"
    raise TaskError("limit-exceeded", f"{limit}; return less, or use map_reduce for large results")


def _counted(order, text, process, times):
    started_s, now_s = times
    return {
        "kind": "done",
        "task": order["task"],
        "attempt": order["attempt"],
        "durationMs": (now_s - started_s) * 1000,
        "records": 1,
        "sizeBytes": len(text.encode()),
        "root": "",
        "value": text,
        "inputBytes": 0,
        "counters": process.counters.take(),
    }
