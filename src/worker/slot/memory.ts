/** Memory of processes, from /proc; where there is none (not Linux) nothing is known. */
import { readFileSync } from "node:fs";

const pageBytes = 4096;

/** What a process has for itself: resident, without the pages of files (the engine's own program,
 *  which all processes share). 0 when unknown. */
export function ownBytes(pid: number): number {
  try {
    const [, resident, ofFiles] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ");
    return (Number(resident) - Number(ofFiles)) * pageBytes;
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
