"""Functions of a program that come without a job file: defines them from their source, each at its
own line of its own file, and makes a job of them.

`shipped.json` lists what they use, in order: modules, constants, functions and classes. A function
that cannot be written so may come as a pickle; what it returns is JSON all the same."""

import functools
import importlib
import json
import linecache
import sys
import types
from base64 import b64decode

from .._values.errors import TaskError
from .._values.json_text import JsonText, json_size, json_text
from .._worker.channel import ChannelClosed
from .._worker.run_items import RESULT_MAX_BYTES
from .._declared import Format
from ..jobs import map_reduce, tasks
from .failure import failure_of, raised_by

CONTENT = "shipped.json"
ENTRY = "tequio_shipped"
ENTRY_CODE = b'''"""The functions that a program has shipped."""
from tequio._job.shipped import load_shipped

job = load_shipped(__loader__, __file__)
'''
# Kept free in the result of a chunk for one failure: 12,000 characters, escaped.
_FAILURE_MAX_BYTES = 96 * 1024
_OF_ONE_CALL = ("user-error", "limit-exceeded")
_MODULES = ("datetime", "decimal", "fractions", "logging", "re")


def load_shipped(loader, file):
    """The job. Errors: `version-mismatch` for a pickle of another Python."""
    folder = file[: -len(f"{ENTRY}.py") - 1]
    content = json.loads(loader.get_data(f"{file[: -len(f'{ENTRY}.py')]}{CONTENT}"))
    functions = _Functions(content, folder)
    job = content["job"]
    options = {**job["options"]}
    for role, reference in job["functions"].items():
        options[role] = functions.find(reference)
    if job["kind"] == "tasks":
        run = options.pop("run")
        form = content.get("form")
        if form is not None:
            run = _call_of(run, form, folder)
        return tasks(items=[], run=run, **options)
    inputs = {}
    for name, given in job["inputs"].items():
        inputs[name] = {"input": _format(given["input"]), "map": functions.find(given["map"])}
    return map_reduce(inputs=inputs, **options)


def _format(spec):
    if spec is None:
        return None
    import re

    return Format(spec, re.compile(spec["pattern"]) if spec["format"] == "match" else None)


class _Functions:
    """What was shipped, by name."""

    def __init__(self, content, folder):
        self._folder = folder
        self._content = content
        self._module = types.ModuleType(_free_name(content["program"]))
        self.names = vars(self._module)
        sys.modules[self._module.__name__] = self._module
        _show_lines(content["entries"], folder)
        for entry in content["entries"]:
            self.names[entry["name"]] = self._value(entry)

    def find(self, reference):
        """The function that `Shipment.reference` means."""
        if "partial" in reference:
            args, keywords = (_evaluated(text) for text in reference["given"])
            return functools.partial(self.find(reference["partial"]), *args, **keywords)
        if "pickle" in reference:
            return _unpickled(reference)
        if "module" in reference:
            return _attribute(reference)
        return self.names[reference["name"]]

    def _value(self, entry):
        if "piece" in entry:
            return self._defined(entry)
        if "literal" in entry:
            return _evaluated(entry["literal"])
        if "namedtuple" in entry:
            from collections import namedtuple

            name, fields, defaults = entry["namedtuple"]
            values = list(_evaluated(defaults).values())
            return namedtuple(name, fields, defaults=values, module=self._module.__name__)
        return _attribute(entry)

    def _defined(self, entry):
        piece = entry["piece"]
        file = f"{self._folder}/{_name_of(piece['file'])}"
        before = "\n" * (piece["line"] - 1)
        if piece["is_lambda"]:
            text = f"({before}{' ' * piece['column']}{piece['text']}\n)"
            code = compiled(text, file, "eval", entry["flags"])
            return eval(code, self.names)
        if piece["text"][:1] in (" ", "\t"):
            before = "\n" * (piece["line"] - 2) + "if True:\n"
        exec(compiled(before + piece["text"], file, "exec", entry["flags"]), self.names)
        return self.names[entry["own"]]


def compiled(text, file, mode, flags):
    """Code of a function; of a job that is to be exact with exact powers."""
    if "tequio._exact.install" in sys.modules:
        from .._exact import powers

        return powers.compiled(text, file, mode, flags)
    return compile(text, file, mode, flags, True)


def _free_name(name):
    return name if name.isidentifier() and name not in sys.modules else "tequio_program"


def _name_of(path):
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _attribute(entry):
    for also in entry.get("also", ()):
        importlib.import_module(also)
    found = importlib.import_module(entry["module"])
    for name in entry.get("attribute", "").split(".") if entry.get("attribute") else ():
        found = getattr(found, name)
    return found


def _evaluated(text):
    known = {name: importlib.import_module(name) for name in _MODULES if f"{name}." in text}
    return eval(text, known)


def _unpickled(reference):
    mine = list(sys.version_info[:2])
    if reference["python"] != mine:
        theirs, own = (".".join(map(str, one)) for one in (reference["python"], mine))
        text = f"the function was pickled by Python {theirs}, and this worker has {own}"
        remedy = "write it so that its source can travel"
        raise TaskError("version-mismatch", f"{text}: {remedy}", True)
    import pickle

    return pickle.loads(b64decode(reference["pickle"]))


def _show_lines(entries, folder):
    """What a traceback shows."""
    lines = {}
    for entry in entries:
        if "piece" not in entry:
            continue
        piece = entry["piece"]
        shown = lines.setdefault(_name_of(piece["file"]), {})
        for index, line in enumerate(piece["text"].split("\n")):
            before = " " * piece["column"] if index == 0 else ""
            shown[piece["line"] + index] = f"{before}{line}\n"
    for name, shown in lines.items():
        text = [shown.get(number, "\n") for number in range(1, max(shown) + 1)]
        file = f"{folder}/{name}"
        linecache.cache[file] = (sum(map(len, text)), None, text, file)


def _call_of(function, form, folder):
    """`form`: "item", f(item), or "arguments", f(*item[0], **item[1]). What the function raises, or
    returns and no result can hold, is its result, not a failure of the job: a dict in place of a
    list of one value. A chunk ends with it, so that the calls before it count."""
    by_arguments, name = form["call"] == "arguments", form["name"]

    def called(item, room):
        """The outcome as JSON, and whether the function returned what has room."""
        try:
            value = function(*item[0], **item[1]) if by_arguments else function(item)
            text = json_text(value, f"the result of {name}")
            _must_fit(text, room, name)
            return f"[{text}]", True
        except (MemoryError, ChannelClosed):
            # Of the process, which the worker ends.
            raise
        except (Exception, SystemExit) as error:
            failure = failure_of(raised_by(name, error, ""), folder)
            if failure["code"] not in _OF_ONE_CALL:
                raise
            failure["exception"] = type(error).__qualname__
            return json_text(failure, name), False

    def chunk(items):
        outcomes, room = [], RESULT_MAX_BYTES - _FAILURE_MAX_BYTES
        for item in items:
            text, has_returned = called(item, room)
            outcomes.append(text)
            if not has_returned:
                break
            room -= json_size(text) + 1
        return JsonText(f'["chunk",[{",".join(outcomes)}]]')

    if form["chunk"] == 1:
        return lambda item: JsonText(called(item, RESULT_MAX_BYTES)[0])
    return chunk


def _must_fit(text, room, name):
    size = json_size(text) + len("[]")
    if size <= room:
        return
    if size <= RESULT_MAX_BYTES - _FAILURE_MAX_BYTES:
        limit = f"the results of {name} in one task take more than {RESULT_MAX_BYTES} bytes"
        raise TaskError("limit-exceeded", f"{limit}; use a smaller chunk")
    limit = f"the result of {name} has {size} bytes, of at most {RESULT_MAX_BYTES}"
    raise TaskError("limit-exceeded", f"{limit}; return less, or use map_reduce")
