"""Ends a process whose parent is gone: an endless loop of job code notices nothing else."""

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

    _start(watch)


def end_with_pipe(descriptor, code):
    """The same for a parent that holds the other end of a pipe and never writes to it."""

    def watch():
        try:
            os.read(descriptor, 1)
        except OSError:
            return
        _exit_at_once(code)

    os.set_inheritable(descriptor, False)
    _start(watch)


def _start(watch):
    try:
        threading.Thread(target=watch, daemon=True).start()
    except RuntimeError:
        pass
