/** What do many tabs cost a gateway that only holds them? Real processes: one gateway, clients of
 *  the browser protocol in three others, and this one as their JobTracker. */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchOptions, type Case, type Figure, median } from "../case.ts";
import { residentBytes } from "../memory.ts";
import { bulk } from "./bulk.ts";
import { child, type GatewayProcess, told, withGateway } from "./process.ts";
import type { TabsReport } from "./tabs.ts";
import { BenchTracker } from "./tracker.ts";

const tabsWanted = 15_000;
const quickTabs = 600;
const clients = 3;
/** Descriptors of the gateway besides those of its tabs. */
const ownFiles = 200;
/** Long enough for every tab to be pinged once, and for garbage to be collected. */
const restMs = 25_000;
const residentMaxMb = 300;
const broadcastMaxMs = 1_000;

export const gateway: Case = {
  name: "gateway",
  question: "What 15,000 idle tabs cost one gateway, and how fast they all have a task",
  async run(options) {
    const count = tabsOf(options);
    const held = await withGateway(["--anonymous"], (served) => hold(served, count, options));
    return [...held, ...(await bulk(options))];
  },
};

/** As many as the machine lets a process have. */
function tabsOf({ quick, say }: BenchOptions): number {
  const wanted = quick ? quickTabs : tabsWanted;
  const limit = filesMax() - ownFiles;
  if (limit >= wanted) return wanted;
  const count = limit - (limit % clients);
  say(`only ${count} tabs: a process may have ${limit + ownFiles} files open (ulimit -Hn)`);
  return count;
}

/** Node raises its own limit to the hard one. */
function filesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? 1_024);
}

async function hold(
  { pid, socket }: GatewayProcess,
  count: number,
  { quick, rounds, say }: BenchOptions,
): Promise<Figure[]> {
  const emptyMb = residentBytes(pid) / 1e6;
  const tracker = await BenchTracker.dial(socket);
  const startedMs = performance.now();
  const each = String(count / clients);
  const browsers = Array.from({ length: clients }, () => child("tabs.ts", socket, each));
  try {
    await Promise.all(browsers.map((one) => reported(one, "connected")));
    await tracker.browsers(count);
    const acceptS = (performance.now() - startedMs) / 1_000;
    say(`${count} tabs in ${acceptS.toFixed(1)} s`);
    await delay(quick ? 1_000 : restMs);
    const idleMb = residentBytes(pid) / 1e6;
    say(`${idleMb.toFixed(0)} MB idle, ${emptyMb.toFixed(0)} MB without tabs`);
    const times: number[] = [];
    for (let round = 1; round <= rounds; round++) {
      times.push(await broadcast(tracker, browsers, round));
      say(`round ${round} of ${rounds}: a task for each in ${times.at(-1)!.toFixed(0)} ms`);
    }
    const named = `${count.toLocaleString("en")} idle tabs`;
    const perTab = ((idleMb - emptyMb) * 1_000) / count;
    return [
      { name: `${named}: resident`, value: idleMb, unit: "MB", atMost: residentMaxMb },
      { name: `${named}: resident of each`, value: perTab, unit: "kB" },
      { name: `${named}: taken in`, value: count / acceptS, unit: "tabs/s" },
      {
        name: `${named}: a task for each`,
        value: median(times),
        unit: "ms",
        atMost: broadcastMaxMs,
      },
    ];
  } finally {
    for (const one of browsers) one.disconnect();
    await tracker.close();
  }
}

function reported(from: ChildProcess, kind: TabsReport["kind"]): Promise<TabsReport> {
  return told<TabsReport>(from, (message) => message.kind === kind);
}

/** ms from the first word of the tracker to the last tab's having its task. */
async function broadcast(
  tracker: BenchTracker,
  browsers: readonly ChildProcess[],
  tid: number,
): Promise<number> {
  const all = Promise.all(browsers.map((one) => reported(one, "tasks")));
  const startedMs = performance.timeOrigin + performance.now();
  for (const uid of tracker.uids) tracker.task(uid, tid);
  const reports = await all;
  return Math.max(...reports.map(({ atMs }) => atMs)) - startedMs;
}
