/** The messages of the console protocol: every operation with its strings and its result bytes.
 *
 *  One TCP connection carries one operation: `OP\0`, in most clients a date-time and `\0`, the
 *  strings of the operation each with its `\0`; the answer is one raw byte, after a 0 a list. */

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

type Rule = {
  /** After the operation and the date-time. */
  readonly strings: readonly ("user" | "port" | "path" | "description" | "remote")[];
  /** By result byte. */
  readonly outcomes: readonly Outcome[];
};

/** Requests to the server. In the order of the protocol's document, then of existing
 *  implementations. */
export const rules = {
  REGISTER: { strings: ["user"], outcomes: ["ok", "name-in-use", "other"] },
  UNREGISTER: { strings: ["user"], outcomes: ["ok", "no-user", "other"] },
  CONNECT: {
    strings: ["user", "port"],
    outcomes: ["ok", "no-user", "connected-already", "other"],
  },
  PUBLISH: {
    strings: ["user", "path", "description"],
    outcomes: ["ok", "no-user", "not-connected", "published-already", "other"],
  },
  DELETE: {
    strings: ["user", "path"],
    outcomes: ["ok", "no-user", "not-connected", "not-published", "other"],
  },
  LIST_USERS: { strings: ["user"], outcomes: ["ok", "no-user", "not-connected", "other"] },
  LIST_CONTENT: {
    strings: ["user", "remote"],
    outcomes: ["ok", "no-user", "not-connected", "no-remote-user", "other"],
  },
  DISCONNECT: { strings: ["user"], outcomes: ["ok", "no-user", "not-connected", "other"] },
  /** A request to another user's client; the server does not know it. */
  GET_FILE: { strings: ["path"], outcomes: ["ok", "no-file", "other"] },
} as const satisfies Readonly<Record<string, Rule>>;

export type Operation = keyof typeof rules;

export const operations = Object.keys(rules) as readonly Operation[];

/** GET_FILE goes from client to client, all others from client to server. */
export type ServerOperation = Exclude<Operation, "GET_FILE">;

export type ConsoleRequest =
  | {
      readonly operation: "REGISTER" | "UNREGISTER" | "LIST_USERS" | "DISCONNECT";
      readonly user: string;
    }
  /** The host is the connection's address, never one that the client names. */
  | { readonly operation: "CONNECT"; readonly user: string; readonly port: number }
  | {
      readonly operation: "PUBLISH";
      readonly user: string;
      readonly path: string;
      readonly description: string;
    }
  | { readonly operation: "DELETE"; readonly user: string; readonly path: string }
  | { readonly operation: "LIST_CONTENT"; readonly user: string; readonly remote: string };

export type FileRequest = { readonly operation: "GET_FILE"; readonly path: string };

/** A line of LIST_USERS. */
export type ConnectedUser = { readonly name: string; readonly host: string; readonly port: number };

/** Whether the string after the operation is a date-time: detected, always or never. */
export type DateTimeUse = "detect" | "always" | "never";

export function isOperation(text: string): text is Operation {
  return Object.hasOwn(rules, text);
}

/** The byte for an outcome; for one that the operation does not have, that of `other`. */
export function resultByte(operation: Operation, outcome: Outcome): number {
  const outcomes: readonly Outcome[] = rules[operation].outcomes;
  const byte = outcomes.indexOf(outcome);
  return byte === -1 ? outcomes.length - 1 : byte;
}

/** The answer when not even the operation can be read: `other` of REGISTER. */
export const unreadableByte = 2;
