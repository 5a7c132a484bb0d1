"""The result of a job: rows for `csv`, pandas and DuckDB, or its files."""

import csv
import html
import json
import os
import re
import shutil
import uuid
from itertools import chain, count, islice
from typing import Any, Dict, Iterator, List, Tuple

from .._values.json_text import json_bytes
from .._values.rows import row_text
from .api import Api
from .failure import ClusterError
from .line_cutter import LineCutter
from .table import columns_of, csv_lines, row_lines, row_reader, utf8

_EXTENSIONS = {"ndjson": "ndjson", "csv": "csv", "text": "txt", "rows": "ndjson"}
_OWN_FILES = re.compile(r"(part-\d{5,}|results|bad-records)\.(ndjson|csv|txt|bin|parquet|arrow)")
_UNESCAPED = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\"}


class Result:
    """What a job has computed, read when it is asked for; every byte is verified.

    job: its id. counters: by name. output: as the job says. tasks_failed: tasks of a list that have
    no result, since the job kept going when they failed. Of a list of tasks, a row is a result;
    of a table it is a dict of its columns, of sorted texts a text, else a key with its value.
    Values are those of JSON; of text output, text."""

    def __init__(self, api: Api, summary: Dict[str, Any]) -> None:
        self._api = api
        self.job: str = summary["job"]
        self.counters: Dict[str, float] = summary["counters"]
        self.output: str = summary["output"]
        self.tasks_failed: int = summary["stages"][0].get("tasksFailed", 0)
        self._is_list = summary["stages"][0]["kind"] == "tasks"
        self._shape = summary.get("shape") or ({"of": "tasks"} if self._is_list else None)
        self._has_lines = (self._shape or {}).get("of") == "lines"
        self._is_table = (self._shape or {}).get("of") == "rows"

    def __iter__(self) -> Iterator[Any]:
        """Results of a list of tasks in order, rows of a table in order, else pairs `(key, value)`,
        partition by partition, keys in order within each."""
        if self._is_list:
            return (json.loads(text) for _, text in self._results())
        return (one for part in self._api.output(self.job)["parts"] for one in self._part(part))

    def rows(self) -> Iterator[Tuple[Any, ...]]:
        """The same as tuples for `csv.writer(file).writerows(…)`: (key, value), (index, result), or
        the cells of a table."""
        if self._is_list:
            return ((index, json.loads(text)) for index, text in self._results())
        if self._has_lines:
            return ((line,) for line in self)
        return (tuple(one.values()) if isinstance(one, dict) else one for one in self)

    def records(self) -> Iterator[Dict[str, Any]]:
        """The same as dicts, for `pandas.DataFrame(…)`: rows of a table; else "key" ("index" of a
        list of tasks), and the members of a value that is a dict, else "value"."""
        if not self._is_list:
            for one in self:
                if self._has_lines:
                    one = {"line": one}
                yield one if isinstance(one, dict) else _record("key", one)
            return
        for one in self.rows():
            yield _record("index", one)

    def bad_records(self) -> Iterator[Dict[str, Any]]:
        """Those that were set aside (`bad_records="keep"`)."""
        for hash in self._api.output(self.job)["badRecords"]:
            yield from map(json.loads, _lines(self._api.blob(hash)))

    def failed_tasks(self) -> Iterator[Dict[str, Any]]:
        """Those that `tasks_failed` counts, in order: "task" (its index), "item", "code",
        "message"."""
        return map(json.loads, self._failed_lines())

    def save(self, folder: str, replace: bool = False) -> List[str]:
        """Writes the result as files, all or nothing, as `tequio run -o` does; their paths. DuckDB
        reads them: `read_json('folder/*.ndjson')`, `read_csv('folder/*.csv')`.

        replace: files of an earlier result there may go. Errors: `conflict` when it is not
        empty."""
        folder = os.path.abspath(folder)
        present = os.listdir(folder) if os.path.isdir(folder) else None
        if present and not replace:
            text = f"the output folder {folder} is not empty; choose another, or replace=True"
            raise ClusterError("conflict", text)
        staging = f"{folder}.{uuid.uuid4().hex[:8]}.tmp"
        os.makedirs(staging)
        try:
            names = self._write(staging)
            if present is None:
                os.rename(staging, folder)
            else:
                for name in filter(_OWN_FILES.fullmatch, present):
                    os.remove(os.path.join(folder, name))
                for name in names:
                    os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
                    os.replace(os.path.join(staging, name), os.path.join(folder, name))
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        self._api.fetched(self.job)
        return [os.path.join(folder, name) for name in names]

    def __repr__(self) -> str:
        return f"<Result of {self.job}>"

    def _repr_html_(self) -> str:
        rows = list(islice(self.rows(), 11))
        cells = [
            "".join(f"<td>{html.escape(_short(cell))}</td>" for cell in row) for row in rows[:10]
        ]
        more = "<tr><td>…</td></tr>" if len(rows) > 10 else ""
        names = ["index" if self._is_list else "key", "value"]
        if self._is_table:
            names = list(self._shape["columns"])  # type: ignore[index]
        head = f"<tr>{''.join(f'<th>{html.escape(name)}</th>' for name in names)}</tr>"
        body = "".join(f"<tr>{row}</tr>" for row in cells)
        return f"<table>{head}{body}{more}</table>"

    def _results(self) -> Iterator[Tuple[int, bytes]]:
        """The JSON of each result of a list, with the index of its task."""
        failed = {one["task"] for one in self._failures()}
        having = (index for index in count() if index not in failed)
        return zip(having, self._api.results(self.job))

    def _failures(self) -> Iterator[Dict[str, Any]]:
        if not self.tasks_failed:
            return iter(())
        return map(json.loads, self._api.failed_tasks(self.job))

    def _failed_lines(self) -> Iterator[bytes]:
        items = enumerate(self._items())
        for one in self._failures():
            # The item as it is: its numbers may have more digits than a float.
            item = next((b'"item":%s,' % text for at, text in items if at == one["task"]), b"")
            why = json_bytes(json.dumps({"code": one["code"], "message": one["message"]})[1:])
            yield b'{"task":%d,%s%s\n' % (one["task"], item, why)

    def _items(self) -> Iterator[bytes]:
        named = (self._shape or {}).get("items")
        return iter(()) if named is None else _lines(self._api.blob(named))

    def _part(self, part: Dict[str, Any]) -> Iterator[Any]:
        if not part["hash"]:
            return iter(())
        if self.output == "bytes":
            raise ClusterError("bad-request", "the result is records of bytes: save() writes them")
        lines = _lines(self._api.blob(part["hash"]))
        if self.output == "csv" and self._shape is None:
            return _csv_rows(lines)
        if self._has_lines:
            return (line.decode() for line in lines)
        if self.output == "text" and self._is_table:
            columns = (self._shape or {})["columns"]
            return (_text_cells(line.decode(), columns) for line in lines)
        if self.output == "text":
            return (_text_pair(line.decode()) for line in lines)
        if self._is_table:
            return map(json.loads, lines)
        return ((pair["key"], pair["value"]) for pair in map(json.loads, lines))

    def _write(self, folder: str) -> List[str]:
        if self._shape is not None and self.output in ("parquet", "arrow"):
            text = f"{self.output} files are written by `tequio get {self.job} -o FOLDER`"
            raise ClusterError("bad-request", text)
        extension = _EXTENSIONS.get(self.output, "bin")
        output = self._api.output(self.job)
        parts = [part["hash"] for part in output["parts"]]
        if self._is_list:
            names = [f"results.{extension}"]
            parts = [None]
        else:
            names = [f"part-{n:05d}.{extension}" for n in range(len(parts))]
        columns = self._columns(parts)
        for name, part in zip(names, parts):
            _write_file(os.path.join(folder, name), self._file(part, columns))
        if output["badRecords"] or self.tasks_failed:
            names.append(os.path.join("_bad", "records.ndjson"))
            os.mkdir(os.path.join(folder, "_bad"))
            chunks = (chunk for hash in output["badRecords"] for chunk in self._api.blob(hash))
            _write_file(os.path.join(folder, names[-1]), chain(chunks, self._failed_lines()))
        return names

    def _columns(self, parts: List[Any]) -> List[str]:
        if self._shape is None or self.output != "csv":
            return []
        rows = (row for part in parts for row in self._rows_of(part))
        return columns_of(rows, self._shape.get("columns"))

    def _file(self, part: Any, columns: List[str]) -> Iterator[bytes]:
        """The bytes of a part, or of the results of a list of tasks (None)."""
        if self._shape is not None and self.output == "csv":
            return csv_lines(self._rows_of(part), columns)
        if self._shape is not None and self.output == "rows":
            return row_lines(self._rows_of(part))
        if part is not None:
            return self._api.blob(part) if part else iter(())
        if self.output != "text":
            return (text + b"\n" for text in self._api.results(self.job))
        return (
            utf8(row_text("text", index, json.loads(text), f"result {index}"))
            for index, text in self._results()
        )

    def _rows_of(self, part: Any) -> Iterator[Dict[str, Any]]:
        read = row_reader(self._shape or {}, self.output != "rows")
        if part is not None:
            lines = _lines(self._api.blob(part)) if part else iter(())
            yield from (read(line, index, None) for index, line in enumerate(lines))
            return
        items = enumerate(self._items())
        for index, line in self._results():
            yield read(line, index, next((text for at, text in items if at == index), None))


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    cutter = LineCutter()
    for chunk in chunks:
        yield from cutter.add(chunk)
    rest = cutter.end()
    if rest:
        yield rest


def _csv_rows(lines: Iterator[bytes]) -> Iterator[Any]:
    reader = csv.reader(f"{line.decode()}\n" for line in lines)
    columns = next(reader, [])
    for cells in reader:
        yield tuple(cells) if columns == ["key", "value"] else dict(zip(columns, cells))


def _text_pair(line: str) -> Tuple[str, str]:
    key, _, value = line.partition("\t")
    return _unescaped(key), _unescaped(value)


def _text_cells(line: str, columns: List[str]) -> Dict[str, str]:
    return dict(zip(columns, map(_unescaped, line.split("\t"))))


def _record(first: str, row: Tuple[Any, ...]) -> Dict[str, Any]:
    key, value = row
    return {first: key, **(value if isinstance(value, dict) else {"value": value})}


def _unescaped(text: str) -> str:
    return re.sub(r"\\[tnr\\]", lambda found: _UNESCAPED[found[0]], text)


def _write_file(path: str, chunks: Iterator[bytes]) -> None:
    try:
        with open(path, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ClusterError("storage-failed", f"{path}: {error.strerror}") from error


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:200]}…"
