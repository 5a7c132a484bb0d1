"""The errors that a task process expects, with the codes of docs/errors.md."""


class TaskError(Exception):
    """An expected failure: `code` is one of docs/errors.md, `text` says what happened and what to
    do next. `is_final`: another attempt ends the same way, since the reason is the input."""

    def __init__(self, code, text, is_final=False):
        super().__init__(text)
        self.code = code
        self.text = text
        self.is_final = is_final or code == "bad-request"


class InputBroken(Exception):
    """The input pipe holds no frames or has ended: the worker's fault or its death."""


def damaged(what):
    """Bytes between two tasks are not what was written; running their task again makes them."""
    text = f"intermediate bytes are damaged: {what}; the task that made them must run again"
    return TaskError("storage-failed", text)


def disk_failure(error, path):
    """What the disk reported, as a code that a user can act on."""
    import errno

    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        text = f"no space left for {path}; free some there: the task is tried again by itself"
        return TaskError("storage-full", text)
    if error.errno == errno.EFBIG:
        text = f"{path} is larger than all that a task may have on the disk; raise --scratch"
        return TaskError("limit-exceeded", text)
    return TaskError("storage-failed", f"{path}: {error.strerror}")
