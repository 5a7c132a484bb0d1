"""Word count as Dask's documentation writes it, with two worker processes: <input> <output>."""
import sys

import dask
import dask.bag


if __name__ == "__main__":
    source, target = sys.argv[1:]
    dask.config.set(scheduler="processes", num_workers=2)
    lines = dask.bag.read_text(source, blocksize="32MiB")
    counts = lines.str.split().flatten().frequencies().compute()
    with open(target, "w") as out:
        out.writelines(f"{word}\t{count}\n" for word, count in counts)
