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


def plain_bad_policy(policy):
    """`bad_records` as plans have it; what is no share comes back as it is."""
    share = policy.get("keep_up_to") if isinstance(policy, dict) and len(policy) == 1 else None
    is_share = isinstance(share, (int, float)) and 0 <= share <= 1
    return {"keepUpTo": share} if is_share else policy
