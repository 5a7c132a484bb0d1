"""Word count by `multiprocessing.Pool.imap_unordered`, as its tutorials do: the file in parts that
end with a line, a dict each, added up. `pool.py INPUT OUTPUT`, two processes."""

import json
import os
import sys
from multiprocessing import Pool

_PART_BYTES = 16 << 20


def count(part):
    path, start, end = part
    counts = {}
    with open(path, "rb") as file:
        file.seek(start)
        for line in file.read(end - start).decode("utf-8").split("\n"):
            for word in line.split():
                counts[word] = counts.get(word, 0) + 1
    return counts


def parts(path):
    size, start = os.path.getsize(path), 0
    with open(path, "rb") as file:
        while start < size:
            file.seek(min(size, start + _PART_BYTES))
            file.readline()
            yield path, start, file.tell()
            start = file.tell()


if __name__ == "__main__":
    total = {}
    with Pool(2) as pool:
        for counted in pool.imap_unordered(count, parts(sys.argv[1])):
            for word, n in counted.items():
                total[word] = total.get(word, 0) + n
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for word in sorted(total):
            out.write(json.dumps({"key": word, "value": total[word]}, ensure_ascii=False) + "\n")
