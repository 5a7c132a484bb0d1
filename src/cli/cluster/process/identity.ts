/** Which process a number means: process ids are reused, start times are not. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** When the process started, as this system reports it, or null when there is no such process. Two
 *  answers for one living process are always equal. */
export function startOf(pid: number): string | null {
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  if (process.platform === "linux") return startOnLinux(pid);
  if (process.platform === "win32") return startOnWindows(pid);
  return ask("ps", ["-o", "lstart=", "-p", String(pid)]);
}

/** Whether the process that was recorded with this start still runs; cheap enough to be asked
 *  often. Where asking for the start takes a process of its own, a number reused since counts. */
export function stillRuns(pid: number, start: string): boolean {
  if (process.platform === "linux") return startOf(pid) === start;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Asks the process to end; after `graceMs` ends it. */
export async function stopProcess(
  record: { readonly pid: number; readonly start: string },
  graceMs: number,
): Promise<void> {
  const lives = () => stillRuns(record.pid, record.start);
  for (const [signal, waitMs] of [
    ["SIGTERM", graceMs],
    ["SIGKILL", 2000],
  ] as const) {
    if (!lives()) return;
    try {
      process.kill(record.pid, signal);
    } catch {
      return; // It ended between the look and the call.
    }
    for (const end = performance.now() + waitMs; lives() && performance.now() < end; ) {
      await delay(20);
    }
  }
}

/** Field 22 of /proc/<pid>/stat: clock ticks since boot. The name in field 2 may hold anything. */
function startOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function startOnWindows(pid: number): string | null {
  return ask("powershell", [
    "-NoProfile",
    "-Command",
    `(Get-Process -Id ${pid} -ErrorAction Stop).StartTime.Ticks`,
  ]);
}

function ask(program: string, args: readonly string[]): string | null {
  try {
    const options = { encoding: "utf8", timeout: 10_000, stdio: "pipe" } as const;
    return execFileSync(program, args, options).trim() || null;
  } catch {
    // No such process; ps and powershell say so with their exit code.
    return null;
  }
}
