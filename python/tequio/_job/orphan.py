"""Ends a process whose parent is gone: an endless loop of job code hears of nothing else."""

import os
import threading
from time import sleep

_LOOK_EVERY_S = 0.5
_exit_at_once = os._exit


def end_with_parent(code):
    """`code` is that of the exit. Where no thread may be started, only the parent ends it."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            sleep(_LOOK_EVERY_S)
        _exit_at_once(code)

    try:
        threading.Thread(target=watch, daemon=True).start()
    except RuntimeError:
        pass
