/** What `tequio up` prints when it is up. */

import type { Coordinator } from "../../../coordinator/coordinator.ts";
import type { WorkerServing } from "../../../jobtracker/worker.ts";
import { countText } from "../../numbers.ts";
import { toPaste, upToPaste } from "../../paste.ts";
import { styled } from "../../screen.ts";
import { joinLink, joinPicture, pageLines } from "../../web/links.ts";
import { joinLine } from "../join-line.ts";
import type { LocalWorkers } from "../local-workers.ts";
import { consoleLines } from "./console-options.ts";
import { filesystemLines } from "./filesystem-options.ts";
import { type Libp2pFlags, libp2pLines } from "./libp2p-options.ts";
import { p4Lines } from "./p4-options.ts";

const joinTtlMs = 86_400_000;

type AnnouncedFlags = Libp2pFlags & {
  readonly workers: number;
  readonly data?: string;
  readonly tabs?: "own" | "volunteer";
  readonly qr: boolean;
  readonly json?: boolean;
};

/** What the user typed after `up`. */
export function typedArguments(): string[] {
  const typed = process.argv.slice(2);
  return typed.filter((_, at) => at !== typed.indexOf("up"));
}

type Started = {
  readonly dataDir: string;
  readonly coordinator: Coordinator;
  readonly jobtracker: WorkerServing | null;
  readonly localWorkers: LocalWorkers;
  /** The web page is built. */
  readonly hasPage: boolean;
};

/** Prints where the cluster is, and how others use and join it. */
export async function announce(options: AnnouncedFlags, started: Started): Promise<void> {
  const { dataDir, coordinator, localWorkers, hasPage, jobtracker } = started;
  const url = coordinator.openUrl;
  const isLocal = /^https?:\/\/(127\.|localhost|\[::1\])/.test(url);
  const own = await coordinator.joinCode({ ttlMs: joinTtlMs, usesMax: 0 });
  const areOwn = (options.tabs ?? (isLocal ? "own" : "volunteer")) === "own";
  const terms = { ttlMs: joinTtlMs, usesMax: 0, role: "volunteer" } as const;
  const tabs = areOwn ? own : await coordinator.joinCode(terms);
  if (options.json) {
    const { console: users, filesystem, libp2p, p4, register } = coordinator;
    const browsers = hasPage ? joinLink(url, tabs.token) : null;
    const line = joinLine(url, own.token, coordinator.pin);
    const known = { url, dataDir, pid: process.pid, join: line, browsers, console: users, p4 };
    const files = { filesystem, register, jobtracker, libp2p };
    console.log(JSON.stringify({ ...known, ...files, ...counts(localWorkers) }));
    return;
  }
  const { adminToken } = coordinator;
  const isTerminal = process.stdout.isTTY === true;
  const warns = coordinator.pin !== "";
  const shown = { hasPage, isLocal, isTerminal, warns, qr: options.qr };
  const page = { url, dataDir, adminToken, joinCode: tabs.code, areOwn, ...shown };
  for (const line of joinPicture(page)) console.log(line);
  const were = localWorkers.adopted === 1 ? "was" : "were";
  const adopted =
    localWorkers.adopted > 0 ? ` (${countText(localWorkers.adopted)} ${were} still running)` : "";
  console.log(`coordinator  ${styled("bold", url)}`);
  console.log(`data         ${dataDir}`);
  console.log(`workers      ${countText(options.workers)}${adopted}`);
  console.log(`join with    ${joinLine(url, own.code, coordinator.pin)}`);
  for (const line of pageLines(page)) console.log(line);
  if (isLocal) {
    const wide =
      options.data === undefined
        ? "tequio up --listen 0.0.0.0:7070"
        : upToPaste(typedArguments(), dataDir, ["--listen", "0.0.0.0:7070"]);
    console.log(`             (only from this machine; for others: ${wide})`);
  }
  const files = filesystemLines(coordinator, jobtracker);
  const peers = libp2pLines(coordinator, options);
  const edges = [...consoleLines(coordinator), ...files, ...p4Lines(coordinator), ...peers];
  for (const line of edges) console.log(line);
  const { data } = options;
  const at = data === undefined ? {} : { data };
  const [run, down] = [toPaste(at, "run", "job.ts", "inputs…"), toPaste(at, "down")];
  console.log(`run a job    ${run}      stop: Ctrl-C or ${down}`);
}

function counts(localWorkers: LocalWorkers): { workersStarted: number; workersAdopted: number } {
  return { workersStarted: localWorkers.started, workersAdopted: localWorkers.adopted };
}
