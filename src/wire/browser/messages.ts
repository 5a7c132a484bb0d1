/** What browser, web server (here: gateway) and JobTracker (here: coordinator) say to each other,
 *  the browser protocol. Every message is `{"status","message","action","data"}` with all four
 *  keys.
 *
 *  | from → to | action | data |
 *  | --- | --- | --- |
 *  | browser → gateway | connect | speed |
 *  | | finish | type tid url |
 *  | | error | error |
 *  | | pong | |
 *  | gateway → browser | task | type tid url |
 *  | | ping | |
 *  | tracker → gateway | tracker | |
 *  | | task | type uid tid url |
 *  | gateway → tracker | connect | uid speed |
 *  | | disconnect | uid |
 *  | | error | uid error |
 *  | | finish | type uid tid url |
 *
 *  What the document does not have lies in `data.more`, an object that others do not look at, and
 *  in the actions `welcome`, `ack`, `abort` (tracker → gateway → browser) and `note` (the other
 *  way), which only members that have shown a `more` of their own are sent. `legality.ts` has who
 *  may send what, and when. */

/** A 64-bit whole number as decimal digits: JSON numbers lose precision beyond 2^53. */
export type Uid = string;

/** `m` = map, `r` = reduce. A plain list of tasks is mapped, too. */
export type TaskType = "m" | "r";

/** An extension, open for further fields; null = the peer speaks only the base protocol. */
export type More = { readonly [name: string]: unknown };

export type BrowserBody =
  /** KB/s, measured; between gateway and tracker with the uid that the gateway assigned. */
  | {
      readonly action: "connect";
      readonly uid: Uid | null;
      readonly speed: number;
      readonly more: More | null;
    }
  /** An extension, from a tab (without uid): it leaves, and will not come back. */
  | { readonly action: "disconnect"; readonly uid: Uid | null }
  /** Has no tid in the document: it ends all tasks of the browser. Extension: `more.tid`. */
  | {
      readonly action: "error";
      readonly uid: Uid | null;
      readonly error: string;
      readonly more: More | null;
    }
  /** A finished map task has one url per reduce task, a reduce task has one. */
  | {
      readonly action: "finish";
      readonly uid: Uid | null;
      readonly type: TaskType;
      readonly tid: number;
      readonly url: readonly string[];
      readonly more: More | null;
    }
  /** A map task has one url, a reduce task one per map task. */
  | {
      readonly action: "task";
      readonly uid: Uid | null;
      readonly type: TaskType;
      readonly tid: number;
      readonly url: readonly string[];
      readonly more: More | null;
    }
  /** Valid only while there is no tracker. */
  | { readonly action: "tracker"; readonly more: More | null }
  | { readonly action: "ping" }
  /** `more`: the tab's current state; see `note`. */
  | { readonly action: "pong"; readonly more: More | null }
  /** An extension, to a tab: its identity from now on, and the credential to prove it later. */
  | { readonly action: "welcome"; readonly uid: Uid | null; readonly more: More }
  /** An extension, to a tab: the finish (or error) of this task is durable and need not be sent
   *  again. */
  | { readonly action: "ack"; readonly uid: Uid | null; readonly tid: number }
  /** An extension, to a tab: stop this task, its result is not needed any more. */
  | { readonly action: "abort"; readonly uid: Uid | null; readonly tid: number }
  /** An extension, to a tracker: the fields of a tab's pong. May be dropped. */
  | { readonly action: "note"; readonly uid: Uid; readonly more: More };

export type BrowserAction = BrowserBody["action"];

export type BrowserMessage = {
  /** False: a refusal, or a failure that `message` describes. */
  readonly ok: boolean;
  /** When it is not empty its receiver prints it, through `printable`. */
  readonly message: string;
  readonly body: BrowserBody;
};

export type Party = "browser" | "gateway" | "tracker";

/** Where a coordinator takes the WebSockets of gateways that dial it. */
export const gatewayPath = "/seed5/gateway";

/** Limits of every decoder of this wire. */
export const browserLimits = {
  /** UTF-8 bytes of one message, and so of one WebSocket frame, between browser and gateway and
   *  between gateway and tracker. */
  messageMaxBytes: 4 * 1024 * 1024,
  /** UTF-8 bytes of a browser's message: the gateway adds a uid before it passes it on. */
  fromBrowserMaxBytes: 4 * 1024 * 1024 - 1024,
  /** Characters of a browser's first message. */
  helloMax: 512 * 1024,
  /** Attempts in one task, and so reports in one finish. */
  attemptsMax: 1_024,
  /** Log lines, lines of progress and started tasks in one note, of each. */
  notesMax: 1_000,
  /** Nesting of objects and arrays. */
  depthMax: 32,
  /** Addresses in one `url`. */
  urlsMax: 20_000,
  /** Characters of one address. */
  urlMax: 8 * 1024,
  /** Characters of `message` and of `error`; longer ones are cut. */
  textMax: 8 * 1024,
} as const;
