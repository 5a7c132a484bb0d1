"""Strings to UTF-8 and back; half characters (lone surrogates) are three bytes each, as in
TypeScript jobs, so that every string comes back as it was."""

from .errors import damaged


def encode_text(text):
    """The bytes of `text`. A pair of surrogates is the one character that it stands for."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return paired(text).encode("utf-8", "surrogatepass")


def paired(text):
    """The text with each pair of surrogates as one character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def decode_text(data):
    """The string of these bytes. What `encode_text` cannot have written is damage."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise damaged("a string is not UTF-8") from None
