"""What formats and jobs are: plain declarations, made by `formats.py`, `jobs.py` and
`operators.py`."""

import re
from typing import Any, Mapping, NamedTuple, Optional


class Format(NamedTuple):
    """Made by `text`, `binary`, `ndjson` and `csv`; pass it as `input` of `map_reduce`."""

    spec: Mapping[str, object]
    pattern: Optional["re.Pattern[str]"] = None


class Job(NamedTuple):
    """Made by `map_reduce`, `tasks` and operators such as `text.words().count()`."""

    kind: str
    inputs: Mapping[str, Mapping[str, Any]]
    options: Mapping[str, Any]
