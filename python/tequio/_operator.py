"""Operators as data: the description that workers' kernels run, and the options that all operators
take. As src/sdk/operators makes them."""

from typing import Any, Dict, Mapping, Sequence

from ._declared import plain_bad_policy

_OPTIONS = {
    "name": "name",
    "reducers": "reducers",
    "output": "output",
    "bad_records": "badRecords",
    "timeout_ms": "timeoutMs",
    "attempts": "attempts",
    "backup_tasks": "backupTasks",
    "share": "share",
    "trust": "trust",
}
_OUTPUTS = ("ndjson", "rows", "csv", "parquet", "arrow", "text")
_TEXTS = ("lines", "words", "csv", "match", "json")


_Plain = Mapping[str, Any]


def operator_spec(inputs: _Plain, apply: _Plain, declared: _Plain) -> Dict[str, Any]:
    """An `OperatorSpec` of src/wire/block/plan.ts."""
    return {
        "inputs": {name: _read(spec) for name, spec in inputs.items()},
        "apply": apply,
        "last": None,
        "output": declared.get("output", "ndjson"),
        "badRecords": declared.get("badRecords", "fail"),
    }


def _read(spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Text must be UTF-8, since keys that are not would become the same; numbers of JSON keep their
    digits."""
    encoding = {"encoding": "utf-8"} if spec["format"] in _TEXTS else {}
    exact = {"exact": True} if spec["format"] == "json" else {}
    return {**encoding, **spec, **exact}


def declared_options(options: Mapping[str, Any]) -> Dict[str, Any]:
    """Options of an operator as they are submitted. Errors: TypeError for an unknown one."""
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise TypeError(f"unknown option {unknown[0]!r}; there are: {', '.join(_OPTIONS)}")
    one_of("output", options.get("output", "ndjson"), _OUTPUTS)
    policy = plain_bad_policy(options.get("bad_records", "fail"))
    if not isinstance(policy, dict) or "keepUpTo" not in policy:
        one_of("bad_records", policy, ("fail", "keep"))
    check_trust(options.get("share"), options.get("trust"))
    declared = {_OPTIONS[name]: value for name, value in options.items() if value is not None}
    if "badRecords" in declared:
        declared["badRecords"] = policy
    if declared.get("output") == "rows":
        declared.update(output="ndjson", rows=True)
    return declared


def check_trust(share: Any, trust: Any) -> None:
    """Errors: ValueError for options of volunteers that there are not."""
    one_of("share", "volunteers" if share is None else share, ("volunteers",))
    one_of("trust", "audit" if trust is None else trust, ("own", "audit", "quorum"))


def one_of(name: str, value: str, choices: Sequence[str]) -> str:
    """The value. Errors: ValueError when it is none of them."""
    if value not in choices:
        raise ValueError(f"`{name}` is {value!r}; it must be one of {', '.join(choices)}")
    return value
