"""Loads the code and the plan of a job into this process."""

import hashlib
import importlib
import inspect
import json
import os
import sys
from operator import add
from zipimport import zipimporter

from .._job import chance, clock
from .._job.failure import raised_by
from .._job.found import job_in
from .._job.running import params_of, refuse_async, wants_context
from .._values.errors import TaskError, damaged

# What a task holds of the memory that it may have, as in src/worker/task/memory.ts; objects of
# Python take more than they are counted for.
_TABLE_SHARE = 4
_MEMORY_DEFAULT_BYTES = 256 * 1024 * 1024
DESCRIPTION = "tequio.json"


_sum = lambda a, b: a + b  # noqa: E731 (compared with what a job has)


class LoadedJob:
    """A job whose code and plan are in this process."""

    def __init__(self, order, job, plan):
        self.job = job
        self.plan = plan
        self.options = job.options
        self.params = params_of(job, plan["params"])
        self.memory_bytes = order.get("memoryBytes") or _MEMORY_DEFAULT_BYTES
        self.spill_bytes = min(plan["spillBytes"], self.memory_bytes // _TABLE_SHARE)
        self.combine = as_operator(job.options.get("combine"))
        self.combiner = job.options.get("combiner")
        self.partition = job.options.get("partition")
        run = job.options.get("run")
        self.run_wants_context = run is not None and wants_context(run, 1)
        self.code_folder = code_folder_of(order)


def as_operator(combine):
    """`lambda a, b: a + b` is `operator.add`, which is faster: equal code, equal results."""
    code = getattr(combine, "__code__", None)
    if code is None or code.co_freevars or combine.__defaults__ or combine.__kwdefaults__:
        return combine
    sum_of = _sum.__code__
    names = ("co_code", "co_consts", "co_names", "co_argcount", "co_kwonlyargcount")
    is_sum = all(getattr(code, name) == getattr(sum_of, name) for name in names)
    # Whether a lambda stands inside a function is of no interest.
    other_flags = (code.co_flags ^ sum_of.co_flags) & ~inspect.CO_NESTED
    return add if is_sum and other_flags == 0 else combine


def code_folder_of(order):
    """Where the code is loaded from, also when that fails."""
    return order["codePath"]


_loaded = {}


def load_job(order):
    """Errors: `storage-failed` for bytes that have changed, `build-failed` and `user-error` for
    code that is no job or raises."""
    plan = _plan(order["plan"])
    path = order["codePath"]
    chance.surround(order["around"])
    clock.surround(order["around"])
    if path not in _loaded:
        _loaded[path] = _import(path, order["codeHash"])
    job = _loaded[path]
    return LoadedJob(order, job, plan)


def _import(path, expected):
    _check_hash(_bytes_of(path), expected, "the job's code")
    return import_code(path)


def import_code(path):
    """The job of a zip of code."""
    described = json.loads(zipimporter(path).get_data(os.path.join(path, DESCRIPTION)))
    if described.get("exact"):
        from .._exact.install import ExactFinder, install

        install()
        sys.meta_path.insert(0, ExactFinder(path))
    if described.get("wheels"):
        sys.path.append(os.path.join(path, "wheels"))
    return import_job(path, described["entry"])


def import_job(folder, entry):
    """The job of the module `entry` in this zip or folder."""
    sys.path.insert(0, folder)
    try:
        module = importlib.import_module(entry)
    except TaskError:
        raise
    except BaseException as error:
        raise raised_by("the job file", error, "")
    job = job_in(module)
    for role in ("combine", "reduce", "partition"):
        refuse_async(role, job.options.get(role))
    for given in job.inputs.values():
        refuse_async("map", given["map"])
    return job


def _plan(given):
    if "text" in given:
        text = given["text"]
    else:
        text = _bytes_of(given["path"])
        _check_hash(text, given["hash"], "the job's plan")
    plan = json.loads(text)
    if plan["version"] != 1:
        text = f"plan of version {plan['version']}; this worker knows version 1: update it"
        raise TaskError("version-mismatch", text)
    return plan


def _bytes_of(path):
    descriptor = os.open(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def _check_hash(data, expected, what):
    if hashlib.sha256(data).hexdigest() != expected:
        raise damaged(f"{what} is not what was fetched")
