#!/usr/bin/env bash
# @platformatic/job-queue 0.5.0: a job is lost when the worker that runs it is killed, unless that
# worker is young. A worker is registered for twice its visibilityTimeout when it starts, a minute by
# default, and never again; refreshWorker() exists and is not called. The Reaper that is started later
# looks for jobs of registered workers alone. The job stays "processing" for ever, and enqueue() of
# the same id answers "duplicate". No error is reported.
#
# The README promises that "Reaper automatically recovers jobs from crashed workers", that an "initial
# scan at startup catches any jobs that were processing", and of FileStorage "Survives process
# restarts". A machine that loses power takes worker and Reaper with it, and each job that was
# running.
# Seen: the lines at the end of this script, for visibilityTimeout 3 s. Expected: completed in both.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @platformatic/job-queue@0.5.0
cat > killed.mjs <<'JS'
import { FileStorage, Queue } from "@platformatic/job-queue";

const [basePath, idleMs] = process.argv.slice(2);
const storage = new FileStorage({ basePath });
const queue = new Queue({ storage, workerId: "killed", visibilityTimeout: 3_000, blockTimeout: 1 });
queue.execute(() => process.kill(process.pid, "SIGKILL"));
await queue.start();
setTimeout(() => queue.enqueue("job", "work"), Number(idleMs));
JS
cat > restarted.mjs <<'JS'
import { setTimeout as sleep } from "node:timers/promises";
import { FileStorage, Queue, Reaper } from "@platformatic/job-queue";

const [basePath, name] = process.argv.slice(2);
const storage = new FileStorage({ basePath });
const queue = new Queue({ storage, workerId: "next", visibilityTimeout: 3_000, blockTimeout: 1 });
queue.execute(() => "done");
await queue.start();
const reaper = new Reaper({ storage, visibilityTimeout: 3_000 });
await reaper.start();
const stateOf = async () => (await queue.getStatus("job")).state;
for (let n = 0; n < 60 && (await stateOf()) !== "completed"; n++) await sleep(250);
const again = await queue.enqueue("job", "work");
console.log(`${name}: ${await stateOf()}; enqueued again: ${again.status}`);
await reaper.stop();
await queue.stop();
JS
try() {
  node killed.mjs "$dir/$1" "$2" || [ $? = 137 ]
  timeout 60 node restarted.mjs "$dir/$1" "$1"
}
{ try young 0; try old 6500; } 2>> errors | tee seen
diff seen - <<'TXT' || { cat errors; echo "this has changed"; exit 1; }
young: completed; enqueued again: completed
old: processing; enqueued again: duplicate
TXT
