/** CPU seconds of a process and all its descendants, from /proc; and of a command, by the shell. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { treeOf } from "../memory.ts";

/** What `getconf CLK_TCK` says everywhere that matters. */
const ticksPerSecond = 100;

/** Descendants that have ended count as long as their parents live. 0 where there is no /proc. */
export function cpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + ticksOf(one), 0) / ticksPerSecond;
}

/** `count` 2: of the process itself; 4: with its children that have ended. */
function ticksOf(pid: number, count = 4): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in brackets, can have blanks; the times are the 12th to 15th field behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields.slice(11, 11 + count).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    return 0;
  }
}

export type CpuWatch = {
  /** Seconds since the watch began; may be asked for again. */
  seconds(): number;
  stop(): void;
};

/** The same of all processes that there are meanwhile. Those of a namespace of their own leave no
 *  time to their parents when they end, so each is looked at twenty times a second. */
export function watchCpu(pid: number): CpuWatch {
  const first = new Map<number, number>();
  const last = new Map<number, number>();
  const look = (isStart: boolean) => {
    for (const one of treeOf(pid)) {
      const ticks = ticksOf(one, 2);
      if (isStart) first.set(one, ticks);
      last.set(one, Math.max(ticks, last.get(one) ?? 0));
    }
  };
  look(true);
  const timer = setInterval(() => look(false), 50);
  return {
    seconds() {
      look(false);
      let ticks = 0;
      for (const [one, most] of last) ticks += most - (first.get(one) ?? 0);
      return ticks / ticksPerSecond;
    },
    stop: () => clearInterval(timer),
  };
}

export type Ran = { readonly output: string; readonly cpuSeconds: number };

/** Runs a command to its end; `started` is called with its process id. Throws when it fails. */
export async function timed(
  command: readonly string[],
  started: (pid: number) => void = () => {},
): Promise<Ran> {
  // The shell's own `times` reports the CPU time of its children.
  const child = spawn("sh", ["-c", '"$@" || exit $?; times >&2', "sh", ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  started(child.pid!);
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}\n${errors}`);
  const last = errors.trimEnd().split("\n").at(-1) ?? "";
  const seconds = [...last.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, m, s]) => 60 * Number(m) + Number(s),
  );
  return { output, cpuSeconds: seconds.reduce((a, b) => a + b, 0) };
}
