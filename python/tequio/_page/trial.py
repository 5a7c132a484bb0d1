"""What the Worker of the Try page asks of a job file in Python, one file that stands alone. Answers
are those of `_plan` and `_judge`, as JSON; files lie in the memory of the Worker."""

import json
import sys

from .._judge.answer import judged
from .._plan.answer import described, listed
from .._worker.reporter import LogStream
from .._worker.seat_belt import fasten_in_tab

FOLDER = "/job"
_FILE = f"{FOLDER}/job.py"
_CODE = f"{FOLDER}/code.zip"


def start(on_line):
    """Once, before the job's code is loaded. `on_line(text)` gets what it prints."""
    sys.path[:] = [path for path in sys.path if path]
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    sys.stdout = sys.stderr = LogStream(on_line)
    fasten_in_tab()


def describe(source):
    """Which job the source is; its code lies in /job/code.zip then."""
    with open(_FILE, "w", encoding="utf-8") as file:
        file.write(source)
    return json.dumps(_alone(lambda: described(_FILE, _CODE)))


def items(params):
    """The items for these parameters (JSON): lines of JSON in /job/items.ndjson."""
    lines, given = f"{FOLDER}/items.ndjson", f"{FOLDER}/params.json"
    with open(given, "w", encoding="utf-8") as file:
        file.write(params)
    return json.dumps(_alone(lambda: listed(_FILE, lines, given)))


def judge(request):
    """Runs the job of a request of `_judge`, as JSON."""
    answer = judged(json.loads(request))
    sys.stdout.end_line()
    return json.dumps(answer)


def _alone(ask):
    """The job's modules are loaded anew by each question."""
    before = set(sys.modules)
    paths = list(sys.path)
    try:
        return ask()
    finally:
        sys.path[:] = paths
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(FOLDER):
                del sys.modules[name]
