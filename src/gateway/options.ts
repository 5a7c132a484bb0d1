/** Limits and times of a gateway, each with its unit. */
import { browserLimits } from "../wire/browser/messages.ts";

export type GatewayLimits = {
  /** Tabs and trackers connected at once. */
  readonly connectionsMax: number;
  /** A connection says who it is within this, ms; measuring its speed takes a browser a while. */
  readonly helloTimeoutMs: number;
  /** Its first message has at most so many characters. */
  readonly helloMaxChars: number;
  /** Between two pings of one connection, ms. */
  readonly pingMs: number;
  /** Silence after which a tab is lost, ms. Browsers wake hidden pages once a minute only. */
  readonly tabTtlMs: number;
  /** Silence after which a tracker is lost, ms. One that never answers a ping is not held to it. */
  readonly trackerTtlMs: number;
  /** How long a tab whose connection broke may come back before it is reported lost, ms. Only for
   *  tabs with a session of their own. */
  readonly resumeMs: number;
  /** Tasks that one tab may have. */
  readonly tasksMax: number;
  /** Bad messages that a connection may send; the next one closes it (1008). */
  readonly strikesMax: number;
  /** Bytes that all connections together have queued or half received. Above it those that hold
   *  most are cut off. */
  readonly heldMaxBytes: number;
  /** Messages a second of one browser, on average; ten times as many at once. */
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
  strikesMax: 3,
  heldMaxBytes: 256 * 1024 * 1024,
  messagesPerS: 50,
};

/** Who may use it. */
export type GatewayDoor = {
  /** Browsers that show no token of the link; for clients that know the document only. */
  readonly anonymous: boolean;
};

/** What the switchboard wants done, in order. Connections are numbers that the carrier gave. */
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
