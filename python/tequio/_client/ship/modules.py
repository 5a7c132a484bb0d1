"""Modules of the program: those beside it travel with the functions that import them; those of
Python and of installed packages are the worker's own."""

import os
import sys
import sysconfig
from typing import Any, Dict, Optional, Set

from ..._plan.code import code_with_imports

_INSTALLED = ("stdlib", "platstdlib", "purelib", "platlib")


class LocalFiles:
    """`roots`: by folder, paths below it that travel."""

    def __init__(self) -> None:
        self.roots: Dict[str, Set[str]] = {}

    def add(self, module: str) -> None:
        """The module, unless it is installed."""
        parts = module.split(".")
        root = root_of(parts[0])
        if root is None:
            return
        wanted = self.roots.setdefault(root, set())
        # A package is loaded before what is in it.
        for end in range(1, len(parts) + 1):
            base = os.path.join(*parts[:end])
            for path in (f"{base}.py", os.path.join(base, "__init__.py")):
                if os.path.isfile(os.path.join(root, path)):
                    wanted.add(path)

    def read(self) -> Dict[str, bytes]:
        """By path, with the modules beside them that they import in turn."""
        files: Dict[str, bytes] = {}
        for root, paths in sorted(self.roots.items()):
            files.update(code_with_imports(root, sorted(paths)))
        return files


def root_of(top: str) -> Optional[str]:
    """The folder from which this process has imported the module; None when it is installed."""
    module = sys.modules.get(top)
    file = getattr(module, "__file__", None)
    if top in ("__main__", "tequio") or not file or not file.endswith(".py"):
        return None
    path = os.path.realpath(file)
    places = [sysconfig.get_path(name) for name in _INSTALLED]
    if any(path.startswith(os.path.realpath(place) + os.sep) for place in places if place):
        return None
    if "site-packages" in path or "dist-packages" in path:
        return None
    folder = os.path.dirname(os.path.abspath(file))
    return os.path.dirname(folder) if os.path.basename(file) == "__init__.py" else folder


def is_reachable(module: str, path: str, value: Any) -> bool:
    """Whether the module has this very value under the path, as "Order.price"."""
    at: Any = sys.modules.get(module)
    for name in path.split("."):
        at = getattr(at, name, None)
    return at is not None and at is value
