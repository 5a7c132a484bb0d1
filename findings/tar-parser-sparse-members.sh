#!/usr/bin/env bash
# @remix-run/tar-parser 0.7.1 and tar-iterator 3.3.11: a sparse member of an archive of GNU tar (--sparse)
# is read as another file. In the format pax both return GNUSparseFile.0/NAME, with the map of its parts
# in front of its bytes; in GNU's format tar-parser returns its bytes without the zeros between them.
# And in GNU's format the name of a member that is longer than 100 bytes ends with a byte 0 in
# tar-parser, so that it is equal to no name and no file can be created with it. No error is reported.
#
# tar-parser's README: "Supports POSIX, GNU, and PAX tar formats". Sparse members are images of disks and
# files of databases and torrents that were made in their full size first. The judge is GNU tar.
# Seen: the lines at the end of this script; the folder's number, a process of tar, is 0 there.
# Expected: the judge's names and bytes, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @remix-run/tar-parser@0.7.1 tar-iterator@3.3.11
truncate -s 256K index
printf 'end' >> index
long=year/$(printf 'z%.0s' $(seq 120))
mkdir year
printf 'one\n' > "$long"
for format in gnu pax; do
  tar --format=$format --sparse --hole-detection=raw -cf $format.tar index year
done
cat > try.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseTar } from "@remix-run/tar-parser";
import TarIterator from "tar-iterator";

const short = (name) => JSON.stringify(name.replace(/z+/, "zz").replace(/File\.\d+/, "File.0"));
const show = (reader, archive, name, bytes) => {
  const judge = execFileSync("tar", ["-xOf", archive, name.includes("index") ? "index" : "year"]);
  const isRight = judge.equals(bytes) ? "the judge's bytes" : "others";
  console.log(`${archive}, ${reader}: ${short(name)}, ${bytes.length} bytes, ${isRight}`);
};
for (const archive of ["gnu.tar", "pax.tar"]) {
  const list = execFileSync("tar", ["-tf", archive], { encoding: "utf8" });
  console.log(`${archive}, judge: ${list.trim().split("\n").map(short).join(", ")}`);
  await parseTar(readFileSync(archive), async (entry) => {
    if (entry.header.type === "directory") return;
    show("tar-parser", archive, entry.name, Buffer.from(await entry.bytes()));
  });
  for await (const entry of new TarIterator(archive)) {
    if (entry.type !== "file") continue;
    await entry.create(`out-${archive}`);
    show("tar-iterator", archive, entry.path, readFileSync(`out-${archive}/${entry.path}`));
  }
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
gnu.tar, judge: "index", "year/", "year/zz"
gnu.tar, tar-parser: "index", 3 bytes, others
gnu.tar, tar-parser: "year/zz\u0000", 4 bytes, the judge's bytes
gnu.tar, tar-iterator: "index", 262147 bytes, the judge's bytes
gnu.tar, tar-iterator: "year/zz", 4 bytes, the judge's bytes
pax.tar, judge: "index", "year/", "year/zz"
pax.tar, tar-parser: "./GNUSparseFile.0/index", 515 bytes, others
pax.tar, tar-parser: "year/zz", 4 bytes, the judge's bytes
pax.tar, tar-iterator: "./GNUSparseFile.0/index", 515 bytes, others
pax.tar, tar-iterator: "year/zz", 4 bytes, the judge's bytes
TXT
