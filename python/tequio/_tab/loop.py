"""An event loop for `async def run` in a tab: it sleeps until the next timer, and there is nothing
else that it could wait for, since job code has no network.

Pyodide's own loop is the browser's. To wait for that one inside a call needs an engine that can
switch stacks, which not every browser has."""

import asyncio
import time
from asyncio import base_events, events


class _Timers:
    """In place of a selector."""

    def select(self, timeout):
        """Sleeps. Raises RuntimeError when nothing would ever wake it."""
        if timeout is None:
            raise RuntimeError("the coroutine waits for what never comes: a tab has no network")
        if timeout > 0:
            time.sleep(timeout)
        return []

    def close(self):
        """As of a selector."""


class _Loop(base_events.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = _Timers()

    def _process_events(self, event_list):
        """There are none."""

    def _write_to_self(self):
        """No thread needs to wake it."""


def run(coroutine):
    """As `asyncio.run`."""
    # The browser's loop runs always.
    outer = events._get_running_loop()
    events._set_running_loop(None)
    loop = _Loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
        events._set_running_loop(outer)
