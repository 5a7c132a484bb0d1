"""Expressions of `re`, as workers get them, with what Python finds: a line of JSON each."""

import json
import random
import re
import sys
import unicodedata

sys.path.insert(0, sys.argv[1])
from tequio._query.pattern import translated  # noqa: E402

WRITTEN = (
    r"^a.b$",
    r"(?i)straße\b",
    r"[^\W\d_]+",
    r"(\d+)-(\w+)",
    r"(?<=x)y*?z",
    r"(?m)^x|x$",
    r"\Aa|a\Z",
    r"(?s:a.)b|.c",
    r"(?x) a \ b # c",
    r"(?i)[^k-m]+",
    r"(?a:\w+)é",
    r"[^\S\n]+|[]^\\-]",
    r"(?!a)[a-c](?=b|$)",
    r"(?i:[à-ý]+)|ſ",
    "\\.\\*\\/\\{\\}\\U0001d11e",
)
TEXTS = (
    "a\nb",
    "ab a-b acb\n",
    "STRASSE straẞe STRAſSe",
    "12-é_x 7-日本",
    "xyyz xz yz",
    "x\nyx\nx",
    "K ſ k m L",
    "É é à Ý\t\x1c\x85\ufeff",
    "^]-\\ .*/{}𝄞",
    "a b c a",
    "",
)
REFUSED = (r"(a)\1", r"(?:a?)*", r"((?:a)|b)(?(1)c|d)", r"\Ba")


def made(rng, depth):
    """An expression of few letters."""
    kind = rng.randrange(9 if depth > 0 else 4)
    if kind < 4:
        return rng.choice(("a", "b", ".", r"\w", r"\s", "[^a]", "[ab]", r"\b", "^", "$", "(?i:B)"))
    one = made(rng, depth - 1)
    if kind == 4:
        return f"(?:{one}){rng.choice(('*', '+', '?', '{2}', '{1,3}', '*?', '+?', '??'))}"
    if kind == 5:
        return f"(?:{one}|{made(rng, depth - 1)})"
    if kind == 6:
        return f"({one})"
    if kind == 7:
        return f"(?{rng.choice('=!')}{one})"
    return one + made(rng, depth - 1)


def shown(pattern, texts, keeps_groups):
    """One line."""
    compiled = re.compile(pattern)
    source, flags = translated(compiled, keeps_groups)
    found = []
    for text in texts:
        if keeps_groups is None:
            found.append(compiled.search(text) is not None)
            continue
        found.append([[one[0], *(one.groups() if keeps_groups else ())] for one in
                      compiled.finditer(text)])
    print(json.dumps([pattern, source, flags, texts, found]))


def main():
    """Written ones, made ones, then classes over all characters that this Python knows."""
    for pattern in WRITTEN:
        shown(pattern, TEXTS, None)
    rng = random.Random(7)
    refused = 0
    for _ in range(1500):
        pattern = made(rng, 4)
        texts = ["".join(rng.choices("abB \n", k=rng.randrange(8))) for _ in range(4)]
        try:
            shown(pattern, texts, rng.choice((None, True, False)))
        except (ValueError, re.error):
            refused += 1
    assert refused < 700, refused
    codes = (code for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    known = "".join(chr(code) for code in codes if unicodedata.category(chr(code)) != "Cn")
    for pattern in (r"\w", r"\d", r"\s", r"[\W]", r"(?a)\S", "(?i)[a-z]", "(?i)ß|µ|σ|ǆ"):
        shown(pattern, [known], False)
    for pattern in REFUSED:
        try:
            translated(re.compile(pattern), False)
        except ValueError:
            continue
        raise AssertionError(f"{pattern} was not refused")


main()
