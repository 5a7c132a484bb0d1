#!/usr/bin/env bash
# @platformatic/job-queue 0.5.0: jobs run more often than they should. One whose handler returns
# nothing is run three times and then fails, since the default serializer cannot write undefined. One
# that has been cancelled and enqueued anew with its id runs twice, first with the payload that was
# cancelled. And one that throws is run again at once, before all that wait.
#
# Its README says "Prevents duplicate job processing", of cancel() "Job was successfully cancelled",
# and "retry attempts with exponential backoff"; there is no backoff in it. A handler that sends a
# mail and ends without a return statement sends three, and the queue then says that it failed.
# Seen: the lines at the end of this script. Expected: one start of "mail", none of "old", and "other"
# before the second start of "broken".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @platformatic/job-queue@0.5.0
cat > try.mjs <<'JS'
import { setTimeout as sleep } from "node:timers/promises";
import { MemoryStorage, Queue } from "@platformatic/job-queue";

const queue = new Queue({ storage: new MemoryStorage(), blockTimeout: 1 });
const starts = [];
queue.execute(async ({ payload }) => {
  starts.push(payload);
  if (payload === "broken") throw new Error("broken");
  if (payload !== "mail") return "done";
});
await queue.enqueue("1", "mail");
await queue.enqueue("2", "old");
const { status } = await queue.cancel("2");
await queue.enqueue("2", "new");
await queue.enqueue("3", "broken");
await queue.enqueue("4", "other");
await queue.start();
for (let n = 0; n < 100 && (await queue.getStatus("4")).state !== "completed"; n++) await sleep(100);
console.log(`cancel: ${status}`);
console.log(`starts: ${starts.join(" ")}`);
for (const id of ["1", "2", "3", "4"]) console.log(`${id}: ${(await queue.getStatus(id)).state}`);
await queue.stop();
JS
timeout 60 node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
cancel: cancelled
starts: mail mail mail old new broken broken broken other
1: failed
2: completed
3: failed
4: completed
TXT
