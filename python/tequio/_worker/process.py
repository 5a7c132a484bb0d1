"""The orders of a worker and how each is carried out, in a task process and in a tab alike."""

import os
import sys
import threading
from time import perf_counter

from .. import runtime
from .._job import chance, clock
from .._job.chance import begin_task
from .._job.failure import failure_of, raised_by
from .._values.errors import InputBroken, TaskError
from .channel import ChannelClosed
from .counters import Counters
from .items import open_items
from .limits import bound_memory
from .load import code_folder_of, load_job
from .map_task import run_map
from .reduce_task import run_reduce
from .reporter import LogStream, Reporter
from .run_items import run_items

# The numbers of src/worker/process/exits.ts.
CHANNEL_CLOSED, EXIT_CALLED, UNCAUGHT, INPUT_BROKEN, BROKEN = 90, 91, 92, 94, 95


class Process:
    """The state of this process: the job that is loaded, and the attempt at hand.

    `send(message)` reports; `source_of(on_read)` makes the source of map tasks;
    `exit_at_once(code)` ends the process."""

    def __init__(self, send, source_of, exit_at_once):
        self.send = send
        self._exit_at_once = exit_at_once
        self.reporter = Reporter(send)
        self.counters = Counters()
        self.source = source_of(self.reporter.progress)
        self.loaded = None
        self.items = None
        self.working = None
        self.stream = LogStream(self.reporter.log)

    def obey(self, order):
        """Carries out one order, and reports."""
        kind = order["kind"]
        if kind == "load":
            if self._load(order) and "next" in order:
                self.obey(order["next"])
        elif kind == "map":
            self.source.start_task()
            self._attempt(order, "map", lambda: self._map(order))
            # After a failure the worker still streams: not to be read as the next task's input.
            self.source.drain()
        elif kind == "reduce":
            self._attempt(order, "reduce", lambda: self._reduce(order))
        elif kind == "tasks":
            run_items(self, self._portion(order["items"]))

    def end(self, code, error=None):
        """Ends the process, whatever else runs in it; a failure of the attempt at hand is reported
        first."""
        working, self.working = self.working, None
        if error is not None and working is not None:
            task, attempt = working
            failure = failure_of(error, self.code_folder)
            report = {"kind": "failed", "task": task, "attempt": attempt, "durationMs": 0}
            try:
                self.reporter.report({**report, "failure": failure}, perf_counter())
                self.reporter.flush(perf_counter())
            except ChannelClosed:
                code = CHANNEL_CLOSED
        self._exit_at_once(code)

    def awaited(self, returned):
        """What a coroutine of the job, or whatever else it awaits, comes to."""
        # Loading it takes as long as starting the process.
        import asyncio

        return asyncio.run(awaited(returned))

    @property
    def code_folder(self):
        """"" while nothing is loaded."""
        return "" if self.loaded is None else self.loaded.code_folder

    def _open_items(self, given):
        return None if given is None else open_items(given)

    def _portion(self, items):
        """Those of a list of tasks that are done now."""
        return items

    def _load(self, order):
        bound_memory(order.get("memoryBytes"))
        try:
            self.loaded = load_job(order)
            if self.items is not None:
                self.items.close()
            self.items = self._open_items(order["items"])
        except Exception as error:
            failure = failure_of(error, code_folder_of(order))
            self.send({"kind": "load-failed", "failure": failure})
            return False
        self.send({"kind": "loaded"})
        return True

    def _attempt(self, order, stage, run):
        started_s = perf_counter()
        task, attempt = order["task"], order["attempt"]
        self.reporter.start_attempt(task, attempt, started_s)
        self.working = (task, attempt)
        report = {"task": task, "attempt": attempt}
        try:
            begin_task(self.loaded.options["seed"], stage, task)
            done = run()
            self.stream.end_line()
            report.update(kind="done", **done, counters=self.counters.take())
        except InputBroken:
            self.end(INPUT_BROKEN)
        except ChannelClosed:
            raise
        except BaseException as error:
            self.stream.end_line()
            self.counters.take()
            failed = error if isinstance(error, TaskError) else raised_by(stage, error, "")
            report.update(kind="failed", failure=failure_of(failed, self.code_folder))
        self.working = None
        now_s = perf_counter()
        report["durationMs"] = (now_s - started_s) * 1000
        self.reporter.report(report, now_s)
        self.reporter.flush(now_s)

    def _map(self, order):
        plan = self.loaded.plan
        if "part" in order:
            plan = _with_part(plan, order["task"], order["part"])
        done = run_map(self.loaded, plan, order, (self.source, self.counters.add))
        return {**done, "inputBytes": self.source.input_bytes}

    def _reduce(self, order):
        done = run_reduce(self.loaded, order)
        return {**done, "inputBytes": sum(one["sizeBytes"] for one in order["segments"])}


async def awaited(returned):
    """As a coroutine, which an event loop wants."""
    return await returned


def _with_part(plan, task, part):
    """Of a large plan the split of one task and its files, under the indexes of the whole plan."""
    return {**plan, "splits": {task: part["split"]}, "files": dict(part["files"])}


def install(process):
    """What job code reaches: print, logging, count, log; and how it can end the process."""
    chance.install()
    clock.install(lambda: process.send({"kind": "clock-read"}))
    runtime.install(process.counters.add, process.reporter.log)
    sys.stdout = sys.stderr = process.stream
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)

    def exit_at_once(code):
        called = TaskError("user-error", f"the job called os._exit({code!r})")
        process.end(EXIT_CALLED, called)

    def uncaught(given):
        if given.exc_type is SystemExit:
            return
        name = "" if given.thread is None else f" {given.thread.name}"
        error = given.exc_value
        process.end(UNCAUGHT, raised_by(f"a thread of the job{name}", error, ""))

    os._exit = exit_at_once
    threading.excepthook = uncaught
