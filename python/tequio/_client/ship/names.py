"""The names that code takes from outside itself, with the line of each."""

import dis
import inspect
import types
from typing import Dict, Iterator, Set, Tuple

_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_WRITES = ("STORE_GLOBAL", "DELETE_GLOBAL")
_SPECIAL = {"__name__", "__builtins__", "__doc__", "__annotations__", "__conditional_annotations__"}


def used_names(code: types.CodeType) -> Dict[str, int]:
    """By name, the line of its first use. `code` is that of a piece: what it defines itself, at its
    top or in its classes, is not from outside."""
    found: Dict[str, int] = {}
    for name, line, _ in _walk(code, set()):
        if name not in _SPECIAL:
            found.setdefault(name, line)
    return found


def written_names(code: types.CodeType) -> Dict[str, int]:
    """The same of the globals that it assigns."""
    return {name: line for name, line, is_write in _walk(code, set()) if is_write}


def _walk(code: types.CodeType, defined: Set[str]) -> Iterator[Tuple[str, int, bool]]:
    own = set(defined)
    line = code.co_firstlineno
    instructions = list(dis.get_instructions(code))
    is_top = not code.co_flags & inspect.CO_OPTIMIZED
    if is_top:
        own |= {one.argval for one in instructions if one.opname == "STORE_NAME"}
    for one in instructions:
        start = getattr(one, "line_number", None) or one.starts_line
        line = start if type(start) is int else line
        if one.opname in _LOADS and not (is_top and one.argval in own):
            yield one.argval, line, False
        elif one.opname in _WRITES:
            yield one.argval, line, True
    for inner in code.co_consts:
        if inspect.iscode(inner):
            yield from _walk(inner, set())
