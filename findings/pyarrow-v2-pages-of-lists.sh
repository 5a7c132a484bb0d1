#!/usr/bin/env bash
# pyarrow 25.0.1 with data_page_version="2.0" and hyparquet 1.33.0: a column of lists of structs that
# hold a number cannot be read back when one of the lists is null or empty. pyarrow does not count
# these as nulls in the header of such a page, for numbers, dates and booleans; for texts it does.
# Parquet's specification of DataPageHeaderV2 says that num_values - num_nulls is the number of values
# in the data section. hyparquet relies on it and reads past the end; pyarrow, DuckDB and parquet-wasm
# count the definition levels instead. Pages of version 1, pyarrow's default, have no such number.
#
# The statistics of the column chunk have the same wrong null_count.
# Seen: 1 null of 4 where the levels have 3, in numbers, and 3 in texts; RangeError for the numbers.
# Expected: 3 nulls, and the rows that were written.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" hyparquet@1.33.0
python3 -m venv python
python/bin/pip install --quiet --quiet --disable-pip-version-check pyarrow==25.0.1
cat > write.py <<'PY'
import pyarrow as pa
import pyarrow.parquet as pq

for name, type, value in (("numbers", pa.int32(), 1), ("texts", pa.string(), "x")):
    rows = [[{"a": value}, None], None, []]
    table = pa.table({"c": pa.array(rows, pa.list_(pa.struct([("a", type)])))})
    for version in ("1.0", "2.0"):
        path = f"{name}-{version}.parquet"
        pq.write_table(table, path, data_page_version=version, compression="none")
        assert pq.read_table(path).to_pydict() == {"c": rows}
    chunk = pq.read_metadata(path).row_group(0).column(0)
    print(f"{name}: nulls {chunk.statistics.null_count} of {chunk.num_values}")
PY
cat > read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { parquetReadObjects } from "hyparquet";

for (const name of ["numbers-1.0", "numbers-2.0", "texts-2.0"]) {
  const { buffer, byteOffset, length } = readFileSync(`${name}.parquet`);
  const file = buffer.slice(byteOffset, byteOffset + length);
  const rows = await parquetReadObjects({ file }).catch((error) => error.name);
  console.log(`${name}: ${JSON.stringify(rows)}`);
}
JS
(python/bin/python write.py && node read.mjs) | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
numbers: nulls 1 of 4
texts: nulls 3 of 4
numbers-1.0: [{"c":[{"a":1},null]},{"c":null},{"c":[]}]
numbers-2.0: "RangeError"
texts-2.0: [{"c":[{"a":"x"},null]},{"c":null},{"c":[]}]
TXT
