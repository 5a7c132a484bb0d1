/** Who may ask what, with which strings and results, and when: the whole grammar of the console
 *  protocol in one table. */

/** What a result byte means; `other` is the last byte of each operation. */
export type Outcome =
  | "ok"
  | "name-in-use"
  | "no-user"
  | "connected-already"
  | "not-connected"
  | "published-already"
  | "not-published"
  | "no-remote-user"
  | "no-file"
  | "other";

/** What the server knows of the user that an operation names: absent: not registered · registered ·
 *  connected: it has sent the address that serves its files. */
export type UserState = "absent" | "registered" | "connected";

type Rule = {
  /** Who is asked: the server, or another user's client. */
  readonly of: "server" | "client";
  /** After the operation and the date-time. */
  readonly strings: readonly ("user" | "port" | "path" | "description" | "remote")[];
  /** By result byte. */
  readonly outcomes: readonly Outcome[];
  /** The result in a state of the user in which it is not performed. */
  readonly barred: Partial<Readonly<Record<UserState, Outcome>>>;
};

const ofUsers = { absent: "no-user" } as const;
const ofConnected = { absent: "no-user", registered: "not-connected" } as const;

/** The order is that of the document, then that of existing implementations. */
export const rules = {
  REGISTER: {
    of: "server",
    strings: ["user"],
    outcomes: ["ok", "name-in-use", "other"],
    // A name may also be that of a member that is no user: registering it is tried, and refused.
    barred: {},
  },
  UNREGISTER: {
    of: "server",
    strings: ["user"],
    outcomes: ["ok", "no-user", "other"],
    barred: ofUsers,
  },
  CONNECT: {
    of: "server",
    strings: ["user", "port"],
    outcomes: ["ok", "no-user", "connected-already", "other"],
    // A user that is connected may have died: that is looked at first.
    barred: ofUsers,
  },
  PUBLISH: {
    of: "server",
    strings: ["user", "path", "description"],
    outcomes: ["ok", "no-user", "not-connected", "published-already", "other"],
    barred: ofConnected,
  },
  DELETE: {
    of: "server",
    strings: ["user", "path"],
    outcomes: ["ok", "no-user", "not-connected", "not-published", "other"],
    barred: ofConnected,
  },
  LIST_USERS: {
    of: "server",
    strings: ["user"],
    outcomes: ["ok", "no-user", "not-connected", "other"],
    barred: ofConnected,
  },
  LIST_CONTENT: {
    of: "server",
    strings: ["user", "remote"],
    outcomes: ["ok", "no-user", "not-connected", "no-remote-user", "other"],
    barred: ofConnected,
  },
  DISCONNECT: {
    of: "server",
    strings: ["user"],
    outcomes: ["ok", "no-user", "not-connected", "other"],
    barred: ofConnected,
  },
  /** The server knows nothing of it. */
  GET_FILE: { of: "client", strings: ["path"], outcomes: ["ok", "no-file", "other"], barred: {} },
} as const satisfies Readonly<Record<string, Rule>>;

export type Operation = keyof typeof rules;

export const operations = Object.keys(rules) as readonly Operation[];

/** The result of the operation that is not performed in this state; null = it is performed. */
export function barredBy(operation: Operation, state: UserState): Outcome | null {
  const { barred }: Rule = rules[operation];
  return barred[state] ?? null;
}

export function isOperation(text: string): text is Operation {
  return Object.hasOwn(rules, text);
}

/** The byte that stands for an outcome; for one that the operation does not know, that of `other`.
 */
export function resultByte(operation: Operation, outcome: Outcome): number {
  const outcomes: readonly Outcome[] = rules[operation].outcomes;
  const byte = outcomes.indexOf(outcome);
  return byte === -1 ? outcomes.length - 1 : byte;
}

/** What is answered when not even the operation can be read: `other` of REGISTER. */
export const unreadableByte = 2;
