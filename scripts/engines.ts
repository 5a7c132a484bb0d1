/** `npm run engines`: random faults of coordinators on real engines. `-- --count 100 --seed 1
 *  --only postgres --lease 3000`; `-- --fetch` puts a nats-server into the cache, from Debian's
 *  packages. */
import { parseArgs } from "node:util";
import { runFaults } from "../test/engines/faults.ts";
import { withoutNats } from "../test/engines/nats-servers.ts";
import { withoutPostgres } from "../test/engines/postgres-server.ts";
import { killStartedAtExit } from "../test/fixtures/started.ts";
import { fetchNats } from "./engines/fetch-nats.ts";
import { openNats, openPostgres } from "./engines/open.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    lease: { type: "string", default: "3000" },
    fetch: { type: "boolean", default: false },
  },
});

if (values.fetch) fetchNats();
else await endingAll(main);

/** What a signal interrupts is ended, too: coordinators that are stopped do not end by themselves.
 *  A second signal does not wait for that. */
async function endingAll(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
  killStartedAtExit();
  const stopping = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(130);
      stopping.abort(new Error(`stopped by ${name}`));
    });
  }
  try {
    await run(stopping.signal);
    process.exitCode = 0;
  } catch (error) {
    console.error(stopping.signal.aborted ? (error as Error).message : error);
    process.exitCode = stopping.signal.aborted ? 130 : 1;
  }
  // A call that was under way may still wait for an answer.
  process.exit();
}

async function main(signal: AbortSignal): Promise<void> {
  const { count, leaseMs, seed } = numbers();
  for (const [name, open, without] of [
    ["postgres", openPostgres, withoutPostgres],
    ["jetstream", openNats, withoutNats],
  ] as const) {
    if (values.only !== undefined && values.only !== name) continue;
    if (without !== false) {
      console.log(`${name}: left out, ${without}`);
      continue;
    }
    signal.throwIfAborted();
    const { close, engine } = await open();
    try {
      const print = (line: string) => console.log(`${name}: ${line}`);
      const report = await runFaults({ engine, count, seed, leaseMs, print, signal });
      const { afterMs, engineMs, jobs, leaderMs } = report;
      print(`${count} faults, seed ${seed}, lease ${leaseMs} ms: ${jobs} jobs right, none lost`);
      print(`answered after a fault of a coordinator: ${timesText(leaderMs)}`);
      print(`answered after a fault of the engine, too: ${timesText(engineMs)}`);
      print(`of that after the engine was well again: ${timesText(afterMs)}`);
    } finally {
      await close();
    }
  }
}

function numbers() {
  const [count, leaseMs, seed] = [values.count, values.lease, values.seed].map(Number);
  return { count: count!, leaseMs: leaseMs!, seed: seed! };
}

function timesText(times: readonly number[]): string {
  const sorted = times.map(Math.round).sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `${sorted.length} times, median ${median} ms, at most ${sorted.at(-1) ?? 0} ms`;
}
