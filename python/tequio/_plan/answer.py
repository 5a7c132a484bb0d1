"""Loads the job file and answers; errors say the file and the line."""

import json
import os
import sys
import traceback

from .._declared import plain_bad_policy
from .._job.failure import origin_of, shown
from .._job.running import parameters_of, params_of
from .._job.orphan import end_with_pipe
from .._values.errors import TaskError
from .._values.json_text import json_bytes, json_text
from .._worker.load import DESCRIPTION, import_job
from .code import code_files, write_code
from .wheels import named_in, travelling

# Of src/sdk/python/interpreter.ts.
_PARENT_DESCRIPTOR = 3
_ITEMS_MAX = 10_000_000
_ITEMS_MAX_BYTES = 1024**3
_EXACT = 1 << 53


def answer(arguments):
    """Writes the answer to the file that is named for it."""
    mode, path, result, *more = arguments
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    end_with_pipe(_PARENT_DESCRIPTOR, 1)
    sys.stdout.reconfigure(line_buffering=True)
    said = (described if mode == "describe" else listed)(path, *more)
    with open(result, "w", encoding="ascii") as file:
        json.dump(said, file)
    # Threads of the job must not keep it alive.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def described(path, code, wheels=None):
    """Which job the file declares; its code is written to `code`. With `error` when it cannot be.
    `wheels`: a folder of packages that may travel with it."""
    return _asked(path, wheels, lambda full, job: _describe(full, job, code, wheels))


def listed(path, items, params, wheels=None):
    """How many items there are, which are written to `items`, for the JSON in `params`."""
    return _asked(path, wheels, lambda _, job: _items(job, items, params))


def _asked(path, wheels, ask):
    path = os.path.abspath(path)
    try:
        if wheels is not None:
            with open(path, "rb") as file:
                # A wheel is a zip of modules.
                sys.path += travelling(wheels, named_in(file.read())).paths
        return ask(path, _load(path))
    except BaseException as error:
        return {"error": _problem(error, path)}


def _load(path):
    folder, name = os.path.split(path)
    entry = name[: -len(".py")]
    known = getattr(sys, "stdlib_module_names", sys.builtin_module_names)
    if "." in entry or entry in sys.modules or entry in known:
        text = f"{name} cannot name a job file: it is the name of a module of Python, or has a dot"
        raise TaskError("build-failed", f"{text}; rename it")
    return import_job(folder, entry)


def _describe(path, job, code, wheels):
    if job.kind == "operator":
        options = job.options
        return {"kind": job.kind, "operator": options["operator"], "options": options["declared"]}
    folder, name = os.path.split(path)
    entry = name[: -len(".py")]
    files = code_files(folder, entry)
    if job.options["exact"]:
        check_exact(folder, files)
    packages = {}
    if wheels is not None:
        packages, left, _ = travelling(wheels, job.options["requires"])
        job = job._replace(options={**job.options, "requires": left})
    more = {**packages, DESCRIPTION: described_code(job, entry, bool(packages))}
    write_code(code, files, more)
    return declared(job)


def check_exact(folder, files):
    """Errors: SyntaxError for code that cannot be compiled with exact powers."""
    from .._exact.powers import compiled

    for name, data in files.items():
        if name.endswith(".py"):
            compiled(data, os.path.join(folder, name), "exec")


def described_code(job, entry, has_wheels=False):
    """What the zip of a job's code says of itself, for workers."""
    description = {
        "version": 1,
        "engine": job.options["engine"] or "any",
        "exact": job.options["exact"],
        "wheels": has_wheels,
        "entry": entry,
        "kind": job.kind,
        "requires": job.options["requires"],
    }
    return json.dumps(description).encode()


def declared(job):
    """What planning and submitting have to know of a job."""
    options = job.options
    given = {
        "name": options["name"],
        "output": options["output"],
        "timeoutMs": options["timeout_ms"],
        "attempts": options["attempts"],
        "backupTasks": options["backup_tasks"],
        "reducers": options.get("reducers"),
        "badRecords": plain_bad_policy(options.get("bad_records")),
        "clock": "real" if options["clock"] == "real" else None,
        "chance": options["chance"],
        "share": options["share"],
        "trust": options["trust"],
    }
    inputs = {}
    for named, one in job.inputs.items():
        inputs[named] = None if one.get("input") is None else one["input"].spec
    return {
        "kind": job.kind,
        "inputs": inputs,
        "options": {name: value for name, value in given.items() if value is not None},
        "params": _params(options["params"]),
        "program": _program(options),
        "hasCombine": options.get("combine") is not None,
    }


def _program(options):
    """What a worker's Python must be: fields of the job as it is submitted, those that say
    nothing left out."""
    program = {"requires": options["requires"], "engine": options["engine"]}
    return {name: value for name, value in program.items() if value}


def _params(params):
    for name, value in params.items():
        if not isinstance(name, str):
            raise TaskError("bad-request", f"the parameter {name!r} has no name that is a str")
        json_text(value, f"parameter {name}")
        if _is_inexact(value):
            text = f"parameter {name} has an int beyond 2^53, which JSON may not keep; use a str"
            raise TaskError("bad-request", text)
    return json.loads(json_text(params, "params"))


def _is_inexact(value):
    if isinstance(value, int):
        return abs(value) > _EXACT
    parts = value.values() if isinstance(value, dict) else value
    return isinstance(value, (dict, list, tuple)) and any(_is_inexact(part) for part in parts)


def _items(job, path, params):
    with open(params, encoding="utf-8") as file:
        given = params_of(job, json.load(file))
    with open(path, "wb") as file:
        return {"count": write_items(job, given, file)}


def write_items(job, given, file):
    """The items for these parameters, a line of JSON each; how many they are."""
    items = job.options["items"]
    if callable(items):
        try:
            items = items() if parameters_of(items) == 0 else items(given)
        except BaseException as error:
            raise TaskError("user-error", f"items raised {shown(error)}") from error
    count = size = 0
    for item in items:
        line = json_bytes(json_text(item, f"item {count}") + "\n")
        file.write(line)
        count += 1
        size += len(line)
        if count > _ITEMS_MAX or size > _ITEMS_MAX_BYTES:
            limit = f"{_ITEMS_MAX} items and {_ITEMS_MAX_BYTES} bytes"
            text = f"the list of tasks has more than {limit}: let each task do more"
            raise TaskError("limit-exceeded", text)
    return count


def _problem(error, path):
    """`code`, `text` and, where it is known, `file`, `line` and `column` (from 1)."""
    root = origin_of(error)
    if isinstance(error, TaskError):
        code, text = error.code, error.text
    else:
        code, text = "build-failed", shown(error)
    if isinstance(root, SyntaxError) and root.filename:
        place = {"file": root.filename, "line": root.lineno or 1, "column": root.offset or 1}
        return {"code": "build-failed", "text": f"{type(root).__name__}: {root.msg}", **place}
    code = "build-failed" if code == "user-error" and isinstance(error, TaskError) else code
    folder = os.path.dirname(path) + os.sep
    frames = traceback.extract_tb(root.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(folder)]
    if not own:
        return {"code": code, "text": text}
    place = {"file": own[-1].filename, "line": own[-1].lineno, "column": 1}
    return {"code": code, "text": text, **place}
