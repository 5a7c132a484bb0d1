#!/usr/bin/env bash
# data-forge 1.10.5: groupBy(), pivot() and the joins compare dates by the second. They take a key's text
# for the key, and the text of a Date has no milliseconds: three events of one second are one group,
# and an event is joined with another one 499 ms later. Lists are compared by their text, too, objects
# not at all: all of them are "[object Object]", one group. distinct() and intersection() of the same
# keys keep all apart. No error is reported.
#
# So a table of events that is joined with itself by its time has more rows than before, and a count
# per time is a count per second. Its types take selectors that return any type.
# Seen: the lines at the end of this script. Expected: 4 groups, 4 distinct, none joined with an event
# half a second away, 2 groups of two objects.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" data-forge@1.10.5
cat > try.cjs <<'JS'
const { DataFrame } = require("data-forge");

const second = Date.UTC(2026, 10, 30, 12);
const tableOf = (offsets) => new DataFrame(offsets.map((n) => ({ at: new Date(second + n), n })));
const [events, others] = [tableOf([0, 250, 999, 1_000]), tableOf([500])];
const at = (row) => row.at;

const groups = events.groupBy(at).select((group) => group.count());
console.log(`groups of ${groups.toArray().join(" and ")} events`);
const sums = events.pivot("at", "n", (ns) => ns.sum()).toArray();
console.log(`sums ${sums.map((row) => row.n).join(" ")}`);
console.log(`distinct ${events.distinct(at).count()}`);
const pairs = events.join(others, at, at, (event, other) => `${event.n} with ${other.n}`);
console.log(`joined: ${pairs.toArray().join(", ")}`);
console.log(`in both: ${events.intersection(others, at, at).count()}`);
const keyed = new DataFrame([{ key: { id: 1 } }, { key: { id: 2 } }]);
console.log(`groups of objects: ${keyed.groupBy((row) => row.key).count()}`);
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
groups of 3 and 1 events
sums 1249 1000
distinct 4
joined: 0 with 500, 250 with 500, 999 with 500
in both: 0
groups of objects: 1
TXT
