"""Bytes of text as a str, in the encodings that formats name."""

import codecs

NOT_UTF8 = "its bytes are not UTF-8; give the encoding, as encoding=\"latin1\" or \"windows-1252\""

# What windows-1252 has at 80 to 9F; five are not in use, and stay as they are. (Python's own
# decoder refuses them.)
_EXTRA = (
    "\u20ac\x81\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\x8d\u017d\x8f"
    "\x90\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\x9d\u017e\u0178"
)
_WINDOWS = "".join(map(chr, range(0x80))) + _EXTRA + "".join(map(chr, range(0xA0, 0x100)))


def decoded(data, encoding):
    """The text. Invalid UTF-8 becomes U+FFFD, but for "utf-8", where it is a UnicodeDecodeError."""
    if encoding == "latin1":
        return data.decode("latin-1")
    if encoding == "windows-1252":
        return codecs.charmap_decode(data, "strict", _WINDOWS)[0]
    return data.decode("utf-8", "strict" if encoding == "utf-8" else "replace")


def lossy(data, encoding):
    """The same, with U+FFFD for what is invalid."""
    return decoded(data, "utf-8-lossy" if encoding == "utf-8" else encoding)
