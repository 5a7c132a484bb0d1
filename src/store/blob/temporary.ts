/** Files that are not yet blobs: their names contain the writing process, so that a later opener
 *  can distinguish a dead writer's leftovers from a living one's work. */
import { createHash, randomBytes } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { systemCode } from "../failure.ts";

/** Process numbers are reused, in a container always; these two are not. */
const machine = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
const start = randomBytes(6).toString("hex");

let made = 0;

export function temporaryName(): string {
  made += 1;
  return `${machine}-${process.pid}-${start}-${made}.part`;
}

/** Removes what dead processes left in `directory`, and files not modified for `ageMaxMs`. */
export async function sweepTemporary(directory: string, ageMaxMs: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (isDead(name) || (await isOld(path, ageMaxMs))) await rm(path, { force: true });
  }
}

/** True only when it is certain: processes of other machines cannot be checked. */
function isDead(name: string): boolean {
  const [onMachine, pid, started] = name.split("-");
  if (onMachine !== machine || started === start) return false;
  return Number(pid) === process.pid || !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}

async function isOld(path: string, ageMaxMs: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > ageMaxMs;
  } catch {
    return false;
  }
}
