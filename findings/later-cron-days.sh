#!/usr/bin/env bash
# @breejs/later 4.2.0 (the calendar of the scheduler bree): expressions of cron mean other days. With a
# day of the month and a day of the week both must match, so that "0 0 13 * 5" runs on a Friday the 13th
# alone; POSIX wants it on each 13th and on each Friday. The weekday 7, which is Sunday for cron, is
# Saturday, and 6-7 has no Sunday. No error is reported.
#
# bree 9.2.9 checks expressions with cron-validate 1.5.3, which accepts all of these, and runs them by
# this calendar: a weekly job runs a day early, others once or twice a year. The judges are croner
# 11.0.1 and cron-parser 5.10.6, which agree.
# Seen: the lines at the end of this script. Expected: the days of the judges, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @breejs/later@4.2.0 croner@11.0.1 cron-parser@5.10.6 cron-validate@1.5.3
cat > try.mjs <<'JS'
import later from "@breejs/later";
import { CronExpressionParser } from "cron-parser";
import validate from "cron-validate";
import { Cron } from "croner";

later.date.UTC();
const start = new Date("2027-01-01T12:00:00Z");
const show = (dates) => dates.map((date) => date.toUTCString().slice(0, 11).replace(",", "")).join(", ");
const expressions = ["0 0 * * 5", "0 0 * * 0", "0 0 13 * 5", "0 9 1,15 * 1", "0 0 * * 7", "0 0 * * 6-7"];
for (const expression of expressions) {
  const dates = later.schedule(later.parse.cron(expression)).next(4, start);
  const judges = [
    new Cron(expression, { timezone: "UTC" }).nextRuns(4, start),
    CronExpressionParser.parse(expression, { currentDate: start, tz: "UTC" })
      .take(4)
      .map((date) => date.toDate()),
  ];
  const others = [...new Set(judges.map(show))].filter((days) => days !== show(dates));
  const isValid = (validate.default ?? validate)(expression).isValid() ? "" : " (refused)";
  console.log(`${expression}${isValid}: ${show(dates)}${others.map((days) => `; judges ${days}`)}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
0 0 * * 5: Fri 08 Jan, Fri 15 Jan, Fri 22 Jan, Fri 29 Jan
0 0 * * 0: Sun 03 Jan, Sun 10 Jan, Sun 17 Jan, Sun 24 Jan
0 0 13 * 5: Fri 13 Aug, Fri 13 Oct, Fri 13 Apr, Fri 13 Jul; judges Fri 08 Jan, Wed 13 Jan, Fri 15 Jan, Fri 22 Jan
0 9 1,15 * 1: Mon 01 Feb, Mon 15 Feb, Mon 01 Mar, Mon 15 Mar; judges Mon 04 Jan, Mon 11 Jan, Fri 15 Jan, Mon 18 Jan
0 0 * * 7: Sat 02 Jan, Sat 09 Jan, Sat 16 Jan, Sat 23 Jan; judges Sun 03 Jan, Sun 10 Jan, Sun 17 Jan, Sun 24 Jan
0 0 * * 6-7: Sat 02 Jan, Sat 09 Jan, Sat 16 Jan, Sat 23 Jan; judges Sat 02 Jan, Sun 03 Jan, Sat 09 Jan, Sun 10 Jan
TXT
