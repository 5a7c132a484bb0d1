"""The plan of a job and its spec, as src/sdk/plan makes them: which bytes each task reads, with
which parameters, into how many partitions."""

import hashlib
import json
import math
import os
import platform
import socket
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence

from .._values.json_text import json_bytes
from .._worker.content import SHAPE_START_BYTES, ends_lines_with_returns, is_json_array
from .api import Blob, blob_of, blob_of_file
from .failure import ClusterError
from .inputs import Found, mtime_ms_of
from .operator_plan import (
    in_one_task,
    later_reducers,
    planned_operator,
    reducers_of,
    shape_of,
    split_max_bytes,
)

SPLIT_BYTES = 64 * 1024 * 1024
# As `slackBytes` of src/sdk/plan/of-found.ts.
SLACK_BYTES = SPLIT_BYTES + SPLIT_BYTES / 10
_MIB = 1024 * 1024
_FILES_OF_SPLIT = 4096
_PYTHON = 101
_PASSED_ON = ("clock", "chance", "share", "trust")
_TIMEOUT_MAX_MS = 2**31 - 1
_ARCHES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "ARM64": "arm64", "i686": "ia32"}


class Declared(NamedTuple):
    """What a job says of itself: the answer of `_plan describe`, and its code, a zip; of an
    operator its description, an `OperatorSpec`."""

    kind: str
    inputs: Mapping[str, Any]
    options: Mapping[str, Any]
    params: Mapping[str, Any]
    program: Mapping[str, Any]
    has_combine: bool
    code: bytes
    operator: Optional[Mapping[str, Any]] = None


class Settings(NamedTuple):
    """Of one run; None = the job's own, or the default."""

    name: str
    params: Mapping[str, Any] = {}
    reducers: Optional[int] = None
    split_bytes: Optional[int] = None
    weight: int = 1
    priority: str = "normal"
    keep_going: bool = False


class Planned(NamedTuple):
    """`blobs`: what the plan names, the code among them. `files`: those with paths."""

    plan: Dict[str, Any]
    spec: Dict[str, Any]
    blobs: List[Blob]

    def has_paths(self) -> bool:
        """Whether files of this machine are named by their paths."""
        return any(file["at"]["kind"] == "path" for file in self.plan["files"])


def plan_files(declared: Declared, found: Sequence[Found], settings: Settings) -> Planned:
    """Of a job that reads files."""
    operator = declared.operator
    input_bytes = sum(file.size_bytes for file in found)
    spill_bytes = (32 if declared.has_combine else 64) * _MIB
    most = split_max_bytes(operator, spill_bytes)
    fitting = min(SPLIT_BYTES, most)
    split_bytes = _number("split_bytes", settings.split_bytes, fitting, (1, 64 * 1024**3))
    reducers = _reducers(declared, settings.reducers, input_bytes)
    if input_bytes / split_bytes > 10_000_000:
        text = f"split_bytes {split_bytes} makes more than 10000000 map tasks; use larger splits"
        raise ClusterError("limit-exceeded", text)
    cuts = [_Cutting(file, declared.inputs[file.input], split_bytes) for file in found]
    plan: Dict[str, Any] = {
        "version": 1,
        "params": merge_params(declared.params, settings.params),
        "spillBytes": spill_bytes,
        "files": [_input_file(file, declared.inputs[file.input]) for file in found],
        "splits": cut_splits(cuts, split_bytes, settings.split_bytes or min(SLACK_BYTES, most)),
        "items": None,
        "reducers": reducers,
    }
    later: List[int] = []
    if operator is not None:
        plan["operator"] = planned_operator(operator, reducers, found)
        later = later_reducers(plan["operator"])
        if in_one_task(plan, later, input_bytes):
            plan["inOneTask"] = True
    stages = [_stage(declared, "map", len(plan["splits"]))]
    stages[0]["inputBytes"] = input_bytes
    is_shuffled = reducers > 0 and "inOneTask" not in plan
    for at, count in enumerate([reducers, *later] if is_shuffled else []):
        stages[-1]["partitionCount"] = count
        stages.append({**_stage(declared, "reduce", count), "inputStage": at})
    return _planned(declared, plan, (stages, settings, []))


def _reducers(declared: Declared, wished: Optional[int], input_bytes: int) -> int:
    wished = declared.options.get("reducers") if wished is None else wished
    if declared.operator is not None:
        fitting = reducers_of(declared.operator, wished, input_bytes)
    else:
        own = min(256, max(1, math.ceil(input_bytes / SPLIT_BYTES)))
        fitting = own if wished is None else wished
    return int(_number("reducers", fitting, 0, (0, 100_000)))


def plan_items(declared: Declared, lines: bytes, settings: Settings) -> Planned:
    """Of a list of tasks: `lines` has the JSON of an item a line."""
    count = lines.count(b"\n")
    if count > 10_000_000 or len(lines) > 1024**3:
        text = f"the list of tasks has {count} items and {len(lines)} bytes; a job may have"
        raise ClusterError("limit-exceeded", f"{text} 10000000 items and 1073741824 bytes")
    blob = blob_of(lines)
    plan = {
        "version": 1,
        "params": merge_params(declared.params, settings.params),
        "spillBytes": 64 * _MIB,
        "files": [],
        "splits": [],
        "items": {"hash": blob.hash, "count": count},
        "reducers": 0,
    }
    return _planned(declared, plan, ([_stage(declared, "tasks", count)], settings, [blob]))


def uploaded(planned: Planned) -> Planned:
    """The same with every file of this machine as a blob: the coordinator cannot read paths."""
    files, blobs = [], list(planned.blobs)
    for file in planned.plan["files"]:
        if file["at"]["kind"] == "path":
            blob = blob_of_file(file["at"]["path"])
            is_same = mtime_ms_of(os.stat(file["at"]["path"])) == file["at"]["mtimeMs"]
            if blob.size_bytes != file["sizeBytes"] or not is_same:
                text = f"{file['name']} changed while the job was submitted; submit it again"
                raise ClusterError("data-lost", text)
            blobs.append(blob)
            file = {**file, "at": {"kind": "blob", "hash": blob.hash}}
        files.append(file)
    plan = {**planned.plan, "files": files}
    return planned._replace(plan=plan, spec={**planned.spec, "locality": None}, blobs=blobs)


def plan_blob(plan: Mapping[str, Any]) -> Blob:
    """The plan as workers read it."""
    return blob_of(json_bytes(json.dumps(plan, ensure_ascii=False, separators=(",", ":"))))


def _planned(declared: Declared, plan: Dict[str, Any], rest: Any) -> Planned:
    stages, settings, blobs = rest
    code = blob_of(declared.code)
    options = declared.options
    timeout_ms = _number("timeout_ms", options.get("timeoutMs"), 0, (0, _TIMEOUT_MAX_MS))
    limits = {
        "userErrorMax": _number("attempts", options.get("attempts"), 4, (1, 100)),
        "workersKilledMax": 3,
        "backoffMs": 100,
        "backoffMaxMs": 10_000,
    }
    if not 1 <= len(settings.name) <= 200:
        raise ClusterError("bad-request", "the name of a job has 1 to 200 characters")
    spec = {
        "name": settings.name,
        "codeHash": code.hash,
        "planHash": "",
        "stages": [{**stage, "timeoutMs": timeout_ms} for stage in stages],
        "locality": _locality(plan),
        "limits": limits,
        "backupTasks": options.get("backupTasks", True),
        **{name: options[name] for name in _PASSED_ON if name in options},
        **_bad_share(options.get("badRecords")),
        "weight": _number("weight", settings.weight, 1, (1, 1000)),
        "output": _output_of(options),
        **({"programKind": _PYTHON} if declared.operator is None else {}),
    }
    shape = _shape(declared, plan, spec["output"])
    if shape is not None:
        spec["shape"] = shape
    # Left out where they say nothing: older coordinators refuse fields that they do not know.
    if settings.priority != "normal":
        spec["priority"] = settings.priority
    if settings.keep_going:
        spec["keepGoing"] = True
    spec.update(declared.program)
    return Planned(plan, spec, [code, *blobs])


def _output_of(options: Mapping[str, Any]) -> str:
    output = options.get("output", "ndjson")
    return "rows" if options.get("rows") and output == "ndjson" else output


def _shape(declared: Declared, plan: Mapping[str, Any], output: str) -> Optional[Dict[str, Any]]:
    if plan["items"] is not None:
        return {"of": "tasks", "items": plan["items"]["hash"]}
    if declared.operator is not None:
        return shape_of(plan["operator"], output)
    return None if output == "text" else {"of": "pairs"}


def _stage(declared: Declared, kind: str, count: int) -> Dict[str, Any]:
    return {
        "kind": kind,
        "taskCount": count,
        "inputStage": None,
        "partitionCount": 0,
        "inputBytes": 0,
    }


def _locality(plan: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
    hosts = [plan["files"][split["pieces"][0][0]]["at"]["host"] for split in plan["splits"]]
    places = {host: index for index, host in enumerate(dict.fromkeys(hosts))}
    if not places:
        return None
    return {"hosts": list(places), "taskHost": [places[host] for host in hosts]}


class _Cutting:
    """How a file may be cut: compressed, whole-file formats and CSV over several lines are not."""

    def __init__(self, file: Found, spec: Any, split_bytes: float) -> None:
        spec = spec or {"format": "lines"}
        is_whole = spec["format"] == "file" or (spec["format"] == "csv" and spec["multiline"])
        self.input, self.size_bytes = file.input, file.size_bytes
        self.may_pack = file.compression == "none"
        self.may_cut = self.may_pack and not is_whole
        if self.may_cut and file.size_bytes > split_bytes:
            self.may_cut = _has_cuts(file.path, spec)
        self.is_record = spec["format"] == "file"
        self.record_bytes = spec["sizeBytes"] if spec["format"] == "records" else 1


def _has_cuts(path: str, spec: Any) -> bool:
    """Whether it can be cut where lines end."""
    if spec["format"] == "records":
        return True
    with open(path, "rb") as file:
        start = file.read(SHAPE_START_BYTES + 1)
    if ends_lines_with_returns(lambda size: start[: min(size, SHAPE_START_BYTES)]):
        return False
    is_all = len(start) <= SHAPE_START_BYTES
    is_json = spec["format"] in ("json", "ndjson")
    return not (is_json and is_json_array(start[:SHAPE_START_BYTES], is_all))


def cut_splits(files: Sequence[Any], split_bytes: int, most_bytes: int) -> List[Dict[str, Any]]:
    """Splits in the order of the files: big ones cut into ranges, small ones packed together. Up
    to `most_bytes` a file is cut into one split less."""
    splits: List[Dict[str, Any]] = []
    pack: List[List[int]] = []
    pack_input, pack_bytes = "", 0
    for index, file in enumerate(files):
        size = file.size_bytes
        if size == 0 and not file.is_record:
            continue
        is_full = pack_bytes + size > split_bytes or len(pack) == _FILES_OF_SPLIT
        if pack and (file.input != pack_input or is_full or not file.may_pack):
            splits.append({"input": pack_input, "pieces": pack})
            pack, pack_bytes = [], 0
        if size > split_bytes or not file.may_pack:
            count = math.ceil(size / split_bytes)
            if count > 1 and size <= (count - 1) * most_bytes:
                count -= 1
            pieces = _ranges(index, file, count)
            splits += [{"input": file.input, "pieces": [piece]} for piece in pieces]
            continue
        pack.append([index, 0, size])
        pack_input = file.input
        pack_bytes += size
    if pack:
        splits.append({"input": pack_input, "pieces": pack})
    return splits


def _ranges(index: int, file: Any, count: int) -> List[List[int]]:
    if not file.may_cut:
        return [[index, 0, file.size_bytes]]
    records = file.size_bytes // file.record_bytes
    # Halves go up, as Math.round has them.
    cuts = [(2 * n * records + count) // (2 * count) * file.record_bytes for n in range(count + 1)]
    return [[index, start, end] for start, end in zip(cuts, cuts[1:])]


def _input_file(file: Found, spec: Any) -> Dict[str, Any]:
    described: Dict[str, Any] = {
        "name": file.name,
        "compression": file.compression,
        "sizeBytes": file.size_bytes,
    }
    if spec is not None and spec["format"] == "records":
        size = spec["sizeBytes"]
        if file.compression == "none" and file.size_bytes % size:
            text = f"{file.name} has {file.size_bytes} bytes, and records of {size} do not fill"
            raise ClusterError("bad-request", f"{text} them; give the size that its records have")
        described["recordBytes"] = size
    at = {"kind": "path", "host": host_id(), "path": file.path, "mtimeMs": file.mtime_ms}
    return {**described, "at": at}


def merge_params(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """Given values over the defaults; each must have a default, of the same type."""
    for name, value in given.items():
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            text = f'unknown parameter "{name}"; the job has {known}'
            raise ClusterError("bad-request", text)
        fallback = defaults[name]
        if fallback is not None and _type_of(value) != _type_of(fallback):
            wanted = _type_of(fallback)
            raise ClusterError("bad-request", f"parameter {name} is {value!r}; give a {wanted}")
    return {**defaults, **given}


def _type_of(value: Any) -> str:
    for kind, name in ((bool, "bool"), ((int, float), "number"), (str, "str"), (dict, "dict")):
        if isinstance(value, kind):  # type: ignore[arg-type]
            return name
    return "list" if isinstance(value, (list, tuple)) else type(value).__name__


def _bad_share(policy):
    return {"badShareMax": policy["keepUpTo"]} if isinstance(policy, dict) else {}


def _number(name: str, value: Any, default: int, limits: Any) -> int:
    low, high = limits
    chosen = default if value is None else value
    if type(chosen) is int and low <= chosen <= high:
        return chosen
    text = f"{name} is {chosen!r}; it must be a whole number from {low} to {high}"
    raise ClusterError("bad-request", text)


def host_id() -> str:
    """This machine, as src/link/host.ts names it: two processes share the name exactly when they
    see the same files."""
    system = "win32" if sys.platform == "win32" else sys.platform
    machine = platform.machine()
    parts = [socket.gethostname(), system, _ARCHES.get(machine, machine)]
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            parts.append(file.read().strip())
        parts += [os.readlink("/proc/self/ns/mnt"), os.readlink("/proc/self/ns/net")]
    except OSError:
        # Not Linux: the host name must do.
        pass
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
