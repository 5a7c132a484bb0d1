"""Finds lines that match a regular expression, with file and byte offset."""

import re

from tequio import map_reduce, text


def find(line, emit, context):
    # `re` keeps the expressions that it has compiled.
    if re.search(context.params["pattern"], line):
        emit(f"{context.file.rsplit('/', 1)[-1]}:{context.offset}", line)


job = map_reduce(
    name="distributed grep",
    params={"pattern": "ERROR"},
    input=text.lines(),
    map=find,
    # Nothing to gather: each split writes its own matches, in the order of its lines.
    reducers=0,
    output="text",
)
