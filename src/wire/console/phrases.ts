/** What a console prints for each outcome of each operation, word for word as in the protocol's
 *  document and in existing clients. */
import type { Operation, Outcome } from "./messages.ts";

const reasons: Readonly<Record<Outcome, string>> = {
  ok: "",
  other: "",
  "name-in-use": "USERNAME IN USE",
  "no-user": "USER DOES NOT EXIST",
  "connected-already": "USER ALREADY CONNECTED",
  "not-connected": "USER NOT CONNECTED",
  "published-already": "CONTENT ALREADY PUBLISHED",
  "not-published": "CONTENT NOT PUBLISHED",
  "no-remote-user": "REMOTE USER DOES NOT EXIST",
  "no-file": "FILE NOT EXIST",
};

/** Operations and outcomes for which only the reason is printed. */
const bare: ReadonlySet<string> = new Set([
  "REGISTER name-in-use",
  "UNREGISTER no-user",
  "CONNECT connected-already",
]);

export function phrase(operation: Operation, outcome: Outcome): string {
  if (outcome === "ok") return `${operation} OK`;
  const reason = reasons[outcome];
  if (reason === "") return `${operation} FAIL`;
  return bare.has(`${operation} ${outcome}`) ? reason : `${operation} FAIL, ${reason}`;
}
