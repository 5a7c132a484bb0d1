/** Faults of lines and machines while a job runs, between machines that are namespaces: by
 *  `npm run networks`. One cluster for all of them; each result is the judge's. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readlinkSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import {
  at,
  type FarCluster,
  farCluster,
  skipUnlessAsked,
  wordCount,
  words,
} from "./machines/far-cluster.ts";
import type { Machine } from "./machines/machines.ts";

const cable = { delayMs: 2, bitsPerS: 40e6 };
const firstWorker: number = at.workers;

type Fault = {
  readonly name: string;
  /** Begins it; what it returns ends it. */
  begin(cluster: FarCluster): Promise<() => Promise<void>>;
  /** Which worker is away then and joins again after its end; absent = none has to. */
  readonly isAway?: boolean;
};

function onCable(change: object, index = firstWorker): Fault["begin"] {
  return async ({ machines }) => {
    await machines.set(index, change);
    return () => machines.set(index, { ...cable, down: false, mtu: 0, loss: 0 });
  };
}

const faults: readonly Fault[] = [
  {
    name: "W5: messages of a worker are lost, and not those to it",
    begin: onCable({ way: "up", down: true }),
    isAway: true,
  },
  {
    name: "W5: messages to a worker are lost, and not its own",
    begin: onCable({ way: "down", down: true }),
    isAway: true,
  },
  { name: "N9: a link carries small packets alone from now on", begin: onCable({ mtu: 600 }) },
  { name: "N10: the submitter has a slow line", begin: onCable({ bitsPerS: 4e6 }, at.submitter) },
  { name: "N7: the line of the submitter loses every tenth packet", begin: lossyForAWhile },
  { name: "N8: a worker is behind NAT", begin: onCable({ nat: true }) },
  { name: "W4: a line flaps", begin: flapping },
  { name: "N2: a worker gets another address", begin: moved },
  { name: "W7: a machine is ten times slower than the others", begin: slowed },
];

async function lossyForAWhile({ machines }: FarCluster) {
  await machines.set(at.submitter, { loss: 0.1 });
  const ended = delay(4_000).then(() => machines.set(at.submitter, { loss: 0 }));
  return () => ended;
}

async function flapping({ machines }: FarCluster) {
  const stop = new AbortController();
  const flap = async () => {
    for (let isDown = true; !stop.signal.aborted; isDown = !isDown) {
      await machines.set(firstWorker, { down: isDown });
      await delay(700, null, { signal: stop.signal }).catch(() => {});
    }
    await machines.set(firstWorker, { down: false });
  };
  const flapped = flap();
  return () => {
    stop.abort();
    return flapped;
  };
}

async function moved({ machines }: FarCluster) {
  const { enter, host } = machines.all[firstWorker] as Machine;
  const run = (command: string) =>
    execFileSync(enter[0]!, [...enter.slice(1), ...command.split(" ")]);
  // In this order: the second address of a network goes with the first.
  run(`ip address del ${host}/24 dev eth0`);
  run("ip address add 10.78.0.99/24 dev eth0");
  run("ip route replace 10.78.0.0/24 dev eth0 src 10.78.0.99 congctl cubic");
  return async () => {};
}

/** All processes of one machine stand still for nine tenths of the time. */
async function slowed({ machines, place }: FarCluster) {
  const stop = new AbortController();
  const { pid: holder } = machines.all[firstWorker + 1] as Machine & { readonly pid: number };
  const netOf = (pid: number | string) => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return "";
    }
  };
  const signal = (name: "SIGCONT" | "SIGSTOP") => {
    for (const pid of place.processes()) {
      if (netOf(pid) !== netOf(holder)) continue;
      try {
        process.kill(pid, name);
      } catch {
        // It has just ended.
      }
    }
  };
  const slow = async () => {
    while (!stop.signal.aborted) {
      signal("SIGSTOP");
      await delay(450, null, { signal: stop.signal }).catch(() => {});
      signal("SIGCONT");
      await delay(50, null, { signal: stop.signal }).catch(() => {});
    }
    signal("SIGCONT");
  };
  const slowing = slow();
  return () => {
    stop.abort();
    return slowing;
  };
}

async function under(
  t: TestContext,
  cluster: FarCluster,
  fault: Fault | null,
  run: () => Promise<void>,
) {
  const sinceMs = performance.now();
  const { workers } = cluster;
  const lines = workers[0]!.lines.length;
  const end = (await fault?.begin(cluster)) ?? null;
  try {
    await run();
  } finally {
    await end?.();
  }
  t.diagnostic(
    `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s  ${fault?.name ?? "no fault"}`,
  );
  if (fault?.isAway === true) await workers[0]!.line("joined", lines);
}

test("faults of lines and machines change no result", {
  skip: skipUnlessAsked(),
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await farCluster(t, cable);
  const { place, run, target } = cluster;
  const text = words(12);
  place.write("input.txt", text);
  const common = ["run", wordCount, "input.txt", "--split-bytes", "512K", "--reducers", "4"];
  const judged = await place.run(...common, "-o", "-", "--sequential");
  assert.equal(judged.code, 0, judged.err);
  let number = 0;
  for (const fault of [null, ...faults]) {
    // The same words, but other content: what is there already would not be sent again.
    const input = `input-${++number}.txt`;
    const cut = text.indexOf("\n", number * 1_000) + 1;
    place.write(input, text.slice(cut) + text.slice(0, cut));
    const args = common.map((one) => (one === "input.txt" ? input : one));
    await t.test(fault?.name ?? "no fault", async (one) => {
      await under(one, cluster, fault, async () => {
        const counted = await run(at.submitter, ...args, "-o", "-", ...target).ended;
        assert.equal(counted.code, 0, counted.err);
        assert.equal(counted.out, judged.out);
      });
    });
  }
});

test("N11: workers behind NAT, each alone: neither each other nor the coordinator can connect", {
  skip: skipUnlessAsked(),
  timeout: testMaxMs,
}, async (t) => {
  const ofWorkers = { ...cable, nat: true };
  const { place, run, target } = await farCluster(t, cable, { workers: 2, ofWorkers });
  place.write("input.txt", words(4));
  const common = ["run", wordCount, "input.txt", "--split-bytes", "512K", "--reducers", "4"];
  const judged = await place.run(...common, "-o", "-", "--sequential");
  const counted = await run(at.submitter, ...common, "-o", "-", ...target).ended;
  assert.equal(counted.code, 0, counted.err);
  assert.equal(counted.out, judged.out);
  const status = await run(at.coordinator, "status", "j-1", "--json").ended;
  const { stages } = JSON.parse(status.out) as { stages: Array<{ attemptsLost: number }> };
  assert.deepEqual(
    stages.map(({ attemptsLost }) => attemptsLost),
    [0, 0],
    "none computed again",
  );
});
