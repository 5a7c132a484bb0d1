"""Lists for every word the files it is in, with how often."""

import re
from collections import Counter

from tequio import map_reduce, text

_WORD = re.compile(r"[^\W_]+")
_STOP_WORDS = frozenset(("a", "an", "and", "in", "is", "it", "of", "or", "the", "to"))


def words(document, emit, context):
    name = context.file.rsplit("/", 1)[-1]
    for word, times in Counter(_WORD.findall(document.lower())).items():
        if len(word) >= context.params["shortest"] and word not in _STOP_WORDS:
            emit(word, [name, times])


def files(word, found):
    # Most often first, then by name.
    return sorted(found, key=lambda one: (-one[1], one[0]))


job = map_reduce(
    name="inverted index", params={"shortest": 2}, input=text.file(), map=words, reduce=files
)
