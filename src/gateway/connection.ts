/** One connection of the gateway: its role, as found so far, and its behaviour. */
import { ClusterError } from "../core/error.ts";
import type { ConnectionState } from "../wire/browser/legality.ts";
import type { GatewayLimits } from "./options.ts";
import type { Tab } from "./tab.ts";

/** What the server knows about a connection before its first message. */
export type Caller = {
  /** For people. */
  readonly remote: string;
  /** Why it may not be the tracker; null = it may. */
  readonly trackerProblem: string | null;
  /** The coordinator of this process, whose arrival is not reported. */
  readonly isOwn?: boolean;
};

export type Connection = {
  readonly caller: Caller;
  role: "unknown" | "browser" | "tracker";
  tab: Tab | null;
  readonly openedAtMs: number;
  heardAtMs: number;
  nextPingMs: number;
  /** It has answered a ping, or sent one. */
  answersPings: boolean;
  protocolErrors: number;
  /** Messages it may still send; see `messagesPerS`. */
  allowance: number;
  allowanceAtMs: number;
};

/** Burst: a browser may send this many seconds' worth of messages at once. */
const burstS = 10;

export function newConnection(
  id: number,
  caller: Caller,
  { messagesPerS, pingMs }: GatewayLimits,
  atMs: number,
): Connection {
  return {
    caller,
    role: "unknown",
    tab: null,
    openedAtMs: atMs,
    heardAtMs: atMs,
    // Spread, so that a thousand tabs that came together are not pinged together.
    nextPingMs: atMs + pingMs * (0.5 + ((id * 0.618) % 0.5)),
    answersPings: false,
    protocolErrors: 0,
    allowance: messagesPerS * burstS,
    allowanceAtMs: atMs,
  };
}

/** False when a browser sends more messages than its limit allows. */
export function mayTalk(
  connection: Connection,
  { messagesPerS }: GatewayLimits,
  atMs: number,
): boolean {
  if (connection.role === "tracker") return true;
  const earned = ((atMs - connection.allowanceAtMs) / 1000) * messagesPerS;
  connection.allowance = Math.min(messagesPerS * burstS, connection.allowance + earned) - 1;
  connection.allowanceAtMs = atMs;
  return connection.allowance >= 0;
}

/** By which the protocol decides what may come. A message that looks like a tracker's makes no
 *  connection one. */
export function stateOf({ role, tab }: Connection): ConnectionState {
  if (role === "unknown") return "new";
  return role === "browser" && tab === null ? "left" : role;
}

export function badMessage(what: string): ClusterError {
  return new ClusterError("protocol-violated", `bad message: ${what}`);
}

/** What a browser reports about itself is kept while it is connected, so its size is limited.
 *  Throws `limit-exceeded`. */
export function checkHello(
  { role }: Connection,
  { length }: string,
  { helloMaxChars }: GatewayLimits,
): void {
  if (role !== "unknown" || length <= helloMaxChars) return;
  const what = `bad message: the first one has ${length} characters`;
  throw new ClusterError("limit-exceeded", `${what}; at most ${helloMaxChars} are accepted`);
}

/** Why it must be closed, or null while it may stay. */
export function overdue(
  connection: Connection,
  { helloTimeoutMs, tabTtlMs, trackerTtlMs }: GatewayLimits,
  atMs: number,
): string | null {
  const { answersPings, heardAtMs, openedAtMs, role } = connection;
  const silentMs = atMs - heardAtMs;
  if (role === "unknown") {
    return atMs - openedAtMs >= helloTimeoutMs ? "it never sent a connect message" : null;
  }
  const ttlMs = role === "browser" ? tabTtlMs : answersPings ? trackerTtlMs : Infinity;
  return silentMs >= ttlMs ? `silent for ${Math.round(silentMs / 1000)} s` : null;
}

export function speakerOf({ role }: Connection, text: string): "browser" | "tracker" {
  if (role !== "unknown") return role;
  return /"action"\s*:\s*"tracker"/.test(text) ? "tracker" : "browser";
}

/** Of a text that may be no valid message: the task whose end it reports; null when it reports
 *  none. */
export function endedTid(text: string): number | null {
  if (!/"action"\s*:\s*"(?:finish|error)"/.test(text)) return null;
  const [, tid] = /"tid"\s*:\s*(-?\d{1,10})\b/.exec(text) ?? [];
  return tid === undefined ? null : Number(tid);
}
