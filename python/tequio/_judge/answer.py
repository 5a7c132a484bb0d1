"""Loads the job, runs it and writes what came of it."""

import json
import os
import sys

from .. import runtime
from .._job import chance, clock
from .._job.failure import failure_of, raised_by
from .._job.orphan import end_with_pipe
from .._values.errors import TaskError
from .._worker.load import import_code
from .._worker.seat_belt import clear_environment
from .judge import Judge

# Of src/sdk/python/interpreter.ts.
_PARENT_DESCRIPTOR = 3


def answer(request_path, answer_path):
    """Ends the process: threads of the job must not keep it alive."""
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    end_with_pipe(_PARENT_DESCRIPTOR, 1)
    clear_environment()
    sys.stdout.reconfigure(line_buffering=True)
    with open(request_path, encoding="utf-8") as file:
        request = json.load(file)
    said = judged(request)
    with open(answer_path, "w", encoding="ascii") as file:
        json.dump(said, file)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def judged(request):
    """The answer to a request: the files of the result, or `error`."""
    try:
        return _run(request)
    except BaseException as error:
        failed = error if isinstance(error, TaskError) else raised_by("the job", error, "")
        failure = failure_of(failed, request["code"])
        said = {"code": failure["code"], "text": failure["message"]}
        if "stack" in failure:
            said["stack"] = failure["stack"]
        return {"error": said}


def _run(request):
    counters = {}

    def count(counter, by):
        counters[counter] = counters.get(counter, 0) + by

    chance.install()
    clock.install()
    chance.surround(request["around"])
    clock.surround(request["around"])
    runtime.install(count, print)
    job = import_code(request["code"])
    judge = Judge(job, request)
    texts = judge.tasks() if job.kind == "tasks" else judge.map_reduce()
    parts = []
    for number, text in enumerate(texts):
        parts.append(_written(request["folder"], f"part-{number}", text))
    bad = b"".join(judge.bad_lines)
    return {
        "format": job.options["output"],
        "parts": parts,
        "badRecords": _written(request["folder"], "bad", bad) if bad else None,
        "counters": counters,
    }


def _written(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    return path
