#!/usr/bin/env bash
# external-sorting 1.3.1 (sorts streams that do not fit into memory): a text whose last line has no
# line feed loses that line, without an error. Its option lastDelimiter is documented as "if `true`
# parse text after the last `delimiter`", and true is the default; the text is parsed when it is false.
# A delimiter of two characters, \r\n in its own example, is cut after one: each line but the first
# begins with a line feed, by which it is also sorted.
#
# The last line of what printf, editors or a split of a larger file leave is missing in the result, and
# the sort of "b\r\nc\r\na\r\n" has an empty line at its head.
# Seen: the lines at the end of this script. Expected: a, b, c in each line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" external-sorting@1.3.1
cat > try.cjs <<'JS'
const { mkdtempSync } = require("node:fs");
const { PassThrough, Readable } = require("node:stream");
const { text } = require("node:stream/consumers");
const sorting = require("external-sorting").default;

const sort = async (lines, options = {}) => {
  const [input, output] = [Readable.from([Buffer.from(lines)]), new PassThrough()];
  const sorted = text(output);
  await sorting({ input, output, tempDir: mkdtempSync("sort-"), ...options }).asc();
  const seen = JSON.stringify(await sorted);
  console.log(`${JSON.stringify(lines)} ${JSON.stringify(options)}: ${seen}`);
};
(async () => {
  await sort("b\nc\na\n");
  await sort("b\nc\na");
  await sort("b\nc\na", { lastDelimiter: true });
  await sort("b\nc\na", { lastDelimiter: false });
  await sort("b\r\nc\r\na\r\n", { delimiter: "\r\n" });
})();
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
"b\nc\na\n" {}: "a\nb\nc\n"
"b\nc\na" {}: "b\nc\n"
"b\nc\na" {"lastDelimiter":true}: "b\nc\n"
"b\nc\na" {"lastDelimiter":false}: "a\nb\nc\n"
"b\r\nc\r\na\r\n" {"delimiter":"\r\n"}: "\na\r\n\nc\r\nb\r\n"
TXT
