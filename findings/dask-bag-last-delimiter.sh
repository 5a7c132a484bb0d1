#!/usr/bin/env bash
# dask 2026.8.0: what bag.read_text() makes of a file with a linedelimiter of its own depends on
# blocksize. Without blocksize a file that ends with the delimiter has one element more, an empty text;
# with any blocksize, even one larger than the file, it has not. And with "\r\n" and a blocksize each
# element has two carriage returns, of which the file has one. No error is reported.
#
# Its documentation has blocksize as the size "to cut up larger files" and no more. Counts, averages
# and texts that are compared change when a folder of small files is read in the other way.
# Seen: the lines at the end of this script. Expected: the same list twice in each line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --quiet --disable-pip-version-check dask==2026.8.0
cat > try.py <<'PY'
from pathlib import Path

import dask
from dask import bag

dask.config.set(scheduler="sync")
for delimiter in ("\n", "\r\n", "|", "||", "\x1e"):
    Path("records.txt").write_bytes(f"0{delimiter}1{delimiter}".encode())
    in_blocks, whole = (
        bag.read_text("records.txt", blocksize=blocksize, linedelimiter=delimiter).compute()
        for blocksize in (1_000_000, None)
    )
    print(f"{delimiter!r}: in blocks {in_blocks}, whole {whole}")
PY
python/bin/python try.py | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
'\n': in blocks ['0\n', '1\n'], whole ['0\n', '1\n']
'\r\n': in blocks ['0\r\r\n', '1\r\r\n'], whole ['0\r\n', '1\r\n']
'|': in blocks ['0|', '1|'], whole ['0|', '1|', '']
'||': in blocks ['0||', '1||'], whole ['0||', '1||', '']
'\x1e': in blocks ['0\x1e', '1\x1e'], whole ['0\x1e', '1\x1e', '']
TXT
