"""The code of a job as one zip: the job file and the modules beside it that it imports. The same
files give the same bytes on every machine."""

import ast
import os
import sys
import zipfile

from .._values.errors import TaskError

CODE_MAX_BYTES = 64 * 1024 * 1024


def code_files(folder, entry):
    """Paths, from the folder of the job file, of what travels: what has been imported from there,
    and what any of it names in an import, wherever that stands."""
    waiting = [f"{entry}.py"]
    for name, module in list(sys.modules.items()):
        path = _path_of(folder, name)
        file = getattr(module, "__file__", None)
        if path is not None and file and os.path.samefile(os.path.join(folder, path), file):
            waiting.append(path)
    return code_with_imports(folder, waiting)


def code_with_imports(folder, paths):
    """The files at these paths, and those of the folder that any of them names in an import."""
    found = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported_by(folder, path)
    return {path: _read(os.path.join(folder, path)) for path in sorted(found)}


def write_code(target, files, more):
    """Writes the zip: names in order, one date, nothing compressed."""
    size = sum(len(data) for data in files.values())
    if size > CODE_MAX_BYTES:
        text = f"the job file and its modules have {size} bytes; at most {CODE_MAX_BYTES}"
        raise TaskError("limit-exceeded", f"{text}: give data as an input")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as code:
        for name, data in sorted({**files, **more}.items()):
            info = zipfile.ZipInfo(name.replace(os.sep, "/"), (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            code.writestr(info, data)


def _path_of(folder, name):
    """Where the module `name` lies below the folder; None when it does not."""
    base = os.path.join(*name.split("."))
    for path in (f"{base}.py", os.path.join(base, "__init__.py")):
        if os.path.isfile(os.path.join(folder, path)):
            return path
    return None


def _imported_by(folder, path):
    tree = ast.parse(_read(os.path.join(folder, path)), path)
    package = os.path.dirname(path).split(os.sep) if os.path.dirname(path) else []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            before = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join(before + ([node.module] if node.module else []))
            names.add(start)
            names.update(f"{start}.{one.name}" if start else one.name for one in node.names)
    paths = []
    for name in names:
        parts = name.split(".")
        # A package is loaded before what is in it.
        for end in range(1, len(parts) + 1):
            found = _path_of(folder, ".".join(parts[:end])) if all(parts[:end]) else None
            if found is not None:
                paths.append(found)
    return paths


def _read(path):
    with open(path, "rb") as file:
        return file.read()
