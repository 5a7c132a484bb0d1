"""What job code emits as keys of a dict."""

from .._values.keys import encode_key


def plain_key(key):
    """What the key is in a dict: str, int and float as themselves, others as their bytes, since
    True equals 1 and a tuple no list. What is no key is a `user-error`."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return int.__int__(key)
    if isinstance(key, float) and key == key:
        return float.__float__(key)
    return encode_key(key, "map")


def hashable(keys):
    """How many come before the first that cannot be a key of a dict."""
    for number, key in enumerate(keys):
        try:
            hash(key)
        except TypeError:
            return number
    return len(keys)
