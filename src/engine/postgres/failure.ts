/** Turns errors of PostgreSQL and of its connections into errors that say what to do next. */
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import { ConnectionLost } from "../connection-lost.ts";

/** SQLSTATE: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const sentences: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  "28P01": ["unauthenticated", "refuses the password; set PGPASSWORD or ~/.pgpass"],
  "28000": ["unauthenticated", "refuses this user; see pg_hba.conf of the server"],
  "3D000": ["not-found", "has no such database; create it with createdb"],
  "42501": ["forbidden", "refuses it; let the user of the address own the schema"],
  "53100": ["storage-full", "has no room on its disk, nothing was written; free space, then retry"],
  "53200": ["unavailable", "is out of memory; try again later"],
  XX001: ["storage-failed", "has damaged data; restore the database from a backup"],
  XX002: ["storage-failed", "has a damaged index; REINDEX, or restore it from a backup"],
};

/** The server ends the connection, or cannot take one now. */
const lostStates: ReadonlySet<string> = new Set([
  "57P01",
  "57P02",
  "57P03",
  "57P05",
  "53300",
  "25P03",
]);
/** Nothing was written, and the same statement may be sent again. */
const retriedStates: ReadonlySet<string> = new Set(["40001", "40P01", "55P03"]);

export function isEnding(code: string): boolean {
  return lostStates.has(code);
}

type PgError = Error & { readonly code?: string };

/** `name` of the place. Errors without an SQLSTATE come from the connection. */
export function postgresFailure(error: unknown, name: string): Error {
  if (error instanceof ClusterError || error instanceof ConnectionLost) return error;
  const { code = "", message } = error as PgError;
  const isState = /^[0-9A-Z]{5}$/.test(code) && code !== "EPIPE";
  if (!isState || code.startsWith("08") || lostStates.has(code) || retriedStates.has(code)) {
    return new ConnectionLost(message, { cause: error });
  }
  const [known, way] = sentences[code] ?? ["storage-failed", "failed; see the log of the server"];
  return new ClusterError(known, `${name}: ${message} (${code}): PostgreSQL ${way}`, {
    cause: error,
  });
}

export function unreachable(name: string, cause: Error): ClusterError {
  const text = `${name} cannot be reached (${cause.message}); check that PostgreSQL runs there`;
  return new ClusterError("unavailable", text, { cause });
}
