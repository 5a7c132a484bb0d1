/** Turns errors of NATS and JetStream into errors that say what to do next. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import { ConnectionLost } from "../connection-lost.ts";

/** `code` of errors of the JetStream API. */
export const apiCodes = { wrongSequence: 10_071, noMessage: 10_037, noStream: 10_059 } as const;

const sentences: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  10023: ["storage-full", "has no resources left, nothing was written; free some, then retry"],
  10028: ["storage-full", "has no memory left, nothing was written; free some, then retry"],
  10047: ["storage-full", "has no room on its disks, nothing was written; free space, then retry"],
  10077: ["storage-full", "has reached a limit of the stream, nothing was written; raise it"],
  10005: ["unavailable", "has too few servers for the replicas: start the others"],
  10039: ["bad-request", "has JetStream off for this account: enable it"],
  10059: ["not-found", "has no such stream: it was deleted; restore it from a backup"],
};

/** Names of errors by which a request may have been carried out or not. */
const lostNames: ReadonlySet<string> = new Set([
  "TimeoutError",
  "ClosedConnectionError",
  "ConnectionError",
  "DrainingConnectionError",
  "JetStreamNotEnabled",
  "NoRespondersError",
  "RequestError",
]);

export function isApiError(error: unknown, code: number): boolean {
  const { code: own, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return own === code && name !== undefined && /Error$/.test(String(name));
}

/** `name` of the place. */
export function jetStreamFailure(error: unknown, name: string): Error {
  if (error instanceof ClusterError || error instanceof ConnectionLost) return error;
  const {
    code,
    message,
    name: kind,
    status,
  } = error as Error & {
    readonly code?: unknown;
    readonly status?: unknown;
  };
  if (kind === "AuthorizationError" || kind === "UserAuthenticationExpiredError") {
    const text = `${name} refuses this user; set NATS_CREDS, NATS_USER or NATS_TOKEN`;
    return new ClusterError("unauthenticated", text, { cause: error });
  }
  if (isApiError(error, apiCodes.wrongSequence) || isApiError(error, apiCodes.noMessage)) {
    return error as Error;
  }
  const isNetwork = typeof code === "string" && /^E[A-Z]+$/.test(code);
  if (lostNames.has(kind) || isNetwork || status === 503) {
    return new ConnectionLost(message, { cause: error });
  }
  const [known, way] =
    sentences[Number(code)] ?? (["storage-failed", "failed; see the log of the server"] as const);
  const text = `${name}: ${message}${code === undefined ? "" : ` (${code})`}: JetStream ${way}`;
  return new ClusterError(known, text, { cause: error });
}
