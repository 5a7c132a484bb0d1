#!/usr/bin/env bash
# plainjob 0.0.14 (jobs in SQLite): the time limit of a job counts from the moment in which it was due,
# not from its start. A job that has waited longer than `timeout` goes back into the queue as soon as
# it has begun, and a second worker runs it beside the first; both succeed. And stop() of a worker that
# is at work returns at once.
#
# Its README says "Re-queue jobs if a worker dies" and of stop() "finishes processing jobs". No worker
# dies here. With the defaults each job of a backlog of half an hour may run twice where there are
# several workers, which makes the backlog longer.
# Seen: with a limit of 5 s a job of 1 s is started once when fresh, and twice when it has waited for 6
# s; stop() returns while the job is at work. Expected: one start each, and stop() after its end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  plainjob@0.0.14 better-sqlite3@13.2.0
cat > try.mjs <<'JS'
import { setTimeout as pause } from "node:timers/promises";
import Database from "better-sqlite3";
import { better, defineQueue, defineWorker } from "plainjob";

const logger = { debug() {}, info() {}, warn() {}, error: console.error };
async function startsAfter(waitMs) {
  const connection = better(new Database(`after-${waitMs}.db`));
  const limits = { timeout: 5_000, maintenanceInterval: 100 };
  const queue = defineQueue({ connection, logger, ...limits });
  const starts = [];
  const run = async () => {
    starts.push(performance.now());
    await pause(1_000);
  };
  queue.add("job", {});
  await pause(waitMs);
  const workers = [1, 2].map(() =>
    defineWorker("job", run, { queue, logger, pollIntervall: 50 }),
  );
  const ends = workers.map((worker) => worker.start());
  await pause(1_500);
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all(ends);
  queue.close();
  return starts.length;
}
async function hasEndedAtStop() {
  const queue = defineQueue({ connection: better(new Database("stop.db")), logger });
  const began = Promise.withResolvers();
  let hasEnded = false;
  const run = async () => {
    began.resolve();
    await pause(1_000);
    hasEnded = true;
  };
  queue.add("job", {});
  const worker = defineWorker("job", run, { queue, logger });
  const end = worker.start();
  await began.promise;
  await worker.stop();
  const hadEnded = hasEnded;
  await end;
  queue.close();
  return hadEnded;
}

const [fresh, late] = [await startsAfter(0), await startsAfter(6_000)];
const isWaitedFor = await hasEndedAtStop();
console.log(`starts: ${fresh} of the fresh job, ${late} of the one that waited`);
console.log(`stop() waits for the job: ${isWaitedFor}`);
process.exitCode = fresh === 1 && late > 1 && !isWaitedFor ? 0 : 1;
JS
node try.mjs || { echo "this has changed"; exit 1; }
