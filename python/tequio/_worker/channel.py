"""One end of the pipe to the worker: messages both ways, as frames of a length (u32 little-endian)
and JSON in UTF-8."""

import json
import os
import threading

TO_TASK_MAX_BYTES = 64 * 1024 * 1024
FROM_TASK_MAX_BYTES = 16 * 1024 * 1024
_READ_BYTES = 256 * 1024


class ChannelClosed(Exception):
    """The worker is gone, or job code has closed the descriptor."""


class Channel:
    """Messages of threads are not mixed: a thread of the job may log while a task reports."""

    def __init__(self, descriptor):
        self._descriptor = descriptor
        self._lock = threading.RLock()
        self._received = bytearray()

    def send(self, message):
        """Returns when the pipe has taken the message. Raises ChannelClosed."""
        body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
        frame = memoryview(len(body).to_bytes(4, "little") + body)
        with self._lock:
            try:
                while frame:
                    frame = frame[os.write(self._descriptor, frame) :]
            except OSError as error:
                raise ChannelClosed from error

    def receive(self):
        """The next order; waits for it. Raises ChannelClosed at the end."""
        size = int.from_bytes(self._take(4), "little")
        if not 0 < size <= TO_TASK_MAX_BYTES:
            raise ChannelClosed
        return json.loads(self._take(size))

    def _take(self, size):
        received = self._received
        while len(received) < size:
            try:
                chunk = os.read(self._descriptor, _READ_BYTES)
            except OSError as error:
                raise ChannelClosed from error
            if not chunk:
                raise ChannelClosed
            received += chunk
        taken = bytes(received[:size])
        del received[:size]
        return taken
