"""Makes the mathematics of this process exact, once and for good, before job code is loaded.

What cannot be exact is refused by its name: `cmath`, and of `math` what the kit does not have."""

import builtins
import importlib
import importlib.machinery
import importlib.util
import math
import operator
import os
import sys
import types
from base64 import b85decode
from typing import Any, Callable, Dict, Optional
from zipimport import zipimporter

from .functions import Function, functions_of, power, refusal
from .kit import KIT
from .powers import CALL, compiled
from .sums import exact_dist, exact_hypot, exact_sum
from .translate import translated

_REFUSED = ("erf", "erfc", "gamma", "lgamma", "sumprod")
_FLOATS = (float, int, bool)
_installed = [False]


def is_exact() -> bool:
    """Whether `install` was called in this process."""
    return _installed[0]


def install() -> None:
    """Replaces functions of `math`, `sum`, `pow` and what others have imported of them."""
    if _installed[0]:
        return
    _installed[0] = True
    kit = translated(b85decode(KIT))
    given: Dict[str, Any] = {**functions_of(kit), "hypot": exact_hypot, "dist": exact_dist}
    given.update({name: _refusing(f"math.{name}") for name in _REFUSED if hasattr(math, name)})
    native = {getattr(math, name): name for name in given if hasattr(math, name)}
    # Its sums and roots are those of `math` in Python alone.
    sys.modules["_statistics"] = None  # type: ignore[assignment]
    for module in list(sys.modules.values()):
        if module is not math and isinstance(module, types.ModuleType):
            _replace(vars(module), native, given)
    for name, function in given.items():
        setattr(math, name, function)
    builtins.sum = exact_sum  # type: ignore[assignment]
    raised = _raised(kit["pow"])
    builtins.pow = operator.pow = raised
    operator.ipow = raised
    setattr(builtins, CALL, raised)
    sys.modules["cmath"] = _Refused("cmath")
    _constants_of_random(given)


_Names = Dict[Any, Any]


def _replace(names: _Names, native: _Names, given: _Names) -> None:
    for name, value in list(names.items()):
        if isinstance(value, types.BuiltinFunctionType) and value in native:
            names[name] = given[native[value]]


def _constants_of_random(given: Dict[str, Any]) -> None:
    """Those that were computed when it was loaded."""
    import random

    root = math.sqrt(2.0)
    for name, value in (
        ("NV_MAGICCONST", 4 * given["exp"](-0.5) / root),
        ("LOG4", given["log"](4.0)),
        ("SG_MAGICCONST", 1.0 + given["log"](4.5)),
    ):
        if hasattr(random, name):
            setattr(random, name, value)


def _raised(kit: Function) -> Callable[..., Any]:
    """`**`: of doubles by the kit, and of all else as it is."""
    native = pow

    def raised(base: Any, exp: Any, mod: Any = None) -> Any:
        kinds = (type(base), type(exp))
        if mod is not None:
            return native(base, exp, mod)
        if complex in kinds:
            raise refusal("a complex power")
        if float in kinds and kinds[0] in _FLOATS and kinds[1] in _FLOATS:
            return power(kit, float(base), float(exp), True)
        if kinds[0] in _FLOATS and kinds[1] is int and exp < 0:
            return power(kit, float(base), float(exp), True)
        return native(base, exp)

    raised.__name__ = raised.__qualname__ = "pow"
    return raised


def _refusing(name: str) -> Function:
    def refused(*_: Any) -> float:
        raise refusal(name)

    refused.__name__ = name.rpartition(".")[2]
    return refused


class _Refused(types.ModuleType):
    """A module whose functions are refused when they are called."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _refusing(f"{self.__name__}.{name}")


class ExactFinder:
    """Finds the modules of a job's code, in its zip or folder, and compiles them with exact
    powers."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[Any]:
        """As finders of `sys.meta_path`; None for all other modules."""
        if not os.path.isdir(self._folder):
            own = [self._folder, os.path.join(self._folder, "wheels")]
            places = own if path is None else list(path)
            specs = (zipimporter(place).find_spec(name) for place in places if _is_in(place, self))
            spec = next((one for one in specs if one is not None), None)
        else:
            finder = importlib.machinery.PathFinder
            spec = finder.find_spec(name, [self._folder] if path is None else path)
        if spec is None or spec.loader is None or not _is_in(spec.origin, self):
            return None
        _make_exact(spec.loader)
        return spec

    @property
    def folder(self) -> str:
        """Where the job's code lies."""
        return self._folder


def _is_in(path: Optional[str], finder: ExactFinder) -> bool:
    return path is not None and path.startswith(finder.folder)


def _make_exact(loader: Any) -> None:
    def execute(module: types.ModuleType) -> None:
        name = module.__name__
        source = loader.get_source(name)
        exec(compiled(source, loader.get_filename(name), "exec"), vars(module))

    if hasattr(loader, "get_source"):
        loader.exec_module = execute
