"""The functions of the kit on the numbers of a file, as `exact=True` has them: EXACT.py LIBRARY
NUMBERS RESULTS. Numbers are doubles; results those of each function, one after the other."""

import sys
from array import array
from base64 import b85decode


def computed(numbers, names):
    """The bytes of what the functions of these names give."""
    from tequio._exact.kit import KIT
    from tequio._exact.translate import translated

    kit = translated(b85decode(KIT))
    given = array("d", numbers)
    found = array("d")
    for name in names:
        if name in ("atan2", "pow"):
            found.extend(map(kit[name], given, reversed(given)))
        else:
            found.extend(map(kit[name], given))
    return found.tobytes()


if __name__ == "__main__":
    library, numbers_path, results_path, *wanted = sys.argv[1:]
    sys.path.insert(0, library)
    with open(numbers_path, "rb") as file:
        read = file.read()
    with open(results_path, "wb") as file:
        file.write(computed(read, wanted))
