#!/usr/bin/env bash
# nanotar 0.3.0: parseTar() gives members of valid archives other names, without an error. A long path
# in the format ustar loses the folders that are in its prefix field; in pax it ends at its first "=",
# so that all files below sales/year=2026 are "sales/year"; in GNU's format and in pax a link with a
# long target is named like its target. And of a Buffer or another view it reads the memory from its
# start instead of the view: small files that Node reads are views of a pool.
#
# POSIX defines prefix and path; 100 bytes are too few for the folders of a partitioned table. Its parts
# then have one name, and who writes them by their names keeps the last.
# Seen: the lines at the end of this script; tar is GNU tar, and its names are the judge.
# Expected: the names that tar lists.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" nanotar@0.3.0
top=sales/year=2026/month=11
long=$top/day=30/region=europe-west/source=web-shop-orders-and-returns/currency=euro
for status in closed open; do
  mkdir -p "$long/status=$status"
  echo "$status" > "$long/status=$status/part-0.csv"
done
ln -s "$long/status=open/part-0.csv" latest
echo short > short.csv
for format in ustar gnu pax; do
  tar --format=$format -cf $format.tar short.csv "$long"/*/part-0.csv
done
for format in gnu pax; do tar --format=$format -cf link-$format.tar latest; done
cat > try.mjs <<'JS'
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseTar } from "nanotar";

for (const archive of ["ustar", "gnu", "pax", "link-gnu", "link-pax"]) {
  const listed = execFileSync("tar", ["-tf", `${archive}.tar`], { encoding: "utf8" });
  const names = listed.trim().split("\n");
  const members = parseTar(new Uint8Array(readFileSync(`${archive}.tar`)));
  members.forEach(({ name, type }, at) => {
    const short = name.length > 30 ? `${name.slice(0, 13)}...${name.slice(-22)}` : name;
    console.log(`${archive}: ${type} ${name === names[at] ? "as tar says" : short}`);
  });
}
const bytes = new Uint8Array(readFileSync("pax.tar"));
const outer = new Uint8Array(readFileSync("gnu.tar").length + bytes.length);
outer.set(readFileSync("gnu.tar"));
outer.set(bytes, outer.length - bytes.length);
const [whole, view] = [bytes, outer.subarray(outer.length - bytes.length)].map((archive) =>
  JSON.stringify(parseTar(archive).map(({ name }) => name)),
);
console.log(`pax in a view of the same bytes: ${whole === view ? "the same" : "other"} names`);
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
ustar: file as tar says
ustar: file part-0.csv
ustar: file part-0.csv
gnu: file as tar says
gnu: file as tar says
gnu: file as tar says
pax: file as tar says
pax: file sales/year
pax: file sales/year
link-gnu: symbolicLink sales/year=20...status=open/part-0.csv
link-pax: symbolicLink sales/year
pax in a view of the same bytes: other names
TXT
