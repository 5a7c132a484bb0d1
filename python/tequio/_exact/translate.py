"""Functions of a WebAssembly module as functions of Python.

Values are expressions until a local variable in them changes; blocks are loops that are left by
`break`. There are no loops in the kit, so no variable of a block is set twice."""

from typing import Any, Callable, Dict, List, NamedTuple, Set

from .arithmetic import LOADS, OPERATIONS, TRUNCATIONS, functions
from .module import Function, Module, Reader, read_module

_VOID = 0x40
_EXPRESSION_MAX = 1500


class _Value(NamedTuple):
    text: str
    locals: "frozenset[int]" = frozenset()


class _Label:
    """Where `br` goes: the end of a block, of an `if`, or of the function."""

    def __init__(self, kind: str, number: int, has_result: bool, height: int) -> None:
        self.kind = kind
        self.has_result = has_result
        self.result = f"r{number}"
        self.left = f"x{number}"
        self.height = height
        self.lines: List[Any] = []
        self.crossed: Set[str] = set()
        self.is_target = False
        self.is_flagged = False
        self.is_reached = True


class _Translation:
    """One function."""

    def __init__(self, module: Module, function: Function) -> None:
        self._reader = Reader(module.code, function.start)
        self._function = function
        self._functions = module.functions
        self._stack: List[_Value] = []
        self._made = 0
        self._labels = [_Label("function", 0, function.results > 0, 0)]
        self._is_dead = False

    def lines(self) -> List[str]:
        """The body."""
        zeros = {"f64": "0.0", "i32": "0", "i64": "0"}
        for number in range(self._function.parameters, len(self._function.locals)):
            self._emit(f"l{number} = {zeros[self._function.locals[number]]}")
        body = self._labels[0].lines
        while self._labels:
            self._instruction()
        return _indented(body, 1)

    def _instruction(self) -> None:
        code = self._reader.byte()
        if self._is_dead and code not in (0x05, 0x0B):
            self._skip(code)
        elif code in _CONTROL:
            _CONTROL[code](self)
        elif code in OPERATIONS:
            arity, text = OPERATIONS[code]
            self._compute(text, arity)
        elif code in LOADS:
            self._reader.unsigned()
            at = f"{{a}} + {self._reader.unsigned()}"
            self._compute(LOADS[code].replace("{memory}", "memory").replace("{at}", at), 1)
        else:
            raise ValueError(f"the instruction {code:#x} is not known")

    def _compute(self, text: str, arity: int) -> None:
        operands = [self._stack.pop() for _ in range(arity)][::-1]
        names = dict(zip("ab", (one.text for one in operands)))
        known = frozenset().union(*(one.locals for one in operands))
        self._push(text.format(**names), known)

    def _push(self, text: str, known: "frozenset[int]" = frozenset()) -> None:
        if len(text) > _EXPRESSION_MAX:
            text, known = self._kept(text), frozenset()
        self._stack.append(_Value(text, known))

    def _emit(self, line: Any) -> None:
        self._labels[-1].lines.append(line)

    def _name(self) -> int:
        self._made += 1
        return self._made

    def _kept(self, text: str) -> str:
        name = f"t{self._name()}"
        self._emit(f"{name} = {text}")
        return name

    def _keep(self, local: "int | None" = None) -> None:
        """Values that depend on the local variable, or on any, are computed before it changes."""
        for at, one in enumerate(self._stack):
            if local in one.locals or (local is None and one.locals):
                self._stack[at] = _Value(self._kept(one.text))

    def _set_local(self, is_kept: bool) -> None:
        number = self._reader.unsigned()
        value = self._stack.pop()
        self._keep(number)
        self._emit(f"l{number} = {value.text}")
        if is_kept:
            self._push(f"l{number}", frozenset((number,)))

    def _get_local(self) -> None:
        number = self._reader.unsigned()
        self._push(f"l{number}", frozenset((number,)))

    def _get_global(self) -> None:
        self._push(self._kept(f"g[{self._reader.unsigned()}]"))

    def _set_global(self) -> None:
        number = self._reader.unsigned()
        self._emit(f"g[{number}] = {self._stack.pop().text}")

    def _constant(self, is_float: bool, mask: int) -> None:
        value = self._reader.double() if is_float else self._reader.signed() & mask
        text = repr(value)
        self._push(f"({text})" if text.startswith("-") else text)

    def _call(self) -> None:
        number = self._reader.unsigned()
        callee = self._functions[number]
        given = [self._stack.pop().text for _ in range(callee.parameters)][::-1]
        called = f"f{number}({', '.join([*given, 'g'])})"
        if callee.results:
            self._push(self._kept(called))
        else:
            self._emit(called)

    def _select(self) -> None:
        test, no, yes = (self._stack.pop() for _ in range(3))
        text = f"({yes.text} if {test.text} else {no.text})"
        self._push(text, test.locals | no.locals | yes.locals)

    def _truncate(self) -> None:
        self._compute(TRUNCATIONS[self._reader.unsigned()], 1)

    def _block(self) -> None:
        self._keep()
        self._open("block")

    def _if(self) -> None:
        test = self._stack.pop()
        self._keep()
        self._emit(f"if {test.text}:")
        self._open("if")

    def _open(self, kind: str) -> None:
        has_result = self._reader.byte() != _VOID
        label = _Label(kind, self._name(), has_result, len(self._stack))
        self._labels.append(label)

    def _else(self) -> None:
        label = self._labels[-1]
        label.is_reached = not self._is_dead
        self._leave(label)
        before, label.lines = label.lines, []
        self._labels[-2].lines += [before or ["pass"], "else:"]
        label.kind = "else"
        self._is_dead = False

    def _leave(self, label: _Label) -> None:
        """What is left as its result, unless this place is never reached."""
        if not self._is_dead and label.has_result:
            self._emit(f"{label.result} = {self._stack[-1].text}")
        del self._stack[label.height :]

    def _end(self) -> None:
        label = self._labels[-1]
        was_dead = self._is_dead
        if label.kind == "function":
            if not was_dead and label.has_result:
                self._emit(f"return {self._stack[-1].text}")
            self._labels.pop()
            return
        self._leave(label)
        self._labels.pop()
        if label.kind == "block":
            self._close_block(label, was_dead)
        else:
            self._emit(label.lines or ["pass"])
            self._is_dead = was_dead and label.kind == "else" and not label.is_reached
        if label.has_result:
            self._push(label.result)

    def _close_block(self, label: _Label, was_dead: bool) -> None:
        if not was_dead:
            label.lines.append("break")
        if label.is_flagged:
            self._emit(f"{label.left} = False")
        self._emit("while True:")
        self._emit(label.lines)
        for name in sorted(label.crossed):
            self._emit(f"if {name}:")
            self._emit(["break"])
        self._is_dead = was_dead and not label.is_target

    def _jump(self, depth: int, value: "str | None") -> List[str]:
        """The lines that go to the end of the label; a jump out of several blocks sets a flag that
        each of them asks for."""
        label = self._labels[-1 - depth]
        if label.kind == "function":
            return [f"return {value}" if value is not None else "return"]
        if label.kind != "block":
            raise ValueError("a jump to the end of an `if`")
        label.is_target = True
        lines = [] if value is None else [f"{label.result} = {value}"]
        inside = [one for one in self._labels[len(self._labels) - depth :] if one.kind == "block"]
        if inside:
            label.is_flagged = True
            lines.append(f"{label.left} = True")
            for one in inside:
                one.crossed.add(label.left)
        return [*lines, "break"]

    def _value_for(self, depth: int) -> "str | None":
        return self._stack[-1].text if self._labels[-1 - depth].has_result else None

    def _br(self) -> None:
        depth = self._reader.unsigned()
        for line in self._jump(depth, self._value_for(depth)):
            self._emit(line)
        self._is_dead = True

    def _br_if(self) -> None:
        depth = self._reader.unsigned()
        test = self._stack.pop()
        if self._labels[-1 - depth].has_result:
            self._stack[-1] = _Value(self._kept(self._stack[-1].text))
        self._emit(f"if {test.text}:")
        self._emit(self._jump(depth, self._value_for(depth)))

    def _br_table(self) -> None:
        depths = [self._reader.unsigned() for _ in self._reader.many()]
        last = self._reader.unsigned()
        number = self._kept(self._stack.pop().text)
        for at, depth in enumerate(depths):
            self._emit(f"if {number} == {at}:")
            self._emit(self._jump(depth, self._value_for(depth)))
        for line in self._jump(last, self._value_for(last)):
            self._emit(line)
        self._is_dead = True

    def _return(self) -> None:
        self._emit(f"return {self._stack[-1].text}" if self._function.results else "return")
        self._is_dead = True

    def _unreachable(self) -> None:
        self._emit("raise AssertionError")
        self._is_dead = True

    def _drop(self) -> None:
        self._stack.pop()

    def _skip(self, code: int) -> None:
        """An instruction that is never reached, with all that is inside it."""
        reader, depth = self._reader, 0
        while True:
            if code in (0x02, 0x04):
                reader.byte()
                depth += 1
            elif code == 0x0B:
                depth -= 1
            elif code == 0x44:
                reader.at += 8
            elif code in (0x41, 0x42):
                reader.signed()
            elif code in (0x0C, 0x0D, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0xFC):
                reader.unsigned()
            elif code in LOADS:
                reader.unsigned()
                reader.unsigned()
            if depth == 0:
                return
            code = reader.byte()


_CONTROL: Dict[int, Callable[[_Translation], None]] = {
    0x00: _Translation._unreachable,
    0x02: _Translation._block,
    0x04: _Translation._if,
    0x05: _Translation._else,
    0x0B: _Translation._end,
    0x0C: _Translation._br,
    0x0D: _Translation._br_if,
    0x0E: _Translation._br_table,
    0x0F: _Translation._return,
    0x10: _Translation._call,
    0x1A: _Translation._drop,
    0x1B: _Translation._select,
    0x20: _Translation._get_local,
    0x21: lambda one: one._set_local(False),
    0x22: lambda one: one._set_local(True),
    0x23: _Translation._get_global,
    0x24: _Translation._set_global,
    0x41: lambda one: one._constant(False, 2**32 - 1),
    0x42: lambda one: one._constant(False, 2**64 - 1),
    0x44: lambda one: one._constant(True, 0),
    0xFC: _Translation._truncate,
}


def _indented(lines: List[Any], depth: int) -> List[str]:
    found: List[str] = []
    for line in lines:
        if isinstance(line, list):
            found += _indented(line, depth + 1)
        else:
            found.append("    " * depth + line)
    return found


def translated(data: bytes) -> Dict[str, Callable[..., float]]:
    """The exported functions by name. What they compute is the same on every engine; globals are
    those of one call, so that threads do not meet."""
    module = read_module(data)
    names: Dict[str, Any] = {**functions(), "memory": module.memory}
    source = []
    for number, function in enumerate(module.functions):
        given = [f"l{at}" for at in range(function.parameters)]
        source.append(f"def f{number}({', '.join([*given, 'g'])}):")
        source += _Translation(module, function).lines() or ["    pass"]
    for name, number in module.exports.items():
        given = ", ".join(f"l{at}" for at in range(module.functions[number].parameters))
        source.append(f"def {name}({given}):")
        source.append(f"    return f{number}({given}, {module.globals!r})")
    exec(compile("\n".join(source), "<mathematics>", "exec"), names)
    return {name: names[name] for name in module.exports}
