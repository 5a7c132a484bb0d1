"""The Worker of a tab that runs Python job code: tasks of one job, one after the other.

Contract: src/worker/browser/task/python. What `_worker/process.py` does is done here by it; files
lie in the memory of the Worker, and orders come as calls."""

import json
import sys
from time import perf_counter

from .._values.errors import TaskError
from .._worker.process import Process, awaited, install
from .._worker.run_file import limit_files
from .._worker.seat_belt import fasten_in_tab
from . import loop
from .source import TabSource


class _Items:
    """Of a list of tasks those that the tab was given."""

    def __init__(self, lines):
        self._lines = lines

    def item(self, index):
        """The item, parsed anew on each call."""
        if index not in self._lines:
            raise TaskError("data-lost", f"item {index} did not come with its task")
        return json.loads(self._lines[index])

    def close(self):
        """Nothing is open."""


class _TabProcess(Process):
    """`breathe` is called between two items: it may make the Worker stand still."""

    def __init__(self, *given):
        super().__init__(*given)
        self._portion_s = 0.0
        self._breathe = None

    def run(self, order, given, breathe):
        """`order` is a `load` of messages.ts with what to do as `next`; of a list of tasks `items`
        has the lines by task, and `portionS` for how long it may take in all."""
        limit_files(order["filesMaxBytes"])
        self._portion_s, self._breathe = order["portionS"], breathe
        self.source.give(given)
        self.obey(order)

    def awaited(self, returned):
        return loop.run(awaited(returned))

    def _open_items(self, given):
        return None if given is None else _Items(dict(given))

    def _portion(self, items):
        """The tab returns those that it does not come to: others may be quicker."""
        ends_s = perf_counter() + self._portion_s
        for one in items:
            yield one
            if perf_counter() > ends_s:
                return
            self._breathe()


def start(post):
    """`post(text)` sends a message, `post(None)` ends the Worker. Gives what runs an order."""

    def send(message):
        post(json.dumps(message, ensure_ascii=True, separators=(",", ":")))

    def exit_at_once(code):
        post(None)
        raise SystemExit(code)

    # Not the folder that the Worker is in: what is there is the job's own.
    sys.path[:] = [path for path in sys.path if path]
    process = _TabProcess(send, TabSource, exit_at_once)
    install(process)
    fasten_in_tab()
    return lambda text, given, breathe: process.run(json.loads(text), given, breathe)
