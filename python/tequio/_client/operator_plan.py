"""What a plan says of an operator: how many reduce tasks its stages have, where the parts of a sort
begin, and what the lines of its result are. As src/sdk/plan/operator.ts and src/sdk/table/shape.ts
make it."""

import math
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .failure import ClusterError
from .inputs import Found
from .sample import splitters_of

OPERATOR_CODE = b"// An operator: the plan says what is done.\nexport default null;\n"
"""What stands for the code; as src/sdk/build/operator-code.ts has it."""

_MIB = 1024 * 1024
_FOLDING = frozenset(("count", "sum", "min", "max"))
_Spec = Mapping[str, Any]


def split_max_bytes(operator: Optional[_Spec], spill_bytes: int) -> float:
    """More than this would not be sorted in one go."""
    is_sort = operator is not None and operator["apply"]["operator"] == "sort"
    return max(1, spill_bytes >> 1) if is_sort else math.inf


def reducers_of(operator: _Spec, wished: Optional[int], input_bytes: int) -> int:
    """Of the first reduce stage; 0 when there is none. Errors: `bad-request` for a number that the
    operator cannot have."""
    apply, last = operator["apply"], operator["last"]
    name = apply["operator"]
    fold = _fitting(input_bytes, 256 * _MIB)
    if name == "query":
        first = next((step for step in apply["steps"] if _is_shuffle(step)), None)
        if first is None:
            return 0
        return 1 if _is_single(first) else max(1, fold if wished is None else wished)
    if wished == 0 or (last is not None and wished not in (None, 1)):
        what, needs = (name, "at least one") if last is None else ("top_k", "one")
        text = f"{what} needs {needs} reducer, not {wished}; leave `reducers` out"
        raise ClusterError("bad-request", text)
    if name == "sort" and apply["limit"] is not None:
        return 1
    if last is not None or (name == "count" and not apply["by"]):
        return 1
    if wished is not None:
        return wished
    if name == "sort":
        few = min(4, math.ceil(input_bytes / (16 * _MIB)))
        return min(256, max(1, few, math.ceil(input_bytes / (128 * _MIB))))
    return fold if name in _FOLDING else _fitting(input_bytes, 64 * _MIB)


def _fitting(input_bytes: int, of_each: int) -> int:
    return min(256, max(1, math.ceil(input_bytes / of_each)))


def _is_shuffle(step: _Spec) -> bool:
    return step["step"] not in ("where", "select")


def _is_single(step: _Spec) -> bool:
    """Order as a whole, and the one row of all rows, need one task."""
    return step["step"] == "sort" or (step["step"] == "group" and not step["by"])


def planned_operator(operator: _Spec, reducers: int, found: Sequence[Found]) -> Dict[str, Any]:
    """The operator as workers read it: with what can be known only from the inputs."""
    apply = operator["apply"]
    if apply["operator"] == "query":
        most, counts = reducers, []
        for step in filter(_is_shuffle, apply["steps"]):
            most = 1 if _is_single(step) else most
            counts.append(most)
        return {**operator, "apply": {**apply, "reducers": counts}}
    if apply["operator"] != "sort":
        return dict(operator)
    splitters = splitters_of(operator, reducers, found)
    return {**operator, "apply": {**apply, "splitters": splitters}}


def in_one_task(plan: Dict[str, Any], later: Sequence[int], input_bytes: int) -> bool:
    """Whether one task can do all that there is."""
    is_one = len(plan["splits"]) == 1 and plan["reducers"] == 1 and len(later) == 0
    return is_one and input_bytes <= 64 * 1024**2


def later_reducers(operator: _Spec) -> List[int]:
    """Of the stages behind the first reduce stage: those of shuffles that are not done by the task
    which has gathered the one before."""
    counts = operator["apply"].get("reducers", [])
    return [
        count
        for at, count in enumerate(counts)
        if at > 0 and not (count == 1 and counts[at - 1] == 1)
    ]


def shape_of(operator: _Spec, output: str) -> Optional[Dict[str, Any]]:
    """What the lines of the result are; None when its parts are in the job's format already, and
    their lines are pairs or CSV."""
    apply, inputs = operator["apply"], operator["inputs"]
    name = apply["operator"]
    if output == "bytes" or (output == "text" and name not in ("query", "sort")):
        return None
    if output == "text" and name == "sort":
        return {"of": "lines"}
    if name in ("query", "sort") and output == "csv":
        return None
    if name == "query":
        columns: Sequence[str] = apply["columns"]
        for step in apply["steps"]:
            columns = _columns_after(step, columns)
        return {"of": "rows", "columns": list(columns)}
    if name == "sort":
        return {"of": "rows", "columns": columns_of(inputs["default"])}
    if name == "join":
        key = apply["on"]["left"]
        sides = [f"{side}.{one}" for side in ("left", "right") for one in columns_of(inputs[side])]
        return {"of": "pairs", "key": [key], "columns": [key, *sides]}
    by, value, number = list(apply["by"]), name, 2
    while value in by:
        value, number = f"{name}_{number}", number + 1
    return {"of": "pairs", "key": by, "value": value, "columns": [*by, value]}


def _columns_after(step: _Spec, columns: Sequence[str]) -> Sequence[str]:
    if step["step"] == "select":
        return [one["name"] for one in step["columns"]]
    if step["step"] == "group":
        return [*step["by"], *(one["name"] for one in step["aggregates"])]
    return columns


def columns_of(spec: _Spec) -> List[str]:
    """Of a format."""
    kind = spec["format"]
    if kind == "csv":
        return list(spec.get("pick") or spec["columns"] or [])
    if kind == "match":
        return list(spec["columns"] or ["match"])
    if kind == "json":
        return list(spec["paths"])
    return ["word" if kind == "words" else "line"]
