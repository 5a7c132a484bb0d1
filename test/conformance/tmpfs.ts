/** A file system of a few MiB, to really fill a disk; only where the system allows mounting one. */
import { execFileSync } from "node:child_process";

/** Mounts over the empty directory `place`; returns the reason when it cannot. */
export function mountSmallDisk(
  place: string,
  size: string,
): { readonly skip: string } | { readonly unmount: () => void; readonly makeReadOnly: () => void } {
  if (process.platform !== "linux" || process.geteuid?.() !== 0) {
    return { skip: "needs a small disk, which only root on Linux may mount" };
  }
  try {
    run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", place);
  } catch (error) {
    return { skip: `needs a small disk, mounting one failed: ${(error as Error).message}` };
  }
  return {
    unmount: () => run("umount", "--lazy", place),
    makeReadOnly: () => run("mount", "-o", "remount,ro", place),
  };
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}
