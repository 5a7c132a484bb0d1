"""Sums up each user's visit from a log of page views, and counts what is no page view."""

import math

from tequio import count, map_reduce, ndjson


def view(record, emit):
    user = record.get("user")
    if not isinstance(user, str):
        count("views without a user")
        return
    at = record["at"]
    emit(user, {"views": 1, "ms": record["ms"], "first": at, "last": at})


def joined(a, b):
    return {
        "views": a["views"] + b["views"],
        "ms": a["ms"] + b["ms"],
        "first": min(a["first"], b["first"]),
        "last": max(a["last"], b["last"]),
    }


def session(user, sessions):
    for one in sessions:
        mean = math.floor(one["ms"] / one["views"] + 0.5)
        return {"views": one["views"], "meanMs": mean, "first": one["first"], "last": one["last"]}


job = map_reduce(
    name="log sessions",
    input=ndjson(),
    map=view,
    combine=joined,
    reduce=session,
    # A line that is no JSON is kept aside with its file and byte offset, and does not end the job.
    bad_records="keep",
)
