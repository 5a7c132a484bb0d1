"""Finds the source of a function or class that is in this process, at its own lines."""

import ast
import inspect
import linecache
import os
import sys
import types
from functools import lru_cache
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from ..failure import ClusterError


class Piece(NamedTuple):
    """A definition, or a lambda. `text` begins at `line` (from 1) and `column` (of a lambda)."""

    file: str
    line: int
    column: int
    text: str
    is_lambda: bool

    def code(self, flags: int = 0) -> types.CodeType:
        """Compiled so that its lines are those of its file; a lambda is an expression."""
        before = "\n" * (self.line - 1)
        if self.is_lambda:
            # Inside brackets newlines and blanks mean nothing.
            text = f"({before}{' ' * self.column}{self.text}\n)"
            return compile(text, self.file, "eval", flags, True)
        text = self.text
        if text[:1] in (" ", "\t"):
            before = "\n" * (self.line - 2) + "if True:\n"
        return compile(before + text, self.file, "exec", flags, True)


def piece_of_function(function: types.FunctionType) -> Piece:
    """Errors: `build-failed` when the source is not to be found."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    name = function.__qualname__
    if not lines:
        raise no_source(name, code.co_filename)
    tree = _parsed(lines, code.co_filename)
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    if code.co_name == "<lambda>":
        return _lambda_piece(function, tree, lines)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and node.name == code.co_name:
            if _first_line(node) == code.co_firstlineno:
                return _definition(code.co_filename, node, lines)
    raise no_source(name, code.co_filename)


def piece_of_class(kind: type) -> Piece:
    """The same of a class at the top of its module."""
    for file in _files_of(kind):
        module = sys.modules.get(kind.__module__)
        lines = linecache.getlines(file, getattr(module, "__dict__", None))
        for node in reversed(_parsed(lines, file).body if lines else []):
            if isinstance(node, ast.ClassDef) and node.name == kind.__qualname__:
                return _definition(file, node, lines)
    raise no_source(kind.__qualname__, getattr(sys.modules.get(kind.__module__), "__file__", ""))


def no_source(name: str, file: Optional[str]) -> ClusterError:
    """There is nothing that could be shipped."""
    text = f"the source of {name} is not to be found (in {file}): write it in a file, start the"
    return ClusterError("build-failed", f"{text} program again if the file has changed")


def _files_of(kind: type) -> Iterator[str]:
    module = sys.modules.get(kind.__module__)
    if getattr(module, "__file__", None):
        yield os.path.abspath(module.__file__)  # type: ignore[union-attr, arg-type]
    for member in vars(kind).values():
        if isinstance(member, types.FunctionType):
            yield member.__code__.co_filename
    # Cells of a notebook, the newest first.
    yield from [name for name in reversed(list(linecache.cache)) if "ipy" in name]


def _parsed(lines: List[str], file: str) -> ast.Module:
    try:
        return _tree("".join(lines))
    except SyntaxError:
        # A cell with commands of the notebook, or a file that is being written.
        raise no_source("a function", file) from None


@lru_cache(maxsize=16)
def _tree(text: str) -> ast.Module:
    return ast.parse(text)


def _first_line(node: Any) -> int:
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def _definition(file: str, node: Any, lines: List[str]) -> Piece:
    start = _first_line(node)
    text = "".join(lines[start - 1 : node.end_lineno])
    first = lines[start - 1]
    indent = len(first) - len(first.lstrip())
    before = lines[node.lineno - 1].encode()[: node.col_offset].strip()
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].strip()
    if before or (indent and start < 2) or (after and not after.startswith((b"#", b";"))):
        text = f"the definition in line {start} of {file} shares its line with other code"
        raise ClusterError("build-failed", f"{text}; give it lines of its own")
    return Piece(file, start, 0, text, False)


def _lambda_piece(function: types.FunctionType, tree: ast.Module, lines: List[str]) -> Piece:
    code = function.__code__
    file, line = code.co_filename, code.co_firstlineno
    source = "".join(lines)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == line]
    fitting = {}
    for node in nodes:
        text = ast.get_source_segment(source, node) or ""
        before = lines[line - 1].encode()[: node.col_offset].decode(errors="replace")
        piece = Piece(file, line, len(before), text, True)
        if _likeness(_first_code(piece.code())) == _likeness(code):
            fitting[text] = piece
    if len(fitting) == 1:
        return next(iter(fitting.values()))
    if len(nodes) < 2:
        raise no_source("a lambda", file)
    text = f"line {line} of {file} has several lambdas; write one a line, or use def"
    raise ClusterError("build-failed", text)


def _first_code(code: types.CodeType) -> types.CodeType:
    return next(one for one in code.co_consts if inspect.iscode(one))


def _likeness(code: types.CodeType) -> Tuple[Any, ...]:
    """What two lambdas differ in that do different things; a variable of a function around it may
    be called otherwise."""
    consts = [repr(one) for one in code.co_consts if not inspect.iscode(one)]
    # The names of functions within, which say where they are.
    plain = [one for one in consts if "<locals>" not in one]
    inner = [_likeness(one) for one in code.co_consts if inspect.iscode(one)]
    names = set(code.co_names) | set(code.co_freevars) | set(code.co_cellvars)
    return code.co_varnames, sorted(names), plain, inner
