"""Packages that travel with a job: wheels of a folder, as far as they are Python alone.

A zip of code has them below `wheels/`, where Python imports them from, in a task process and in a
tab alike. What `requires` names and no wheel is must be where the worker's Python is."""

import ast
import os
import re
import zipfile
from email.parser import HeaderParser
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from .._values.errors import TaskError

FOLDER = "wheels"
"""Where they lie in the zip of the code."""

_FILE = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-\d[^-]*)?-[^-]+-[^-]+-(?P<tag>[^-]+)\.whl")
_NAMED = r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?"
_REQUIREMENT = re.compile(_NAMED + r"\s*\(?([^;)]*)\)?\s*(;.*)?")
_BOUND = re.compile(r"(~=|===?|!=|<=|>=|<|>)\s*v?([0-9]+(?:\.[0-9]+)*)(?:\.\*)?.*")
_PRE = re.compile(r"[0-9.]+(a|b|rc|\.?dev)")
_Release = Tuple[int, ...]


class Wheel(NamedTuple):
    """A file of the folder."""

    name: str
    version: str
    path: str


class Travelling(NamedTuple):
    """`files`: of the zip, by path. `requires`: what workers must have all the same. `paths`: of
    the wheels, from which Python imports as well."""

    files: Dict[str, bytes]
    requires: List[str]
    paths: List[str]


def travelling(folder: str, requires: Iterable[str]) -> Travelling:
    """The wheels of the folder that these requirements need, with what those need. Errors:
    `build-failed` for a wheel that has compiled code, `bad-request` without the folder."""
    wheels = _wheels_in(folder)
    files: Dict[str, bytes] = {}
    left: List[str] = []
    taken: Dict[str, Wheel] = {}
    waiting = [(text, "") for text in requires]
    while waiting:
        text, needed_by = waiting.pop(0)
        name, bounds, marker = _parsed(text)
        if name in taken:
            continue
        wheel = _newest(wheels.get(name, []), bounds)
        if wheel is None:
            # Of what holds in some places only, the worker knows which.
            if needed_by == "" or marker == "":
                left.append(text.partition(";")[0].strip() if needed_by else text)
            continue
        taken[name] = wheel
        content, needs = _content(wheel)
        files.update(content)
        waiting += [(need, wheel.name) for need in needs if "extra" not in _parsed(need)[2]]
    return Travelling(files, left, [one.path for one in taken.values()])


def named_in(source: bytes) -> List[str]:
    """The requirements that a job file writes as a list of texts: known before it is loaded, which
    imports them."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        # Loading it reports the place.
        return []
    found: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "requires":
            for one in getattr(node.value, "elts", ()):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    found.append(one.value)
    return found


def _wheels_in(folder: str) -> Dict[str, List[Wheel]]:
    if not os.path.isdir(folder):
        raise TaskError("bad-request", f"there is no folder {folder} of wheels")
    found: Dict[str, List[Wheel]] = {}
    for entry in sorted(os.listdir(folder)):
        match = _FILE.fullmatch(entry)
        if match is not None:
            name = package_name(match["name"])
            wheel = Wheel(name, match["version"], os.path.join(folder, entry))
            found.setdefault(name, []).append(wheel)
    return found


def package_name(name: str) -> str:
    """"Foo_Bar" and "foo-bar" are one package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _parsed(text: str) -> Tuple[str, List[Tuple[str, str]], str]:
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        raise TaskError("bad-request", f"requires: {text!r} is no package with versions")
    bounds = [_BOUND.fullmatch(one.strip()) for one in match[2].split(",") if one.strip()]
    known = [(one[1], one[2]) for one in bounds if one is not None]
    return package_name(match[1]), known, match[3] or ""


def _newest(wheels: List[Wheel], bounds: List[Tuple[str, str]]) -> Optional[Wheel]:
    fitting = [one for one in wheels if all(_fits(one.version, bound) for bound in bounds)]
    return max(fitting, key=_rank, default=None)


def _rank(wheel: Wheel) -> Tuple[_Release, bool]:
    """A pre-release comes before its release."""
    return _release(wheel.version), not _PRE.match(wheel.version)


def _release(version: str) -> _Release:
    numbers = re.match(r"(?:[0-9]+!)?([0-9]+(?:\.[0-9]+)*)", version)
    return tuple(map(int, numbers[1].split("."))) if numbers else (0,)


def _fits(version: str, bound: Tuple[str, str]) -> bool:
    operator, wanted = bound[0], _release(bound[1])
    has = _release(version)
    width = max(len(has), len(wanted))
    a, b = (one + (0,) * (width - len(one)) for one in (has, wanted))
    is_same = a[: len(wanted)] == wanted
    return {
        "==": is_same,
        "===": is_same,
        "!=": not is_same,
        ">=": a >= b,
        "<=": a <= b,
        ">": a > b,
        "<": a < b,
        "~=": a >= b and a[: len(wanted) - 1] == wanted[:-1],
    }[operator]


def _content(wheel: Wheel) -> Tuple[Dict[str, bytes], List[str]]:
    """Its files below `FOLDER`, and what it needs."""
    files: Dict[str, bytes] = {}
    needs: List[str] = []
    with zipfile.ZipFile(wheel.path) as opened:
        for name in opened.namelist():
            if name.endswith((".so", ".pyd", ".dylib")):
                text = f"{os.path.basename(wheel.path)} has compiled code ({name}), which does not"
                remedy = (
                    f"travel, to browser tabs neither: remove it from {os.path.dirname(wheel.path)}"
                    f" and install {wheel.name} where the workers' Python is; `requires` keeps the"
                    " job on workers that have it"
                )
                raise TaskError("build-failed", f"{text} {remedy}")
            if name.endswith("/") or ".." in name.split("/"):
                continue
            data = opened.read(name)
            if name.endswith(".dist-info/METADATA"):
                fields = HeaderParser().parsestr(data.decode("utf-8", "replace"))
                needs = fields.get_all("Requires-Dist") or []
            inside = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
            files[f"{FOLDER}/{inside}"] = data
    return files, needs
