/** Whether an error of the system says that a disk is full: the one list of its codes. */

/** No space left; over the quota of a user, which only some systems and network disks have. */
const fullCodes: readonly unknown[] = ["ENOSPC", "EDQUOT"];

export function isDiskFull(error: unknown): boolean {
  return fullCodes.includes((error as { readonly code?: unknown } | null | undefined)?.code);
}
