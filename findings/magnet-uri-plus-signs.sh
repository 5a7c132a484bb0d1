#!/usr/bin/env bash
# magnet-uri 7.0.10 (WebTorrent): decode() does not return what encode() was given. A name with a plus
# sign comes back with a space in its place, since "+" is replaced after %2B has been decoded: "C++ by
# example" is "C   by example", and a keyword "C++" is "C" and two empty ones. A parameter with an equal
# sign in its value is left out: the tracker that asks for "?key=1" is missing. No error is reported.
#
# The README: "Parse a magnet URI and return an object of keys/values". The judge is URLSearchParams
# of Node, which has the rule of "+" as a space, too. RFC 3986, 3.4, allows "=" in a query. What is
# saved by its name is then another file, and who has this tracker alone finds no peers.
# Seen: the lines at the end of this script. Expected: what was given, and the judge's values.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" magnet-uri@7.0.10
cat > try.mjs <<'JS'
import { decode, encode } from "magnet-uri";

const infoHash = "0123456789abcdef0123456789abcdef01234567";
for (const name of ["plain name", "C++ by example", "2+2=4"]) {
  const uri = encode({ infoHash, name });
  const judge = new URLSearchParams(uri.slice("magnet:?".length)).get("dn");
  console.log(`${name}: judge ${judge}, decode ${decode(uri).name}`);
}
const keywords = ["C++", "book"];
console.log(`keywords: ${JSON.stringify(decode(encode({ infoHash, keywords })).keywords)}`);
for (const value of ["http://tracker.example/announce", "http://tracker.example/announce?key=1"]) {
  const query = `xt=urn:btih:${infoHash}&tr=${value}`;
  const judge = new URLSearchParams(query).get("tr");
  console.log(`judge ${judge}, decode ${decode(`magnet:?${query}`).announce}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
plain name: judge plain name, decode plain name
C++ by example: judge C++ by example, decode C   by example
2+2=4: judge 2+2=4, decode 2 2=4
keywords: ["C","","","book"]
judge http://tracker.example/announce, decode http://tracker.example/announce
judge http://tracker.example/announce?key=1, decode 
TXT
