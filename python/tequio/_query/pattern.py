"""Expressions of Python's `re` as those of JavaScript that find the same: workers match them there.

Python parses the expression; what comes of it is written again, with the classes and the borders of
words that Python means. What cannot be the same is refused by name."""

import functools
import re
import sys
from typing import Any, List, Optional, Tuple

try:
    from re import _parser as _parse  # type: ignore[attr-defined]
except ImportError:
    # Before Python 3.11.
    import sre_parse as _parse  # type: ignore[no-redef]

_REPEAT_MAX = 2**31 - 1
_SHORT = {"{0,1}": "?", "{0,}": "*", "{1,}": "+"}
# As `str.isspace` has them; JavaScript has one more, and lacks some.
_SPACE = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_UNICODE = {"digit": r"\p{Nd}", "space": _SPACE, "word": r"\p{L}\p{N}_"}
_ASCII = {"digit": "0-9", "space": r"\t-\r\x20", "word": "0-9A-Za-z_"}


def translated(pattern: "re.Pattern[str]", keeps_groups: Optional[bool]) -> Tuple[str, str]:
    """Source and flags for JavaScript. keeps_groups: what the groups have matched is used, too;
    None: only whether it is found. Errors: ValueError for what would not give the same."""
    if not isinstance(pattern.pattern, str):
        raise TypeError("an expression of bytes; workers match text: give one of str")
    flags = pattern.flags
    if flags & re.LOCALE:
        raise ValueError(f"{_shown(pattern)}: LOCALE is not supported")
    tree = _parse.parse(pattern.pattern, flags & ~re.UNICODE & ~re.DEBUG)
    writer = _Writer(pattern, bool(keeps_groups))
    if keeps_groups is not None and tree.getwidth()[0] == 0:
        raise writer.refused("it matches where there is nothing, and engines go on differently")
    return writer.sequence(tree, flags), "u"


class _Writer:
    """Writes the parts of a parsed expression. `flags` are those that hold there."""

    def __init__(self, pattern: "re.Pattern[str]", keeps_groups: bool) -> None:
        self._pattern = pattern
        self._keeps_groups = keeps_groups
        self._depth = 0

    def sequence(self, parts: Any, flags: int) -> str:
        """Parts that follow each other."""
        return "".join(self._part(str(kind), given, flags) for kind, given in parts)

    def _part(self, kind: str, given: Any, flags: int) -> str:
        write = getattr(self, f"_{kind.lower()}", None)
        if write is None:
            raise self.refused(f"{kind} has no equal there")
        return write(given, flags)

    def _literal(self, code: int, flags: int) -> str:
        if flags & re.IGNORECASE:
            return self._class([("LITERAL", code)], flags)
        return _escaped(code)

    def _not_literal(self, code: int, flags: int) -> str:
        return self._class([("NEGATE", None), ("LITERAL", code)], flags)

    def _any(self, _: Any, flags: int) -> str:
        return r"[\s\S]" if flags & re.DOTALL else r"[^\n]"

    def _in(self, items: Any, flags: int) -> str:
        return self._class([(str(kind), given) for kind, given in items], flags)

    def _class(self, items: List[Tuple[str, Any]], flags: int) -> str:
        is_negated = items[0][0] == "NEGATE"
        inside, outside = [], []
        for kind, given in items[1:] if is_negated else items:
            if kind == "LITERAL":
                inside.append(_escaped(given))
            elif kind == "RANGE":
                inside.append(f"{_escaped(given[0])}-{_escaped(given[1])}")
            else:
                name = str(given).lower().rpartition("_")[2]
                is_outside = "_NOT_" in str(given)
                (outside if is_outside else inside).append(_classes(flags)[name])
        if flags & re.IGNORECASE:
            inside += self._cased(items[1:] if is_negated else items, flags)
        return _union("".join(inside), outside, is_negated)

    def _cased(self, items: List[Tuple[str, Any]], flags: int) -> List[str]:
        """What else matches without regard to case: Python is asked."""
        written = []
        for kind, given in items:
            if kind == "LITERAL":
                written.append(re.escape(chr(given)))
            elif kind == "RANGE":
                written.append(f"{re.escape(chr(given[0]))}-{re.escape(chr(given[1]))}")
        if not written:
            return []
        of = re.compile(f"[{''.join(written)}]", flags & (re.ASCII | re.IGNORECASE))
        return [_escaped(ord(one)) for one in of.findall(_cased_characters())]

    def _at(self, where: Any, flags: int) -> str:
        name = str(where)
        if name == "AT_BEGINNING":
            return r"(?<![^\n])" if flags & re.MULTILINE else "^"
        if name == "AT_END":
            return r"(?![^\n])" if flags & re.MULTILINE else r"(?=\n?$)"
        if name == "AT_BEGINNING_STRING":
            return "^"
        if name == "AT_END_STRING":
            return "$"
        word = f"[{_classes(flags)['word']}]"
        if name == "AT_BOUNDARY":
            return f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))"
        raise self.refused("\\B differs between versions of Python")

    def _branch(self, given: Any, flags: int) -> str:
        return f"(?:{'|'.join(self.sequence(one, flags) for one in given[1])})"

    def _subpattern(self, given: Any, flags: int) -> str:
        number, added, removed, parts = given
        inside = self.sequence(parts, (flags | added) & ~removed)
        if number is None or not self._keeps_groups:
            return f"(?:{inside})"
        if self._depth > 0:
            # JavaScript forgets what a group matched when its repetition begins again.
            raise self.refused(f"group {number} is inside a repetition or looks behind")
        return f"({inside})"

    def _max_repeat(self, given: Any, flags: int) -> str:
        return self._repeated(given, flags, "")

    def _min_repeat(self, given: Any, flags: int) -> str:
        return self._repeated(given, flags, "?")

    def _repeated(self, given: Any, flags: int, lazy: str) -> str:
        least, most, parts = int(given[0]), int(given[1]), given[2]
        if most > 1 and parts.getwidth()[0] == 0:
            raise self.refused("what is repeated can be empty, which engines repeat differently")
        self._depth += most > 1
        inside = self.sequence(parts, flags)
        self._depth -= most > 1
        times = f"{{{least},{'' if most >= _REPEAT_MAX else most}}}"
        return f"(?:{inside}){_SHORT.get(times, times)}{lazy}"

    def _assert(self, given: Any, flags: int) -> str:
        return self._looking(given, flags, "=")

    def _assert_not(self, given: Any, flags: int) -> str:
        return self._looking(given, flags, "!")

    def _looking(self, given: Any, flags: int, sign: str) -> str:
        direction, parts = given
        self._depth += direction < 0
        inside = self.sequence(parts, flags)
        self._depth -= direction < 0
        return f"(?{'<' if direction < 0 else ''}{sign}{inside})"

    def _failure(self, _: Any, __: int) -> str:
        return "(?!)"

    def _groupref(self, number: int, _: int) -> str:
        raise self.refused(f"it refers to group {number}, which engines do differently")

    def _groupref_exists(self, given: Any, _: int) -> str:
        raise self.refused(f"it asks for group {given[0]}")

    def refused(self, why: str) -> ValueError:
        """What cannot be the same."""
        text = f"{_shown(self._pattern)} cannot be matched on every worker as in Python: {why}"
        return ValueError(f"{text}; write it otherwise, or match it in a map function")


def _shown(pattern: "re.Pattern[str]") -> str:
    return f"the expression {pattern.pattern!r:.80}"


def _classes(flags: int) -> Any:
    return _ASCII if flags & re.ASCII else _UNICODE


def _union(inside: str, outside: List[str], is_negated: bool) -> str:
    """A class of `inside` and of all that is in none of `outside`."""
    if not outside:
        return f"[{'^' if is_negated else ''}{inside}]"
    parts = [f"[^{one}]" for one in outside] + ([f"[{inside}]"] if inside else [])
    if not is_negated:
        return f"(?:{'|'.join(parts)})"
    return f"(?:(?!{'|'.join(parts)})[\\s\\S])"


def _escaped(code: int) -> str:
    character = chr(code)
    if character.isascii() and character.isalnum():
        return character
    return f"\\u{{{code:x}}}"


@functools.lru_cache(maxsize=1)
def _cased_characters() -> str:
    found = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    return "".join(one for one in found if one.lower() != one or one.upper() != one)
