"""Word count by Dask's `bag`, as its tutorial does. `bag.py INPUT OUTPUT`, two processes."""

import json
import sys

import dask
import dask.bag as db

if __name__ == "__main__":
    dask.config.set(scheduler="processes", num_workers=2)
    bag = db.read_text(sys.argv[1], blocksize="16MiB", encoding="utf-8")
    counted = bag.str.split().flatten().frequencies().compute()
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        for word, count in sorted(counted):
            out.write(json.dumps({"key": word, "value": count}, ensure_ascii=False) + "\n")
