#!/usr/bin/env bash
# lz4js 0.2.0 reads valid LZ4 frames as other bytes, without an error. In a frame with block checksums
# (`lz4 -BX`) it skips four bytes before each block, where the format has the checksum behind it, and
# decodes what then follows. Of two frames it returns the first alone. A skippable frame is an error.
#
# LZ4's frame format says that the checksum follows the block's data, that frames may be concatenated
# and are then decoded one behind the other, and that decoders skip skippable frames. Checksums are
# never compared, so nothing is noticed, while a log that is appended to frame by frame ends after its
# first.
# Seen: the lines at the end of this script; the command lz4 1.10.0 is that of Debian 13.
# Expected: the bytes that the command writes, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" lz4js@0.2.0
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "lz4=1.10.0-*" "liblz4-1=1.10.0-*"
for package in *.deb; do dpkg-deb -x "$package" .; done
export LD_LIBRARY_PATH=$(dirname "$(find usr -name 'liblz4.so.1')")
lz4() { ./usr/bin/lz4 --quiet "$@"; }
seq 1 3000 | sed 's/^/line /' > text
printf 'one\n' > one
printf 'two\n' > two
printf '\x50\x2a\x4d\x18\x04\0\0\0\x01\x02\x03\x04' > skippable
lz4 -c -BD text > plain.lz4
lz4 -c -BX one > checksum.lz4
lz4 -c -BX text > checksums.lz4
(lz4 -c one && lz4 -c two) > frames.lz4
(cat skippable && lz4 -c one) > after.lz4
cat > try.cjs <<'JS'
const { execFileSync } = require("node:child_process");
const { readFileSync } = require("node:fs");
const lz4 = require("lz4js");

for (const name of ["plain", "checksum", "checksums", "frames", "after"]) {
  const expected = execFileSync("usr/bin/lz4", ["-dc", `${name}.lz4`]);
  let seen;
  try {
    const bytes = Buffer.from(lz4.decompress(readFileSync(`${name}.lz4`)));
    const length = Math.min(bytes.length, expected.length);
    const isSame = bytes.subarray(0, length).equals(expected.subarray(0, length));
    seen = `${bytes.length} bytes, ${isSame ? "the same" : "others"}`;
  } catch (error) {
    seen = error.message;
  }
  console.log(`${name}: ${expected.length} bytes, lz4js ${seen}`);
}
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
plain: 28893 bytes, lz4js 28893 bytes, the same
checksum: 4 bytes, lz4js 4 bytes, others
checksums: 28893 bytes, lz4js 28603 bytes, others
frames: 8 bytes, lz4js 4 bytes, the same
after: 4 bytes, lz4js invalid magic number
TXT
