"""Powers, `**`, in job code: their doubles are of the engine, which code cannot replace. So job
code is compiled with calls in their place."""

import ast
from types import CodeType
from typing import Any, Union

CALL = "__tequio_power__"


class _Powers(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:  # noqa: N802 (as `ast` has it)
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow) or _is_whole(node.left) and _is_whole(node.right):
            return node
        return ast.copy_location(_called(node, node.left, node.right), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:  # noqa: N802
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        if not isinstance(node.target, ast.Name):
            text = "`**=` of what is no plain name cannot be exact: write a = a ** b"
            raise SyntaxError(text, (None, node.lineno, node.col_offset + 1, None))
        name = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        value = _called(node, name, node.value)
        return ast.copy_location(ast.Assign([node.target], value), node)


def _is_whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _called(node: ast.AST, left: ast.expr, right: ast.expr) -> ast.Call:
    function = ast.copy_location(ast.Name(CALL, ast.Load()), node)
    return ast.copy_location(ast.Call(function, [left, right], []), node)  # type: ignore[type-var]


_Source = Union[str, bytes]


def compiled(source: _Source, file: str, mode: str, flags: int = 0) -> CodeType:
    """As `compile`. Errors: SyntaxError, also for `x.y **= z` and `x[y] **= z`."""
    tree: Any = compile(source, file, mode, flags | ast.PyCF_ONLY_AST, True)
    try:
        tree = ast.fix_missing_locations(_Powers().visit(tree))
    except SyntaxError as error:
        error.filename = file
        raise
    return compile(tree, file, mode, flags, True)
