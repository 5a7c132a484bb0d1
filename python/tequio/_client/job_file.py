"""What a job file declares: asked of a Python process of its own, as the command line does, so that
the file can do nothing to this one."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .failure import ClusterError
from .operator_plan import OPERATOR_CODE
from .plan import Declared, merge_params

_LOAD_MAX_S = 20
_ITEMS_MAX_S = 600
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MAIN = os.path.join(_PACKAGE, "_plan", "main.py")
_AS_ON_WORKERS = {
    "PYTHONHASHSEED": "0",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
# The planner has a pipe as descriptor 3, which closes when this process ends; a child of Python can
# be given none but the first three.
_START = """
import os, runpy, sys
os.dup2(0, 3)
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def declared_file(
    path: str, params: Mapping[str, Any], wheels: Optional[str] = None
) -> Tuple[Declared, Callable[[], bytes]]:
    """The job, and what makes its items, a line of JSON each. wheels: a folder of
    packages. Errors: `bad-request` when there is no such file, `build-failed` with its place for
    everything else."""
    packages = [] if wheels is None else [wheels]
    if not os.path.isfile(path):
        raise ClusterError("bad-request", f"there is no job file {path} (from {os.getcwd()})")
    with tempfile.TemporaryDirectory(prefix="tequio-python-") as folder:
        code_path = os.path.join(folder, "code.zip")
        said = _ask(path, ["describe", code_path, *packages], (folder, _LOAD_MAX_S))
        if said["kind"] == "operator":
            declared = operator_declared(said["operator"], said["options"])
            return declared, lambda: b""
        with open(code_path, "rb") as file:
            code = file.read()
    kind, inputs, options = said["kind"], said["inputs"], said["options"]
    declared = Declared(
        kind, inputs, options, said["params"], said["program"], said["hasCombine"], code
    )
    return declared, lambda: _items(path, merge_params(declared.params, params), packages)


def _items(path: str, params: Mapping[str, Any], packages: List[str]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tequio-python-") as folder:
        lines, given = os.path.join(folder, "items.ndjson"), os.path.join(folder, "params.json")
        with open(given, "w", encoding="utf-8") as file:
            json.dump(params, file)
        _ask(path, ["items", lines, given, *packages], (folder, _ITEMS_MAX_S))
        with open(lines, "rb") as items:
            return items.read()


def _ask(path: str, question: List[str], within: Tuple[str, int]) -> Dict[str, Any]:
    folder, limit_s = within
    result = os.path.join(folder, "result.json")
    mode, *more = question
    start = [sys.executable, "-s", "-B", "-X", "utf8", "-c", _START, _MAIN]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    env.update(_AS_ON_WORKERS)
    name = os.path.basename(path)
    try:
        done = _run([*start, mode, path, result, *more], env, limit_s)
    except subprocess.TimeoutExpired:
        text = f"{name} could not be loaded: it took more than {limit_s} s"
        raise ClusterError("build-failed", text) from None
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace").strip()[-2000:]
        text = f"{name} could not be loaded: Python ended with code {done.returncode}: {tail}"
        raise ClusterError("build-failed", text)
    with open(result, encoding="ascii") as file:
        answer = json.load(file)
    error = answer.get("error")
    if error is None:
        return answer
    place = f"{os.path.basename(error['file'])}:{error['line']}" if "file" in error else name
    raise ClusterError(error["code"], f"{place}: {error['text']}")


def _run(command: List[str], env: Dict[str, str], limit_s: int) -> Any:
    theirs, ours = os.pipe()
    options: Dict[str, Any] = {"env": env, "stdin": theirs, "timeout": limit_s}
    try:
        return subprocess.run(command, capture_output=True, check=False, **options)
    finally:
        os.close(theirs)
        os.close(ours)


def operator_declared(operator: Mapping[str, Any], options: Mapping[str, Any]) -> Declared:
    """An operator, which has no code of its own."""
    inputs = operator["inputs"]
    return Declared("operator", inputs, options, {}, {}, False, OPERATOR_CODE, operator)
