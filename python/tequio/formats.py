"""How the bytes of input files become the records that `map` gets. Formats are plain descriptions;
workers and the sequential judge have the readers."""

import re
from typing import Iterable, Optional, Sequence, Tuple, Union

from ._declared import Format
from .operators import Records, Source


_RECORD_MAX_BYTES = 16 * 1024 * 1024
_ENCODINGS = ("utf-8", "utf-8-lossy", "latin1", "windows-1252")


def _encoding(encoding):
    if encoding is None:
        return {}
    if encoding in _ENCODINGS:
        return {"encoding": encoding}
    raise ValueError(f"no encoding {encoding!r}; there are {', '.join(_ENCODINGS)}")


def _names(where, names):
    if isinstance(names, str):
        raise TypeError(f"{where}: give a list of names, not one str")
    names = list(names)
    if not names or any(not isinstance(name, str) for name in names):
        raise ValueError(f"{where}: give one name, a str, for each column")
    if len(set(names)) != len(names) or "__proto__" in names:
        raise ValueError(f"{where}: two columns of one name, or a column __proto__, in {names}")
    return names


def _separator(separator):
    if isinstance(separator, str) and len(separator) == 1 and separator not in '"\r\n':
        return separator
    raise ValueError(f"csv: the separator must be one character, not {separator!r}")


class text:  # noqa: N801 (a namespace of formats, as in TypeScript)
    """Formats of text files. encoding: what the bytes are, "utf-8", "utf-8-lossy", "latin1" or
    "windows-1252" (ValueError for others); by default UTF-8, of which invalid bytes become U+FFFD
    in `map_reduce`, as with "utf-8-lossy". Where it is "utf-8", and to operators, a record with
    other bytes is a bad one."""

    @staticmethod
    def lines(*, encoding: Optional[str] = None) -> Source:
        """Each line, a str without its newline (`\\n` or `\\r\\n`). The default."""
        return Source({"format": "lines", **_encoding(encoding)})

    @staticmethod
    def words(lowercase: bool = False, *, encoding: Optional[str] = None) -> Source:
        """Each word, a str: a run of letters, marks and numbers (Unicode's L, M and N); an
        apostrophe (' or ’) between two of them belongs to it. encoding: "utf-8", which fails where
        the text is not UTF-8, or "utf-8-lossy"."""
        read = _encoding(encoding)
        if not read.get("encoding", "utf-8").startswith("utf-8"):
            instead = 'text.match("…", encoding=…)'
            raise ValueError(f"words: no encoding {encoding!r}; count matches instead: {instead}")
        return Source({"format": "words", "lowercase": bool(lowercase), **read})

    @staticmethod
    def match(
        pattern: Union[str, "re.Pattern[str]"],
        columns: Optional[Sequence[str]] = None,
        *,
        encoding: Optional[str] = None,
    ) -> Source:
        """Each match of the expression (of Python's `re`) in each line: its str, or with `columns`
        a dict of its groups, the first name for the first group, None for one that took no part.

        Errors: ValueError unless there are as many groups as columns."""
        compiled = re.compile(pattern)
        spec = {"format": "match", "pattern": compiled.pattern, "flags": "", "columns": None}
        spec.update(_encoding(encoding))
        if columns is not None:
            spec["columns"] = _names("match", columns)
            if compiled.groups != len(spec["columns"]):
                have = f"{len(spec['columns'])} columns are named, the expression has"
                groups = f"{compiled.groups} groups; name each, or write (?:…)"
                raise ValueError(f"match: {have} {groups}")
        return Source(spec, compiled)

    @staticmethod
    def csv(
        columns: Iterable[str],
        header: bool = True,
        separator: str = ",",
        multiline: bool = False,
        *,
        empty: str = "text",
        encoding: Optional[str] = None,
    ) -> Source:
        """These columns of CSV files whose first line names all that they have: a dict of str.

        empty: what an empty cell is to tables (`where`, `select` and what follows them): a "text"
        without characters, or "null"."""
        names = _names("csv", columns)
        if empty not in ("text", "null"):
            raise ValueError(f'csv: empty is {empty!r}; it must be "text" or "null"')
        spec = _csv(header, None if header else names, separator, multiline)
        spec.update(_encoding(encoding))
        if empty == "null":
            spec["empty"] = empty
        return Source({**spec, "pick": names} if header else spec)

    @staticmethod
    def json(paths: Iterable[str], *, encoding: Optional[str] = None) -> Source:
        """Of the JSON value in each line a dict of what lies at these paths (`user.id`,
        `items.0.price`), None where nothing does."""
        return Source({"format": "json", "paths": _names("json", paths), **_encoding(encoding)})

    @staticmethod
    def file() -> Format:
        """The whole file as one str, up to 256 MiB."""
        return Format({"format": "file", "as": "text"})


class binary:  # noqa: N801 (a namespace of formats; `bytes` of TypeScript)
    """Formats of files that are not text."""

    @staticmethod
    def file() -> Format:
        """The whole file as bytes, up to 256 MiB."""
        return Format({"format": "file", "as": "bytes"})

    @staticmethod
    def parquet(columns: Iterable[str]) -> Source:
        """These columns of Parquet files, nested ones as `order.id`: a dict. Only they are read.
        Dates and times are str as ISO 8601 has them."""
        return Source({"format": "json", "paths": _names("parquet", columns)})

    @staticmethod
    def arrow(columns: Iterable[str]) -> Source:
        """The same of Arrow files (IPC, also called Feather), whose workers need the npm package
        `apache-arrow`."""
        return Source({"format": "json", "paths": _names("arrow", columns)})

    @staticmethod
    def records(size_bytes: int, key: Optional[Tuple[int, int]] = None) -> Records:
        """Records of `size_bytes` bytes each (1 to 16 MiB), one after the other: bytes. key: what
        they are sorted by, the bytes from the first number up to the second; default all."""
        start, end = (0, size_bytes) if key is None else key
        if any(type(one) is not int for one in (size_bytes, start, end)):
            raise TypeError("records: size_bytes and the two numbers of key are whole numbers")
        if not (1 <= size_bytes <= _RECORD_MAX_BYTES and 0 <= start < end <= size_bytes):
            rule = f"a record has 1 to {_RECORD_MAX_BYTES} bytes, and the key's are some of them"
            raise ValueError(f"records: size_bytes={size_bytes}, key=({start}, {end}): {rule}")
        return Records({"format": "records", "sizeBytes": size_bytes, "key": [start, end]})


def ndjson() -> Format:
    """One JSON value a line; blank lines are skipped. Of a file that is one JSON array each
    element. Whole numbers of any size are exact."""
    return Format({"format": "ndjson"})


def csv(
    header: Optional[bool] = None,
    columns: Optional[Sequence[str]] = None,
    separator: str = ",",
    multiline: bool = False,
    *,
    encoding: Optional[str] = None,
) -> Format:
    """CSV (RFC 4180): a dict of str by column name, or a list of str without names.

    header: the first line of every file names the columns; default: unless `columns` are given.
    separator: one character. multiline: newlines inside quotes; the file is read by one task.
    encoding: as of `text`."""
    names = None if columns is None else _names("csv", columns)
    spec = _csv(names is None if header is None else header, names, separator, multiline)
    return Format({**spec, **_encoding(encoding)})


def _csv(header, columns, separator, multiline):
    return {
        "format": "csv",
        "header": bool(header),
        "separator": _separator(separator),
        "multiline": bool(multiline),
        "columns": columns,
    }
