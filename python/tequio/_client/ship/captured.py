"""Collects a function with everything that it uses, and refuses what cannot travel: a worker has
the modules, functions, classes and constants, and nothing of the state of this process."""

import __future__
import ast
import functools
import importlib
import inspect
import linecache
import os
import sys
import types
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..failure import ClusterError
from .literals import LITERAL_MAX_CHARACTERS, is_namedtuple, literal
from .modules import LocalFiles, is_reachable
from .names import used_names, written_names
from .source import Piece, piece_of_class, piece_of_function

# Annotations are not evaluated on a worker, which need not have what they name.
_NO_ANNOTATIONS = __future__.annotations.compiler_flag
_REMEDY = "pass it as an argument"


class Shipment:
    """Functions and what they use. `entries`: in the order in which a worker defines them; see
    tequio/_job/shipped.py for their form."""

    def __init__(self, remedy: str = _REMEDY) -> None:
        self.entries: List[Dict[str, Any]] = []
        self.local = LocalFiles()
        self._remedy = remedy
        self._values: Dict[str, Any] = {}

    def reference(self, function: Any, role: str) -> Dict[str, Any]:
        """How the worker finds the function. Errors: `build-failed` with the name of what cannot
        travel and its line."""
        if isinstance(function, functools.partial):
            given = [literal(list(function.args)), literal(function.keywords)]
            if None in given:
                text = f"{role} is a functools.partial of arguments that are no constants"
                raise ClusterError("build-failed", f"{text}; {self._remedy}")
            return {"partial": self.reference(function.func, role), "given": given}
        found = self._imported(function)
        if found is not None:
            return found
        plain = inspect.unwrap(function)
        if not isinstance(plain, types.FunctionType):
            kind = type(function).__name__
            text = f"{role} is a {kind}, which is more than a function: its state would not travel"
            raise ClusterError("build-failed", f"{text}; give a function, and {self._remedy}")
        name = plain.__name__
        if name in self._values and self._values[name] is not function:
            name = f"{name} {len(self.entries)}"
        if name not in self._values:
            self._define(name, function)
        return {"name": name}

    def _imported(self, value: Any) -> Optional[Dict[str, Any]]:
        """By the module that has it, unless that is the program itself."""
        module = getattr(value, "__module__", None)
        path = getattr(value, "__qualname__", None)
        if isinstance(value, types.BuiltinFunctionType) and isinstance(value.__self__, type(sys)):
            module = value.__self__.__name__
        if not isinstance(module, str) or not isinstance(path, str):
            return None
        if module == "__main__" or not is_reachable(module, path, value):
            return None
        self.local.add(module)
        return {"module": module, "attribute": path}

    def _define(self, name: str, value: Any) -> None:
        """A function or class of the program, after what it uses."""
        self._values[name] = value
        is_class = isinstance(value, type)
        plain = value if is_class else inspect.unwrap(value)
        piece = piece_of_class(value) if is_class else piece_of_function(plain)
        flags = 0 if is_class else _NO_ANNOTATIONS
        code = piece.code(flags)
        for written, line in written_names(code).items():
            place = f"{os.path.basename(piece.file)}:{line}"
            text = f'{place}: {name} assigns the global "{written}", which stays on the worker'
            raise ClusterError("build-failed", f"{text}; return the value")
        resolve = _resolver(value if is_class else plain)
        for used, line in used_names(code).items():
            if used != getattr(plain, "__name__", None):
                self._use(resolve, (name, used), (piece, line))
        own = plain.__name__ if not piece.is_lambda else None
        self.entries.append({"name": name, "own": own, "flags": flags, "piece": piece._asdict()})

    def _use(self, resolve: Callable[[str], Any], names: Any, at: Any) -> None:
        user, name = names
        value, is_captured = resolve(name)
        if value is _MISSING:
            # As it would be here: a NameError, should it come to that.
            return
        if name in self._values:
            if self._values[name] is not value:
                raise self._refused(at, f'{user} uses "{name}", of which there are two')
            return
        self._values[name] = value
        entry = self._entry(name, value, at[0].file)
        if entry is None and isinstance(inspect.unwrap(value), (types.FunctionType, type)):
            self._define(name, value)
            return
        if entry is None or (is_captured and "literal" in entry):
            raise self._refused(at, f'{user} uses "{name}", {_what(value, is_captured)}')
        if len(entry.get("literal", "")) > LITERAL_MAX_CHARACTERS:
            text = f'{user} uses "{name}", a constant of {len(entry["literal"])} characters'
            raise self._refused(at, text)
        self.entries.append({"name": name, **entry})

    def _entry(self, name: str, value: Any, file: str) -> Optional[Dict[str, Any]]:
        """None for what is defined by its source, or cannot travel."""
        if isinstance(value, types.ModuleType):
            also = _submodules(file, value.__name__)
            for module in (value.__name__, *also):
                self.local.add(module)
            return {"module": value.__name__, "also": also}
        found = self._imported(value)
        if found is not None:
            return found
        if is_namedtuple(value):
            fields = list(value._fields)
            return {"namedtuple": [value.__name__, fields, literal(value._field_defaults)]}
        text = literal(value)
        if text is not None:
            return {"literal": text}
        return _from_import(file, name, value)

    def _refused(self, at: Tuple[Piece, int], text: str) -> ClusterError:
        piece, line = at
        place = f"{os.path.basename(piece.file)}:{line}"
        return ClusterError("build-failed", f"{place}: {text}; {self._remedy}")


_MISSING = object()


def _resolver(owner: Any) -> Callable[[str], Any]:
    """`resolve(name)`: the value that the name has for this function or class, and whether it
    belongs to a function around it."""
    cells: Dict[str, Any] = {}
    if isinstance(owner, types.FunctionType):
        names = owner.__globals__
        for name, cell in zip(owner.__code__.co_freevars, owner.__closure__ or ()):
            try:
                cells[name] = cell.cell_contents
            except ValueError:
                # Not assigned yet.
                pass
    else:
        module = sys.modules.get(owner.__module__)
        names = vars(module) if module is not None else {}

    def resolve(name):
        if name in cells:
            return cells[name], True
        # Else a builtin, or nothing.
        return names.get(name, _MISSING), False

    return resolve


def _what(value: Any, is_captured: bool) -> str:
    if is_captured:
        return "a variable of the function around it, which does not travel"
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"an object of type {name}, which is in this process alone"


@functools.lru_cache(maxsize=64)
def _imports_of(file: str) -> List[Any]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return []
    return [one for one in ast.walk(tree) if isinstance(one, (ast.Import, ast.ImportFrom))]


def _submodules(file: str, package: str) -> List[str]:
    """`import a.b` gives the name `a`, and must be repeated for `a.b` to be there."""
    plain = [one for one in _imports_of(file) if isinstance(one, ast.Import)]
    named = {alias.name for one in plain for alias in one.names}
    return sorted(name for name in named if name.startswith(f"{package}."))


def _from_import(file: str, name: str, value: Any) -> Optional[Dict[str, Any]]:
    """What `from module import name` gave, when nothing else shows it: `typing.List`."""
    for one in _imports_of(file):
        if not isinstance(one, ast.ImportFrom) or one.level or not one.module:
            continue
        for alias in one.names:
            if (alias.asname or alias.name) != name:
                continue
            module = importlib.import_module(one.module)
            if getattr(module, alias.name, _MISSING) is value and _is_shared(one.module):
                return {"module": one.module, "attribute": alias.name}
    return None


def _is_shared(module: str) -> bool:
    """Of Python itself or a package, whose objects a worker makes anew as this process did."""
    files = LocalFiles()
    files.add(module)
    return not files.roots
