#!/usr/bin/env bash
# fastparquet 2026.9.0: dates that nanoseconds of 64 bits cannot hold are read as other dates, without
# an error. 9999-12-31, which many tables have for "no end", is 1816-03-29; 2262-04-12 is 1677-09-21,
# and 1600-01-01 is 2184-07-20. Timestamps of the same days are right, since they come with their own
# unit, and pyarrow 25.0.1 and DuckDB 1.5.6 read the dates as they are.
#
# What has no end has then ended long ago: a filter for what is valid today leaves those rows out.
# Seen: the lines at the end of this script. Expected: the same day three times in each line, and the
# last three of them after 2026-01-01.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv python
python/bin/pip install --quiet --quiet --disable-pip-version-check \
  fastparquet==2026.9.0 pandas==3.0.6 pyarrow==25.0.1 duckdb==1.5.6
cat > try.py <<'PY'
from datetime import date, datetime

import duckdb
import fastparquet
import pyarrow as pa
import pyarrow.parquet as pq

texts = ["1600-01-01", "1969-12-31", "2262-04-11", "2262-04-12", "9999-12-31"]
moments = pa.array([datetime.fromisoformat(text) for text in texts], pa.timestamp("us"))
pq.write_table(pa.table({"day": map(date.fromisoformat, texts), "at": moments}), "days.parquet")
frame = fastparquet.ParquetFile("days.parquet").to_pandas()
judged = duckdb.sql("select day::text from 'days.parquet'").fetchall()
for day, at, (judge,) in zip(frame["day"], frame["at"], judged):
    print(f"DuckDB {judge}, timestamp {at:%Y-%m-%d}, date {day:%Y-%m-%d}")
late = [text for text, day in zip(texts, frame["day"]) if day > datetime(2026, 1, 1)]
print(f"after 2026-01-01: {late}")
PY
python/bin/python -W ignore try.py | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
DuckDB 1600-01-01, timestamp 1600-01-01, date 2184-07-20
DuckDB 1969-12-31, timestamp 1969-12-31, date 1969-12-31
DuckDB 2262-04-11, timestamp 2262-04-11, date 2262-04-11
DuckDB 2262-04-12, timestamp 2262-04-12, date 1677-09-21
DuckDB 9999-12-31, timestamp 9999-12-31, date 1816-03-29
after 2026-01-01: ['1600-01-01', '2262-04-11']
TXT
