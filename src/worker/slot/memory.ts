/** Resident memory of processes, from /proc; where there is none (not Linux) nothing is known. */
import { readFileSync } from "node:fs";

const pageBytes = 4096;

/** 0 when unknown. */
export function residentBytes(pid: number): number {
  try {
    const [, pages] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
    return Number(pages) * pageBytes;
  } catch {
    return 0;
  }
}

/** The one child of a process that only waits for it; 0 when there is none (yet). */
export function onlyChild(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim();
    return children === "" ? 0 : Number(children.split(" ")[0]);
  } catch {
    return 0;
  }
}
