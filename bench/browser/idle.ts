/** What do thousands of idle tabs cost a gateway, and how soon does each hear what is said to all?
 *  The real `tequio gateway`; tabs that only pretend, in processes of their own. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { cli } from "../../scripts/cluster.ts";
import { encodeBrowser } from "../../src/wire/browser/codec.ts";
import { type BenchOptions, type Case, type Figure, median } from "../case.ts";

export const idleTabs: Case = {
  name: "idle-tabs",
  question: "15,000 idle tabs of one gateway: its memory, and a message to all of them",
  run,
};

const tabCount = 15_000;
const quickCount = 1_000;
/** One process cannot hold more sockets than it may open files. */
const tabsPerProcess = 5_000;
const pageBytes = 4096;
const crowd = join(import.meta.dirname, "crowd.ts");

async function run({ quick, rounds, say }: BenchOptions): Promise<Figure[]> {
  const count = quick ? quickCount : tabCount;
  const gateway = spawn(process.execPath, [cli, "gateway", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const crowds: ChildProcess[] = [];
  try {
    const url = await addressOf(gateway);
    for (let at = 0; at < count; at += tabsPerProcess) {
      const size = Math.min(tabsPerProcess, count - at);
      const child = fork(crowd, [url, String(size)], { stdio: "inherit" });
      crowds.push(child);
      await once(child, "message");
      say(`${at + size} tabs are connected`);
    }
    const { link, uids } = await becomeTracker(url, count);
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const heard = Promise.all(crowds.map((child) => once(child, "message")));
      const startedMs = performance.now();
      for (const uid of uids) {
        const task = { action: "task", type: "m", uid, tid: round + 1, url: ["/in"] } as const;
        link.send(encodeBrowser({ ...task, more: null }));
      }
      await heard;
      times.push(performance.now() - startedMs);
    }
    const bytes = residentBytes(gateway.pid!);
    link.terminate();
    const named = `${count.toLocaleString("en")} idle tabs`;
    const [memory, time] = quick ? [{}, {}] : [{ atMost: 300 }, { atMost: 1_000 }];
    return [
      { name: `${named}: memory of the gateway`, value: bytes / 1e6, unit: "MB", ...memory },
      { name: `${named}: a message to all`, value: median(times), unit: "ms", ...time },
    ];
  } finally {
    for (const child of crowds) child.kill();
    gateway.kill();
  }
}

async function addressOf(gateway: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: gateway.stdout! })) {
    const found = /ws:\/\/\S+/.exec(line)?.[0];
    if (found !== undefined) return found;
  }
  throw new Error("the gateway ended");
}

/** Hears of every tab that is there. */
async function becomeTracker(url: string, count: number) {
  const link = new WebSocket(url, { perMessageDeflate: false });
  await once(link, "open");
  const uids: string[] = [];
  const all = Promise.withResolvers<void>();
  link.on("message", (bytes) => {
    const { action, data } = JSON.parse(String(bytes)) as { action: string; data: { uid: number } };
    if (action === "ping") link.send(encodeBrowser({ action: "pong", more: null }));
    if (action !== "connect") return;
    uids.push(String(data.uid));
    if (uids.length === count) all.resolve();
  });
  link.send(encodeBrowser({ action: "tracker", more: null }));
  await all.promise;
  return { link, uids };
}

function residentBytes(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
}
