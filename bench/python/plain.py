"""Word count as one writes it without a cluster: one process, a dict. `plain.py INPUT OUTPUT`."""

import json
import sys


def count(path):
    counts = {}
    with open(path, encoding="utf-8") as file:
        while line := file.readline():
            for word in line.split():
                counts[word] = counts.get(word, 0) + 1
    return counts


if __name__ == "__main__":
    counted = count(sys.argv[1])
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for word in sorted(counted):
            out.write(json.dumps({"key": word, "value": counted[word]}, ensure_ascii=False) + "\n")
