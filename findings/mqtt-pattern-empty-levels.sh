#!/usr/bin/env bash
# mqtt-pattern 2.1.1: a level that is empty is not matched by "+". "+/+" does not match "/finance",
# which is the example of MQTT's specification for what it matches, nor "site/+/load" the topic
# "site//load". And a "#" with a name loses the parent: "site/#rest" does not match "site", while
# "site/#" does. No error is reported.
#
# MQTT 5.0, 4.7.1: "#" includes the parent level, and "/finance" matches "+/+". A broker delivers
# these messages to who has subscribed to the pattern; who hands them on by this library drops them
# there.
# Seen: the lines at the end of this script. Expected: what the judge, mqtt-match 3.0.0, says.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  mqtt-pattern@2.1.1 mqtt-match@3.0.0
cat > try.cjs <<'JS'
const match = require("mqtt-match");
const { clean, exec, matches } = require("mqtt-pattern");

for (const [pattern, topic] of [
  ["+/+", "a/finance"],
  ["+/+", "/finance"],
  ["site/+/load", "site//load"],
  ["site/+", "site/"],
  ["site/#", "site"],
  ["site/#rest", "site/a/b"],
  ["site/#rest", "site"],
  ["+first/#rest", "site"],
]) {
  const parameters = JSON.stringify(exec(pattern, topic));
  const judged = match(clean(pattern), topic);
  console.log(`${pattern} ${topic}: ${matches(pattern, topic)} ${parameters}; judge ${judged}`);
}
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
+/+ a/finance: true {}; judge true
+/+ /finance: false null; judge true
site/+/load site//load: false null; judge true
site/+ site/: false null; judge true
site/# site: true {}; judge true
site/#rest site/a/b: true {"rest":["a","b"]}; judge true
site/#rest site: false null; judge true
+first/#rest site: false null; judge true
TXT
