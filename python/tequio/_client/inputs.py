"""Finds the files that a job reads, and says how they are compressed. The rules of the command
line: files, folders, globs; hidden files only when they are named."""

import glob
import os
import re
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Union

from .failure import ClusterError

Inputs = Union[str, "os.PathLike[str]", Sequence[Any], Mapping[str, Any], None]
_START_BYTES = 512
_BOMS = (b"\xff\xfe", b"\xfe\xff")
_MAGIC = ((b"PK\x03\x04", "zip"), (b"PAR1", "Parquet"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"))


class Found(NamedTuple):
    """A file of an input of the job. `compression`: "none", "gzip" or "zstd"."""

    input: str
    name: str
    path: str
    size_bytes: int
    mtime_ms: float
    compression: str


def find_inputs(inputs: Inputs, formats: Mapping[str, Any]) -> List[Found]:
    """Files in the order given; within a folder or a glob by name. `formats`: by input, None = the
    default. Errors: `bad-request` for whatever has none."""
    found: List[Found] = []
    for name, paths in _by_input(inputs, list(formats)).items():
        for path in paths:
            given = os.fspath(path)
            found += [_file(name, one, formats[name]) for one in _expand(given)]
        if not any(one.input == name for one in found):
            raise ClusterError("bad-request", f'no file was given for the input "{name}"')
    return found


def _by_input(inputs: Inputs, names: List[str]) -> Dict[str, Iterable[Any]]:
    if isinstance(inputs, Mapping):
        wrong = sorted(set(inputs) ^ set(names))
        if wrong:
            takes = ", ".join(names)
            raise ClusterError("bad-request", f'the job takes {takes}; see the input "{wrong[0]}"')
        return {name: _listed(inputs[name]) for name in names}
    if names != ["default"]:
        example = "{" + ", ".join(f'"{name}": path' for name in names) + "}"
        raise ClusterError("bad-request", f"the job has several inputs: give {example}")
    return {"default": _listed(inputs)}


def _listed(paths: Any) -> List[Any]:
    if paths is None:
        return []
    return [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)


def _expand(path: str) -> List[str]:
    if os.path.isdir(path):
        names = list(_walk(path, [os.path.realpath(path)]))
        if not names:
            raise ClusterError("bad-request", f"the folder {path} has no files in it")
        return sorted(names, key=_code_units)
    if os.path.exists(path):
        return [path]
    if re.search(r"[*?\[\]]", path):
        names = [name for name in glob.glob(path, recursive=True) if not os.path.isdir(name)]
        if "_bad" not in path:
            names = [name for name in names if "_bad" not in name.split(os.sep)]
        if names:
            return sorted(names, key=_code_units)
        raise ClusterError("bad-request", f"no file matches {path} (from {os.getcwd()})")
    raise ClusterError("bad-request", f"no such file: {path} (from {os.getcwd()})")


def _walk(folder: str, within: List[str]) -> Iterator[str]:
    """Files of a folder and of those in it, links to folders among them, without hidden ones and
    bad records. `within`: the folder and those around it, as they are without links. Errors:
    `bad-request` for a link that leads in a circle."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.startswith("."):
            continue
        if not os.path.isdir(path):
            yield path
        elif name != "_bad":
            real = os.path.realpath(path)
            # Of folders that are no links none can be in itself.
            around = os.path.join(real, "")
            if os.path.islink(path) and any((one + os.sep).startswith(around) for one in within):
                text = f"{path} is a link to a folder that it is in, and leads in a circle"
                raise ClusterError("bad-request", f"{text}; remove the link, or name the files")
            yield from _walk(path, [real, *within])


def _code_units(name: str) -> bytes:
    return name.encode("utf-16-be", "surrogatepass")


def _file(name: str, path: str, spec: Any) -> Found:
    if not os.path.isfile(path):
        raise ClusterError("bad-request", f"{path} is not a regular file")
    try:
        path.encode()
        with open(path, "rb") as file:
            start = file.read(_START_BYTES)
            status = os.fstat(file.fileno())
    except UnicodeEncodeError:
        raise ClusterError("bad-request", f"{path!a}: the name is not UTF-8; rename it") from None
    except OSError as error:
        raise ClusterError("bad-request", f"cannot read {path}: {error.strerror}") from error
    compression = _by_name(path)
    if status.st_size and _is_text(spec):
        compression = _by_content(path, start)
    mtime_ms = mtime_ms_of(status)
    return Found(name, path, os.path.abspath(path), status.st_size, mtime_ms, compression)


def mtime_ms_of(status: os.stat_result) -> float:
    """As Node computes it, since a worker that runs there compares the doubles."""
    seconds, nanos = divmod(status.st_mtime_ns, 10**9)
    return seconds * 1e3 + nanos / 1e6


def _is_text(spec: Any) -> bool:
    """Any bytes may be records of one size; a job that reads bytes may know their format."""
    if spec is None or spec["format"] != "file":
        return spec is None or spec["format"] != "records"
    return spec["as"] == "text"


def _by_name(path: str) -> str:
    lower = path.lower()
    return "gzip" if lower.endswith(".gz") else "zstd" if lower.endswith(".zst") else "none"


def _by_content(path: str, start: bytes) -> str:
    if start[:3] == b"\x1f\x8b\x08":
        return "gzip"
    is_skippable = start[1:4] == b"\x2a\x4d\x18" and start[0] & 0xF0 == 0x50
    if start[:4] == b"\x28\xb5\x2f\xfd" or is_skippable:
        return "zstd"
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            text = f"{path} is {kind}, and is read as text; convert it first"
            raise ClusterError("bad-request", text)
    if start[:2] in _BOMS:
        text = f"{path} is UTF-16 text, and is read as UTF-8; convert it first"
        raise ClusterError("bad-request", text)
    if re.search(r"\.(gz|tgz|zst|tzst)$", path, re.I):
        text = f"{path} is compressed by its name, but its first bytes are not: it is damaged"
        raise ClusterError("bad-request", f"{text}, or text under a wrong name")
    return "none"
