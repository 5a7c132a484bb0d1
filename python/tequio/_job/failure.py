"""What job code raised, as a failure that goes back to its author: in which function and on what,
with the job's own lines, without ours."""

import os
import traceback

from .._values.errors import TaskError, disk_failure

MESSAGE_MAX_CHARACTERS = 4000
STACK_MAX_CHARACTERS = 8000
_SHOWN_MAX_CHARACTERS = 2000
_CHAIN_MAX = 5
_OWN_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


_allowed = {}


def allow_memory(memory_bytes):
    """What the task may have, for the text of an error."""
    _allowed["bytes"] = memory_bytes


def raised_by(role, error, place):
    """The error as a TaskError whose cause is what was raised. `place` says what the function was
    working on; "" for nothing."""
    on = f" on {place}" if place else ""
    if isinstance(error, TaskError):
        # Refusals of what was emitted are the job's; a full disk is not.
        if error.code != "user-error" or not on:
            return error
        made = TaskError(error.code, f"{error.text}{on}", error.is_final)
    elif isinstance(error, MemoryError):
        made = TaskError("out-of-memory", _too_much() + on)
    elif isinstance(error, OSError) and _is_full(error):
        made = disk_failure(error, "a file of the job's code")
    elif isinstance(error, SystemExit):
        made = TaskError("user-error", f"{role} called sys.exit({error.code!r}){on}")
    else:
        made = TaskError("user-error", f"{role} raised {shown(error)}{on}")
    made.__cause__ = error
    return made


def _too_much():
    known = _allowed.get("bytes")
    bound = "what" if known is None else f"the {round(known / 1024 / 1024)} MiB that"
    return f"the task took more than {bound} it may have; raise --memory, or keep less"


def _is_full(error):
    import errno

    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def shown(error):
    """The exception in one text, with what caused it: at most 2,000 characters."""
    parts = []
    seen = set()
    while error is not None and id(error) not in seen:
        if len(parts) > _CHAIN_MAX:
            parts.append("and more causes")
            break
        seen.add(id(error))
        parts.append(_one(error))
        cause, error = error.__cause__, cause_of(error)
        if error is not None:
            parts[-1] += "; caused by " if cause is not None else "; raised while handling "
    return "".join(parts)[:_SHOWN_MAX_CHARACTERS]


def cause_of(error):
    """What it was raised from, or while what was being handled; None for neither."""
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def _one(error):
    name = type(error).__qualname__
    try:
        text = str(error)
    except BaseException:
        text = "(its text cannot be shown)"
    parts = getattr(error, "exceptions", ())
    inside = f" [{'; '.join(_one(part) for part in parts[:5])}]" if parts else ""
    return (f"{name}: {text}" if text else name) + inside


def failure_of(error, code_folder):
    """`code`, `message` and, where there is one, `stack`, a traceback. `code_folder` is where the
    job's code was loaded from; it is cut from the paths. "" = it is not known."""
    root = origin_of(error)
    if isinstance(error, TaskError):
        code, text = error.code, error.text
    else:
        code, text = "user-error", shown(error)
    stack, place = _stack(root, code_folder)
    at = "" if place is None or place in text else f" ({place})"
    failure = {"code": code, "message": text[:MESSAGE_MAX_CHARACTERS] + at}
    if stack:
        failure["stack"] = stack[-STACK_MAX_CHARACTERS:]
    if isinstance(error, TaskError) and error.is_final:
        failure["isFinal"] = True
    return failure


def origin_of(error):
    """What job code raised, behind the errors that say where."""
    while isinstance(error, TaskError) and error.__cause__ not in (None, error):
        error = error.__cause__
    return error


def _stack(error, code_folder):
    """The traceback without our frames, and `job.py:12`, where the first error came from that has
    a place in the job."""
    if isinstance(error, TaskError) and error.__traceback__ is None:
        return "", None
    try:
        found = traceback.TracebackException(type(error), error, error.__traceback__)
    except Exception:
        return "", None
    places = []
    _cut(found, code_folder, places, set())
    if not places:
        return "", None
    return "".join(found.format()).rstrip(), places[0]


def _cut(found, code_folder, places, seen):
    if found is None or id(found) in seen:
        return
    seen.add(id(found))
    kept = [frame for frame in found.stack if not frame.filename.startswith(_OWN_FOLDER)]
    own = None
    for frame in kept:
        # Its source is read by the name that it has now.
        _ = frame.line
        name = frame.filename
        if code_folder and name.startswith(code_folder):
            frame.filename = name[len(code_folder) :].lstrip("/\\")
            own = f"{frame.filename}:{frame.lineno}"
        elif "site-packages" in name or "dist-packages" in name:
            frame.filename = name.split("-packages", 1)[1].lstrip("/\\")
    found.stack = traceback.StackSummary.from_list(kept)
    if own is not None:
        places.append(own)
    _cut(found.__cause__, code_folder, places, seen)
    _cut(found.__context__, code_folder, places, seen)
