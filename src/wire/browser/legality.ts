/** Who may send what, over which connection and when: the whole grammar of the browser protocol in
 *  one table. */
import { ClusterError } from "../../core/error.ts";
import type { BrowserAction, Party } from "./messages.ts";

/** Who sends and who receives. */
export type Way = "browser>gateway" | "gateway>browser" | "tracker>gateway" | "gateway>tracker";

/** What a connection has shown to be, as its gateway knows: new: nothing yet · browser: it has
 *  connected · left: a browser that has sent goodbye, was not taken, came by another connection, or
 *  whose page is closed · tracker. */
export type ConnectionState = "new" | "browser" | "left" | "tracker";

type Rule = {
  /** As the document has it. */
  readonly ways: readonly Way[];
  /** Ours: from and to those that have shown a `more` of their own. */
  readonly ours?: readonly Way[];
  /** Where it comes back as a refusal (status 0). */
  readonly refusals?: readonly Way[];
  /** States of the connection in which its gateway takes it. */
  readonly states: readonly ConnectionState[];
  /** What the sender did wrong in the other states. */
  readonly otherwise?: string;
};

const everyWay: readonly Way[] = [
  "browser>gateway",
  "gateway>browser",
  "tracker>gateway",
  "gateway>tracker",
];
const everyState: readonly ConnectionState[] = ["new", "browser", "left", "tracker"];
const notConnected = "connect first";
const notTracker = "only the tracker may send this";

export const rules: Readonly<Record<BrowserAction, Rule>> = {
  connect: {
    ways: ["browser>gateway", "gateway>tracker"],
    refusals: ["gateway>browser"],
    states: ["new"],
    otherwise: "it has connected already",
  },
  /** Of a browser that has not connected it changes nothing. */
  disconnect: { ways: ["gateway>tracker"], ours: ["browser>gateway"], states: everyState },
  error: {
    ways: ["browser>gateway", "gateway>tracker"],
    refusals: ["gateway>browser"],
    states: ["browser"],
    otherwise: notConnected,
  },
  finish: {
    ways: ["browser>gateway", "gateway>tracker"],
    states: ["browser"],
    otherwise: notConnected,
  },
  task: {
    ways: ["gateway>browser", "tracker>gateway"],
    states: ["tracker"],
    otherwise: notTracker,
  },
  /** A browser's is refused in its own words, as is a second tracker's. */
  tracker: {
    ways: ["tracker>gateway"],
    refusals: ["gateway>browser", "gateway>tracker"],
    states: everyState,
  },
  ping: { ways: everyWay, states: everyState },
  pong: { ways: everyWay, states: everyState },
  welcome: {
    ways: [],
    ours: ["gateway>browser", "tracker>gateway"],
    states: ["tracker"],
    otherwise: notTracker,
  },
  ack: {
    ways: [],
    ours: ["gateway>browser", "tracker>gateway"],
    states: ["tracker"],
    otherwise: notTracker,
  },
  abort: {
    ways: [],
    ours: ["gateway>browser", "tracker>gateway"],
    states: ["tracker"],
    otherwise: notTracker,
  },
  /** No gateway is sent one. */
  note: { ways: [], ours: ["gateway>tracker"], states: [], otherwise: "note is not for here" },
};

/** Whether the action may come that way at all; `action` may be any text. */
export function isLegal(action: string, from: Party, to: Party): action is BrowserAction {
  if (!Object.hasOwn(rules, action)) return false;
  const { ours = [], refusals = [], ways } = rules[action as BrowserAction];
  return [ways, ours, refusals].some((list) => (list as string[]).includes(`${from}>${to}`));
}

/** Throws `protocol-violated` when a gateway may not take the action in this state. */
export function mustBeLegal(action: BrowserAction, state: ConnectionState): void {
  const { otherwise, states } = rules[action];
  if (!states.includes(state)) {
    throw new ClusterError("protocol-violated", `bad message: ${otherwise}`);
  }
}
