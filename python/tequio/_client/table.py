"""Results as tables: the fields of objects are columns, nested ones dotted. What TypeScript makes
of the same lines, byte for byte."""

import json
from decimal import Decimal
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional

from .._values.json_text import float_text, json_text
from .failure import ClusterError

Row = Dict[str, Any]

COLUMNS_MAX = 10_000


Reader = Callable[[bytes, int, Optional[bytes]], Row]


def row_reader(shape: Mapping[str, Any], deep: bool) -> Reader:
    """Reads a line of a result, with its index and the item of a list of tasks, as a row.

    deep: objects within objects are columns, too; else they are cells."""
    known = frozenset(shape.get("columns", ()))

    def rows(line: bytes, index: int, item: Optional[bytes]) -> Row:
        fields = json.loads(line)
        return {name: fields.get(name) for name in shape["columns"]}

    def tasks(line: bytes, index: int, item: Optional[bytes]) -> Row:
        row = _Row(known, deep)
        if item is None:
            row.put("index", index)
        else:
            row.key("item", json.loads(item))
        row.value("value", json.loads(line))
        return row.cells

    def pairs(line: bytes, index: int, item: Optional[bytes]) -> Row:
        pair = json.loads(line)
        row = _Row(known, deep)
        names = shape.get("key")
        if names is None:
            row.key("key", pair["key"])
        else:
            parts = [pair["key"]] if len(names) == 1 else pair["key"] or []
            for name, part in zip(names, parts):
                row.put(name, part)
        row.value(shape.get("value", "value"), pair["value"])
        return row.cells

    return {"rows": rows, "tasks": tasks, "pairs": pairs}[shape["of"]]


def columns_of(rows: Iterable[Row], known: Optional[List[str]]) -> List[str]:
    """The columns of a table, in the order in which they first come."""
    if known is not None:
        return known
    names: Dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
        if len(names) > COLUMNS_MAX:
            text = f'the table has more than {COLUMNS_MAX} columns; use output="ndjson"'
            raise ClusterError("limit-exceeded", text)
    return list(names)


def csv_lines(rows: Iterable[Row], columns: List[str]) -> Iterator[bytes]:
    """A table as CSV, with a header."""
    if not columns:
        return
    yield _line(columns)
    for row in rows:
        yield _line([row.get(name) for name in columns])


def row_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """A table as NDJSON: an object a line."""
    for row in rows:
        yield f"{_json(row)}\n".encode()


def _line(cells: List[Any]) -> bytes:
    return utf8(",".join(map(_cell, cells)) + "\n")


def utf8(text: str) -> bytes:
    """Of what is no JSON, which could escape it. Errors: `user-error` for half a character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        half = "a text has half a character (a lone surrogate), which only NDJSON can write"
        raise ClusterError("user-error", f'{half}: use output="ndjson"') from None


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json(value)
    if text and not any(character in text for character in '",\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def _json(value: Any) -> str:
    """JSON in which whole floats are whole numbers, as TypeScript writes them."""
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e21:
            return format(Decimal(repr(value)), ".0f") if value else "0"
        return float_text(value)
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    if isinstance(value, dict):
        members = [f"{json_text(name, 'a result')}:{_json(one)}" for name, one in value.items()]
        return f"{{{','.join(members)}}}"
    return json_text(value, "a result")


class _Row:
    def __init__(self, known: "frozenset[str]", deep: bool) -> None:
        self.cells: Row = {}
        self._known = known
        self._deep = deep

    def put(self, name: str, cell: Any) -> None:
        if name in self.cells:
            text = f'two cells of one row for the column "{name}"; rename one, or use'
            raise ClusterError("user-error", f'{text} output="ndjson"')
        self.cells[name] = cell

    def key(self, name: str, value: Any) -> None:
        """Elements of a list are columns `key.0`, `key.1`; fields have their own names."""
        if isinstance(value, list):
            for index, one in enumerate(value):
                self.put(f"{name}.{index}", one)
        elif isinstance(value, dict):
            self._fields(value, "", frozenset())
        else:
            self.put(name, value)

    def value(self, name: str, value: Any) -> None:
        """A field that has the name of a column of the key is `value.` and its name."""
        if isinstance(value, dict):
            self._fields(value, "", frozenset(self.cells))
        else:
            self.put(f"value.{name}" if name in self.cells else name, value)

    def _fields(self, value: Row, prefix: str, taken: "frozenset[str]") -> None:
        for field, inner in value.items():
            own = prefix + field
            name = f"value.{own}" if not prefix and own in taken else own
            is_column = not self._deep or name in self._known or not isinstance(inner, dict)
            if not is_column and inner:
                self._fields(inner, f"{name}.", frozenset())
            elif not self._known or name in self._known:
                self.put(name, inner)
