/** The name under which a result is written until it is whole. It is this command's own as long as
 *  it holds the lock of the destination, and the same the next time: what a command that was killed
 *  has left there is removed by the next one. */
import { createHash } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { hostId } from "../../link/host.ts";
import type { Destination } from "../../sdk/collect.ts";
import { stateDirOf } from "../files/master.ts";

/** Without a lock, as while another command writes there, the name is a new one. */
export async function withStaging<T>(
  to: Destination,
  work: (to: Destination) => Promise<T>,
): Promise<T> {
  if (to.kind === "stream") return work(to);
  const { lockFile } = await import("../../store/log/lock.ts");
  const folder = join(stateDirOf(), "locks");
  const path = join(folder, `${digestOf(resolve(to.path)).slice(0, 32)}.lock`);
  let lock: ReturnType<typeof lockFile> = null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    lock = lockFile(path, false);
  } catch {
    // No place for locks: a folder that is only read, say.
  }
  if (lock === null) return work(to);
  try {
    // Machines and containers that share the destination may have locks of the same path.
    const { birthtimeMs, dev, ino } = statSync(path);
    const staging = digestOf(JSON.stringify([hostId(), dev, ino, birthtimeMs])).slice(0, 8);
    return await work({ ...to, staging });
  } finally {
    lock.release();
  }
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
