"""What can go wrong for a program that uses a cluster."""

from typing import Optional

_RETRYABLE = ("storage-full", "unavailable", "download-failed")


class ClusterError(Exception):
    """An expected failure. Its text begins with its code.

    code: one of docs/errors.md. text: what happened and what to do next. retryable: the same call
    may succeed later without change. remote_traceback: of the job's own code, as text; "" =
    none."""

    def __init__(self, code: str, text: str, remote_traceback: str = "") -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.retryable = code in _RETRYABLE
        self.remote_traceback = remote_traceback

    def __str__(self) -> str:
        said = f"{self.code}: {self.text}"
        return f"{said}\n\n{self.remote_traceback}" if self.remote_traceback else said

    def __reduce__(self):
        return (type(self), (self.code, self.text, self.remote_traceback))


class CallFailed(ClusterError):
    """A function that was given to `map` or `submit` raised, on a worker; code `user-error`.

    exception: the name of what was raised, as "ValueError". index: of the item, from 0; None for
    `submit`. The exception itself stays where it was raised: nothing is unpickled here."""

    def __init__(
        self,
        code: str,
        text: str,
        remote_traceback: str = "",
        *,
        exception: str = "",
        index: Optional[int] = None,
    ) -> None:
        super().__init__(code, text, remote_traceback)
        self.exception = exception
        self.index = index

    def __reduce__(self):
        more = {"exception": self.exception, "index": self.index}
        return (type(self), (self.code, self.text, self.remote_traceback), more)
