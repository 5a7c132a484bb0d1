/** What users of the console say: the requests; `legality.ts` has which there are.
 *
 *  One TCP connection carries one operation: `OP\0`, in most clients a date-time and `\0`, the
 *  strings of the operation each with its `\0`; the answer is one raw byte, after a 0 a list. */

import type { Operation } from "./legality.ts";

export {
  isOperation,
  type Operation,
  type Outcome,
  operations,
  resultByte,
  rules,
  unreadableByte,
} from "./legality.ts";

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
