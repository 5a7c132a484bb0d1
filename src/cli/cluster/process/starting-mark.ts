/** `<data>/starting.json`: a mark of the `tequio up` that is on its way, so that other commands of
 *  this machine wait for it. Without it they would say that there is none. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readEndpoint } from "../../../client/place.ts";
import { makeDirectory } from "../../../store/directory.ts";
import { startOf, stillRuns } from "./identity.ts";

type Mark = { readonly pid: number; readonly start: string };

const markFile = "starting.json";
/** Longest that one is waited for, and between two looks, ms. */
const waitMaxMs = 600_000;
const lookEveryMs = 100;

/** One of another process that lives stays. Its bytes need not outlive a power loss: a process
 *  does not, either. */
export async function markStarting(dataDir: string): Promise<void> {
  const path = join(dataDir, markFile);
  if (readMark(path) !== null) return;
  makeDirectory(dataDir);
  const { pid } = process;
  writeFileSync(path, `${JSON.stringify({ pid, start: startOf(pid) ?? "" })}\n`, { mode: 0o600 });
}

/** When it is of this process. */
export function unmarkStarting(dataDir: string): void {
  const path = join(dataDir, markFile);
  if (readMark(path)?.pid === process.pid) rmSync(path, { force: true });
}

/** Resolves when commands can find the coordinator of this directory, or none is on its way. Prints
 *  that it waits. */
export async function whenMarked(dataDir: string): Promise<void> {
  const path = join(dataDir, markFile);
  const giveUpAtMs = performance.now() + waitMaxMs;
  let isSaid = false;
  while (readMark(path) !== null && !isThere(dataDir) && performance.now() < giveUpAtMs) {
    if (!isSaid) console.error(`the coordinator of ${dataDir} is starting; waiting for it`);
    isSaid = true;
    await delay(lookEveryMs);
  }
}

/** Another one may still run, and be asked. */
function isThere(dataDir: string): boolean {
  const endpoint = readEndpoint(dataDir);
  return endpoint !== null && stillRuns(endpoint.pid, endpoint.start ?? "");
}

/** Of a process that runs. */
function readMark(path: string): Mark | null {
  try {
    const mark = JSON.parse(readFileSync(path, "utf8")) as Partial<Mark>;
    const { pid = 0, start = "" } = mark;
    return stillRuns(pid, start) ? { pid, start } : null;
  } catch {
    return null;
  }
}
