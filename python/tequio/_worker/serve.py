"""Serves the worker over the descriptors that a task process has: until the worker closes them."""

import faulthandler
import os
import signal
import sys
import traceback

from .._job.orphan import end_with_parent
from .channel import Channel, ChannelClosed
from .process import BROKEN, CHANNEL_CLOSED, Process, install
from .seat_belt import fasten
from .source import PipeSource

_CHANNEL_DESCRIPTOR = 3
_INPUT_DESCRIPTOR = 4
_exit_at_once = os._exit


def serve(read_folder, write_folder):
    """Obeys until the worker closes the channel. Never returns."""
    channel = Channel(_CHANNEL_DESCRIPTOR)
    process = Process(
        channel.send, lambda on_read: PipeSource(_INPUT_DESCRIPTOR, on_read), _exit_at_once
    )
    # Of a fault in native code, where Python was.
    faulthandler.enable(2)
    for descriptor in (_CHANNEL_DESCRIPTOR, _INPUT_DESCRIPTOR):
        os.set_inheritable(descriptor, False)
    # A batch system may signal every process at once; when this one ends is for the worker to say.
    signal.signal(signal.SIGTERM, lambda *_: None)
    install(process)
    end_with_parent(CHANNEL_CLOSED)
    fasten(read_folder, write_folder)
    try:
        channel.send({"kind": "ready"})
        while True:
            process.obey(channel.receive())
    except ChannelClosed:
        _exit_at_once(CHANNEL_CLOSED)
    except BaseException:
        sys.__stderr__.write(traceback.format_exc())
        sys.__stderr__.flush()
        _exit_at_once(BROKEN)
