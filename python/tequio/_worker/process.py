"""The orders of the worker and how each is carried out."""

import faulthandler
import os
import sys
import threading
import traceback
from time import perf_counter

from .. import runtime
from .._job import chance
from .._job.chance import begin_task
from .._job.failure import failure_of, raised_by
from .._job.orphan import end_with_parent
from .._values.errors import InputBroken, TaskError
from .channel import Channel, ChannelClosed
from .counters import Counters
from .items import open_items
from .limits import bound_memory
from .load import code_folder_of, load_job
from .map_task import run_map
from .reduce_task import run_reduce
from .reporter import LogStream, Reporter
from .run_items import run_items
from .seat_belt import fasten
from .source import PipeSource

_CHANNEL_DESCRIPTOR = 3
_INPUT_DESCRIPTOR = 4
# The numbers of src/worker/process/exits.ts.
_CHANNEL_CLOSED, _EXIT_CALLED, _UNCAUGHT, _INPUT_BROKEN, _BROKEN = 90, 91, 92, 94, 95
_exit_at_once = os._exit


class Process:
    """The state of this process: the job that is loaded, and the attempt at hand."""

    def __init__(self):
        self.channel = Channel(_CHANNEL_DESCRIPTOR)
        self.reporter = Reporter(self.channel.send)
        self.counters = Counters()
        self.source = PipeSource(_INPUT_DESCRIPTOR, self.reporter.progress)
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
            run_items(self, order["items"])

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
                code = _CHANNEL_CLOSED
        _exit_at_once(code)

    @property
    def code_folder(self):
        """"" while nothing is loaded."""
        return "" if self.loaded is None else self.loaded.code_folder

    def _load(self, order):
        bound_memory(order.get("memoryBytes"))
        try:
            self.loaded = load_job(order)
            if self.items is not None:
                self.items.close()
            self.items = None if order["items"] is None else open_items(order["items"])
        except Exception as error:
            failure = failure_of(error, code_folder_of(order))
            self.channel.send({"kind": "load-failed", "failure": failure})
            return False
        self.channel.send({"kind": "loaded"})
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
            report.update(kind="done", counters=self.counters.take(), **done)
        except InputBroken:
            self.end(_INPUT_BROKEN)
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
        done = run_map(self.loaded, plan, order, self.source)
        return {**done, "inputBytes": self.source.input_bytes}

    def _reduce(self, order):
        done = run_reduce(self.loaded, order)
        return {**done, "inputBytes": sum(one["sizeBytes"] for one in order["segments"])}


def _with_part(plan, task, part):
    """Of a large plan the split of one task and its files, under the indexes of the whole plan."""
    return {**plan, "splits": {task: part["split"]}, "files": dict(part["files"])}


def _install(process):
    """What job code reaches: print, logging, count, log; and how it can end the process."""
    chance.install()
    runtime.install(process.counters.add, process.reporter.log)
    sys.stdout = sys.stderr = process.stream
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)

    def exit_at_once(code):
        called = TaskError("user-error", f"the job called os._exit({code!r})")
        process.end(_EXIT_CALLED, called)

    def uncaught(given):
        if given.exc_type is SystemExit:
            return
        name = "" if given.thread is None else f" {given.thread.name}"
        error = given.exc_value
        process.end(_UNCAUGHT, raised_by(f"a thread of the job{name}", error, ""))

    os._exit = exit_at_once
    threading.excepthook = uncaught


def serve(read_folder, write_folder):
    """Obeys until the worker closes the channel. Never returns."""
    process = Process()
    # Of a fault in native code, where Python was.
    faulthandler.enable(2)
    for descriptor in (_CHANNEL_DESCRIPTOR, _INPUT_DESCRIPTOR):
        os.set_inheritable(descriptor, False)
    _install(process)
    end_with_parent(_CHANNEL_CLOSED)
    fasten(read_folder, write_folder)
    try:
        process.channel.send({"kind": "ready"})
        while True:
            process.obey(process.channel.receive())
    except ChannelClosed:
        _exit_at_once(_CHANNEL_CLOSED)
    except BaseException:
        sys.__stderr__.write(traceback.format_exc())
        sys.__stderr__.flush()
        _exit_at_once(_BROKEN)
