/** The answers: OK with a payload, or ERROR with the words that deployed peers act on. */
import type { ClusterError, ErrorCode } from "../../core/error.ts";
import { encodeMessage } from "./codec.ts";
import type { PyValue } from "./value.ts";

export function okAnswer(payload: Readonly<Record<string, PyValue>> = {}): Uint8Array {
  return encodeMessage("OK", payload);
}

/** Deployed trackers retry after half a second at this one, and give up at any other. */
export const lockedType = "LockFileError";

/** `type_error` of each code, in the names of deployed peers where they have one. */
export const typeErrors: Readonly<Record<ErrorCode, string>> = {
  "bad-request": "BadRequest",
  "build-failed": "BadRequest",
  unauthenticated: "PermissionError",
  forbidden: "PermissionError",
  "not-found": "FileNotFound",
  conflict: lockedType,
  "limit-exceeded": "LimitExceeded",
  "storage-full": "StorageError",
  "storage-failed": "StorageError",
  fenced: lockedType,
  "version-mismatch": "BadRequest",
  "protocol-violated": "BadRequest",
  unavailable: lockedType,
  "user-error": "BadRequest",
  "task-crashed": "InternalError",
  "out-of-memory": "InternalError",
  "timed-out": "TimeoutError",
  "download-failed": lockedType,
  "data-lost": "DataLost",
  nondeterministic: "InternalError",
};

export function errorAnswer(error: ClusterError, type = typeErrors[error.code]): Uint8Array {
  return encodeMessage("ERROR", { info: error.text, type_error: type });
}
