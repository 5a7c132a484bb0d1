/** Resident memory of a process and all its descendants, sampled from /proc while something
 *  runs. */
import { readdirSync, readFileSync } from "node:fs";

const everyMs = 100;
const pageBytes = 4096;

export type MemoryWatch = {
  /** Ends the watch; the largest sum seen, in bytes. 0 where there is no /proc. */
  stop(): number;
};

/** Pages that processes share are counted once for each: the true figure is not larger. */
export function watchMemory(pid: number): MemoryWatch {
  let peakBytes = residentBytes(pid);
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, residentBytes(pid));
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}

export function residentBytes(pid: number): number {
  return treeOf(pid).reduce((sum, one) => sum + residentOf(one), 0);
}

/** The process and its descendants. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of processes()) {
    const parent = parentOf(name);
    if (parent !== null) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [pid];
  for (const one of tree) tree.push(...(children.get(one) ?? []));
  return tree;
}

function processes(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** A process that ends while it is looked at has no parent and no memory. */
function parentOf(pid: string): number | null {
  const stat = readProc(pid, "stat");
  // The command's name is in parentheses and may contain anything; the parent is the second after
  // it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[1] === undefined ? null : Number(fields[1]);
}

/** Of this process alone; 0 where there is no /proc, or when it has ended. */
export function residentOf(pid: number): number {
  const pages = Number(readProc(String(pid), "statm").split(" ")[1] ?? 0);
  return pages * pageBytes;
}

/** The most that it ever had resident, bytes, as the system counts it; 0 as above. */
export function peakOf(pid: number): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readProc(String(pid), "status"));
  return Number(line?.[1] ?? 0) * 1024;
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** What a process has for itself, and its share of what it has with others, in bytes; 0 where there
 *  is no /proc, or when it has ended. */
export function ownBytesOf(pid: number): number {
  const found = /^Pss:\s+(\d+) kB/m.exec(readProc(String(pid), "smaps_rollup"));
  return Number(found?.[1] ?? 0) * 1024;
}

/** The largest sum of it, of the children of `parent` with their descendants: of all workers of
 *  `tequio up`. */
export function watchTree(parent: number): MemoryWatch {
  let peakBytes = 0;
  const timer = setInterval(() => {
    const below = treeOf(parent).filter((pid) => pid !== parent);
    const sumBytes = below.reduce((sum, pid) => sum + ownBytesOf(pid), 0);
    peakBytes = Math.max(peakBytes, sumBytes);
  }, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return peakBytes;
    },
  };
}
