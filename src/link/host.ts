/** Which machine this process is on, as a name that two processes share exactly when they see the
 *  same files. */
import { createHash } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { arch, hostname, platform } from "node:os";

/** 16 hex digits. On Linux from the boot id and the namespaces of mounts and network (containers
 *  on one machine differ), elsewhere from the host name. It only says where to look first: each
 *  file is compared with what was submitted before it is read in place. */
export function hostId(): string {
  const parts = [hostname(), platform(), arch()];
  try {
    parts.push(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
    parts.push(readlinkSync("/proc/self/ns/mnt"), readlinkSync("/proc/self/ns/net"));
  } catch {
    // Not Linux: the host name is used instead.
  }
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 16);
}
