"""The zip of code for functions of this program: what a worker loads in place of a job file."""

import io
import json
import os
import sys
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ..._job.shipped import CONTENT, ENTRY, ENTRY_CODE
from ..._plan.answer import declared, described_code
from ..._plan.wheels import travelling
from ..._plan.code import write_code
from ..._values.errors import TaskError
from ..._worker.load import DESCRIPTION
from ...jobs import Job, tasks
from ..failure import ClusterError
from ..plan import Declared
from .captured import Shipment
from .pickled import find_cloudpickle, package_files, pickled, python_problem

_FUNCTIONS = ("combine", "reduce", "partition", "run")
_OPTIONS = ("sort", "reducers", "output", "bad_records", "name", "timeout_ms", "attempts")
Refer = Callable[[Any, str], Dict[str, Any]]
_ARGUMENT = "pass it as an argument"
_PARAM = "pass it as one of `params`"


class Shipping(NamedTuple):
    """How functions travel. `functions`: "auto" (source, else a pickle where cloudpickle is
    installed), "source" or "cloudpickle". `workers`: asks for those of the cluster. `wheels`: a
    folder of packages that may travel with them."""

    functions: str
    workers: Callable[[], List[Dict[str, Any]]]
    wheels: Optional[str] = None


def declared_call(function: Any, form: Mapping[str, Any], given: Any) -> Declared:
    """A list of tasks whose items are arguments of the function. `form`: see
    tequio/_job/shipped.py; `given`: the Shipping and the options of `tasks`."""
    shipping, options = given
    try:
        job = tasks(items=[], run=function, **options)
    except (TypeError, ValueError) as error:
        raise ClusterError("bad-request", str(error)) from error
    return _declared(job, shipping, (form, _ARGUMENT))


def declared_job(job: Job, shipping: Shipping) -> Declared:
    """The job of this program, without its items."""
    return _declared(job, shipping, (None, _PARAM))


def _declared(job: Job, shipping: Shipping, more: Any) -> Declared:
    form, remedy = more
    try:
        files = _with_functions(job, shipping, (form, remedy))
        zipped = io.BytesIO()
        packages: Dict[str, bytes] = {}
        if shipping.wheels is not None:
            packages, left, _ = travelling(shipping.wheels, job.options["requires"])
            job = job._replace(options={**job.options, "requires": left})
        description = described_code(job, ENTRY, bool(packages))
        named = {ENTRY + ".py": ENTRY_CODE, DESCRIPTION: description}
        write_code(zipped, files, {**packages, **named})
        said = declared(job)
    except TaskError as error:
        raise ClusterError(error.code, error.text) from error
    code = zipped.getvalue()
    kind, inputs, options = said["kind"], said["inputs"], said["options"]
    params, program, combine = said["params"], said["program"], said["hasCombine"]
    return Declared(kind, inputs, options, params, program, combine, code)


def _with_functions(job: Job, shipping: Shipping, more: Any) -> Dict[str, bytes]:
    """As source, else pickled."""
    form, remedy = more
    refused: Optional[ClusterError] = None
    if shipping.functions not in ("auto", "source", "cloudpickle"):
        text = 'functions travel as "auto", "source" or "cloudpickle"'
        raise ClusterError("bad-request", f"{text}, not {shipping.functions!r}")
    if shipping.functions != "cloudpickle":
        try:
            shipment = Shipment(remedy)
            content = _content(job, shipment.reference)
            return _files({**content, "entries": shipment.entries, "form": form}, shipment)
        except ClusterError as error:
            if shipping.functions == "source":
                raise
            refused = error
    if job.options["exact"]:
        text = "a pickled function cannot be exact" if refused is None else refused.text
        raise ClusterError("build-failed", text) from refused
    cloudpickle = find_cloudpickle()
    problem: Optional[str] = "cloudpickle, which could pickle it, is not installed"
    if cloudpickle is not None:
        problem = python_problem(shipping.workers())
    if problem is not None:
        if refused is None:
            raise ClusterError("build-failed", f"functions cannot be pickled: {problem}")
        raise ClusterError(refused.code, f"{refused.text} ({problem})") from refused
    try:
        content = _content(job, lambda function, _: pickled(function, cloudpickle))
    except ClusterError as error:
        if refused is None:
            raise
        # Which variable it is says only the source.
        raise ClusterError(refused.code, f"{refused.text} ({error.text})") from error
    files = _files({**content, "entries": [], "form": form}, Shipment())
    return {**files, **package_files(cloudpickle)}


def _content(job: Job, refer: Refer) -> Dict[str, Any]:
    options = {name: job.options[name] for name in _OPTIONS if name in job.options}
    more = ("params", "seed", "backup_tasks", "requires", "engine", "exact")
    options.update({name: job.options[name] for name in more})
    functions = {}
    for role in _FUNCTIONS:
        if job.options.get(role) is not None:
            functions[role] = refer(job.options[role], role)
    inputs = {}
    for name, given in job.inputs.items():
        spec = None if given.get("input") is None else given["input"].spec
        inputs[name] = {"input": spec, "map": refer(given["map"], "map")}
    program = os.path.basename(sys.argv[0] if sys.argv else "")
    said = {"kind": job.kind, "options": options, "functions": functions, "inputs": inputs}
    return {"program": os.path.splitext(program)[0], "job": said}


def _files(content: Dict[str, Any], shipment: Shipment) -> Dict[str, bytes]:
    return {**shipment.local.read(), CONTENT: json.dumps(content).encode()}
