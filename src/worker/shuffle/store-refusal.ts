/** What an object store's refusal of a presigned call means. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";

/** Codes of S3 that say more than the status. `unauthenticated`: another address helps. */
const byCode: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ExpiredToken: ["unauthenticated", "the address has expired"],
  NoSuchBucket: ["forbidden", "there is no such bucket"],
  QuotaExceeded: ["storage-full", "the bucket is full: free some of it, or raise its quota"],
  RequestTimeTooSkewed: ["forbidden", "its clock and the coordinator's differ: set both"],
  ServiceUnavailable: ["unavailable", "it cannot answer now"],
  SignatureDoesNotMatch: ["forbidden", "it refuses the signature: check the coordinator's secret"],
  SlowDown: ["unavailable", "it wants fewer calls"],
  XMinioStorageFull: ["storage-full", "it has no room left"],
};

const byStatus: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  403: ["forbidden", "it refuses the call: check what the coordinator's key may do"],
  404: ["not-found", "it has no such object"],
  408: ["unavailable", "the call took too long"],
  416: ["data-lost", "the object is shorter than what was put"],
  429: ["unavailable", "it wants fewer calls"],
  507: ["storage-full", "it has no room left"],
};

export function refusalOfStore(host: string, status: number, body: Buffer): ClusterError {
  const text = body.toString("utf8");
  const code = /<Code>([A-Za-z0-9.]{1,80})<\/Code>/.exec(text)?.[1] ?? "";
  const [known, why] = meaning(code, status, text);
  return new ClusterError(known, `${host}: ${code || `HTTP ${status}`} (${status}): ${why}`);
}

function meaning(code: string, status: number, text: string): readonly [ErrorCode, string] {
  // Old and new stores say it in a message of AccessDenied.
  if (status === 403 && /expired/i.test(text))
    return ["unauthenticated", "the address has expired"];
  const found = byCode[code] ?? byStatus[status];
  if (found !== undefined) return found;
  if (status >= 500) return ["unavailable", "it failed; see its log"];
  return ["storage-failed", "it refuses the call; see its log"];
}
