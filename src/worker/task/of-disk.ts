/** Whether an error is the disk's own: the next attempt on this machine would meet it again, one on
 *  another machine need not. Apart, since task processes and the worker itself both ask. */
import type { ClusterError } from "../../core/error.ts";

const diskCodes: ReadonlySet<unknown> = new Set(["EIO", "EROFS"]);

/** As a field of the failure that is reported; see `Failure.isDisk`. */
export function ofDisk({ code, cause }: ClusterError): { readonly isDisk?: true } {
  const { code: systemCode } = (cause ?? {}) as { readonly code?: unknown };
  return code === "storage-failed" && diskCodes.has(systemCode) ? { isDisk: true } : {};
}
