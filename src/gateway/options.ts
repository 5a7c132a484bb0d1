/** Limits and times of a gateway, each with its unit. */
import { browserLimits } from "../wire/browser/messages.ts";

export type GatewayLimits = {
  /** Tabs and trackers connected at once. */
  readonly connectionsMax: number;
  /** A connection must send its first message within this, ms; a browser needs a while to measure
   *  its speed. */
  readonly helloTimeoutMs: number;
  /** Longest first message, characters. */
  readonly helloMaxChars: number;
  /** Between two pings of one connection, ms. */
  readonly pingMs: number;
  /** Silence after which a tab is lost, ms. Browsers wake hidden pages once a minute only. */
  readonly tabTtlMs: number;
  /** Silence after which a tracker is lost, ms. Not applied to a tracker that never answers a
   *  ping. */
  readonly trackerTtlMs: number;
  /** How long a tab whose connection broke may come back before it is reported lost, ms. Only for
   *  tabs with a session of their own. */
  readonly resumeMs: number;
  /** Tasks that one tab may have. */
  readonly tasksMax: number;
  /** Bad messages that a connection may send; the next one closes it (1008). */
  readonly protocolErrorsMax: number;
  /** Bytes that all connections together have queued or half received. Above it the connections
   *  that hold most are closed. */
  readonly heldMaxBytes: number;
  /** Messages a second of one browser, on average; ten times as many in a burst. */
  readonly messagesPerS: number;
};

export const gatewayLimits: GatewayLimits = {
  connectionsMax: 20_000,
  helloTimeoutMs: 120_000,
  helloMaxChars: browserLimits.helloMax,
  pingMs: 20_000,
  tabTtlMs: 90_000,
  trackerTtlMs: 60_000,
  resumeMs: 30_000,
  tasksMax: 1_024,
  protocolErrorsMax: 3,
  heldMaxBytes: 256 * 1024 * 1024,
  messagesPerS: 50,
};

/** Which callers are admitted. */
export type GatewayAdmission = {
  /** Unauthenticated browsers, which speak only the base browser protocol. */
  readonly anonymous: boolean;
};

/** What the session wants done, in order. Connections are numbers assigned by the carrier. */
export type GatewayOrder =
  | { readonly kind: "send"; readonly connection: number; readonly text: string }
  | {
      readonly kind: "close";
      readonly connection: number;
      /** Of WebSocket: 1000 done, 1008 against the rules, 1013 come back later. */
      readonly code: number;
      readonly reason: string;
    }
  /** For people, already made printable. */
  | { readonly kind: "print"; readonly line: string };

export type GatewaySessionOptions = {
  readonly limits: GatewayLimits;
  readonly door: GatewayAdmission;
  /** Random below 2^52, so that two gateways of one tracker, at the same time or one after the
   *  other, seldom assign the same. */
  readonly firstUid: bigint;
};
