/** The server's side: what one connection has sent so far, and whether it is a complete request.
 *
 *  1. Bytes may arrive in any pieces; up to the last string the result does not depend on them.
 *  2. Once the result is not `more` it never changes: further bytes are ignored.
 *  3. Nothing is done by halves: a request is complete, or it is `malformed` and only answered. */
import { ClusterError } from "../../core/error.ts";
import { looksLikeDateTime } from "./date-time.ts";
import {
  type ConsoleRequest,
  type DateTimeUse,
  type FileRequest,
  isOperation,
  type Operation,
  rules,
} from "./messages.ts";
import { pathProblem, readPort, userNameProblem } from "./names.ts";
import { Arrived } from "./strings.ts";

export type Reading =
  /** `doubtful`: it may be complete already, so do not wait long. */
  | { readonly kind: "more"; readonly doubtful: boolean }
  | {
      readonly kind: "request";
      readonly request: ConsoleRequest | FileRequest;
      readonly dateTime: string | null;
    }
  /** Answered with `other` of the operation, or `unreadableByte` when there is none. */
  | {
      readonly kind: "malformed";
      readonly operation: Operation | null;
      /** If it was received; "" otherwise. */
      readonly user: string;
      readonly why: string;
    };

export class RequestReader {
  readonly #dateTimeUse: DateTimeUse;
  readonly #arrived = new Arrived();
  readonly #strings: string[] = [];
  #operation: Operation | null = null;
  #reading: Reading = { kind: "more", doubtful: false };

  constructor(dateTimeUse: DateTimeUse = "detect") {
    this.#dateTimeUse = dateTimeUse;
  }

  push(bytes: Uint8Array): Reading {
    if (this.#reading.kind !== "more") return this.#reading;
    this.#arrived.push(bytes);
    try {
      this.#reading = this.#read();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      this.#reading = this.#malformed(error.text);
    }
    return this.#reading;
  }

  /** No more bytes will come: the connection was closed, or is silent. */
  end(): Reading {
    if (this.#reading.kind === "more") this.#reading = this.#ended();
    return this.#reading;
  }

  #read(): Reading {
    for (;;) {
      if (this.#operation !== null && this.#strings.length === this.#due()) return this.#whole();
      const next = this.#arrived.string();
      if (next === null) return { kind: "more", doubtful: this.#isDoubtful() };
      if (this.#operation === null) this.#operation = operationOf(next);
      else this.#strings.push(next);
    }
  }

  /** A path that looks like a date-time is read as one only if another string follows. */
  #ended(): Reading {
    const isPath = this.#operation === "GET_FILE" && this.#strings.length === 1;
    if (isPath && this.#arrived.length === 0 && this.#dateTimeUse === "detect") {
      return this.#checked(null, this.#strings);
    }
    return this.#malformed("it ends early");
  }

  /** Number of strings that must follow the operation. */
  #due(): number {
    return rules[this.#operation!].strings.length + (this.#hasDateTime() ? 1 : 0);
  }

  #hasDateTime(): boolean {
    if (this.#dateTimeUse !== "detect") return this.#dateTimeUse === "always";
    const [first] = this.#strings;
    if (first === undefined) return false;
    if (this.#operation === "GET_FILE") return looksLikeDateTime(first);
    // Neither can be a user: some clients send another form of date, or only its NUL.
    return first === "" || first.includes(" ");
  }

  #isDoubtful(): boolean {
    const [first] = this.#strings;
    if (this.#dateTimeUse !== "detect" || first === undefined || !this.#hasDateTime()) return false;
    return this.#operation === "GET_FILE" || !looksLikeDateTime(first);
  }

  #whole(): Reading {
    // Some clients end with one NUL too many.
    if (this.#arrived.rest().some((byte) => byte !== 0)) {
      return this.#malformed("there are more strings than it has");
    }
    if (!this.#hasDateTime()) return this.#checked(null, this.#strings);
    return this.#checked(this.#strings[0]!, this.#strings.slice(1));
  }

  #checked(dateTime: string | null, strings: readonly string[]): Reading {
    const operation = this.#operation!;
    if (operation === "GET_FILE") {
      return { kind: "request", dateTime, request: { operation, path: strings[0]! } };
    }
    const [user = "", second = "", third = ""] = strings;
    const problem = userNameProblem(user);
    if (problem !== null) return this.#malformed(`the user's name ${problem}`);
    const whole = (request: ConsoleRequest): Reading => ({ kind: "request", dateTime, request });
    switch (operation) {
      case "CONNECT": {
        const port = readPort(second);
        if (port === null) return this.#malformed("its port is not a decimal from 1 to 65535");
        return whole({ operation, user, port });
      }
      case "PUBLISH": {
        const badPath = pathProblem(second);
        if (badPath !== null) return this.#malformed(`its path ${badPath}`);
        return whole({ operation, user, path: second, description: third });
      }
      case "DELETE":
        return whole({ operation, user, path: second });
      case "LIST_CONTENT":
        return whole({ operation, user, remote: second });
      default:
        return whole({ operation, user });
    }
  }

  #malformed(why: string): Reading {
    const user = this.#strings[this.#hasDateTime() ? 1 : 0] ?? "";
    const operation = this.#operation;
    return { kind: "malformed", operation, user: operation === "GET_FILE" ? "" : user, why };
  }
}

/** `LIST_USERS` and `LIST USERS` are one. */
function operationOf(text: string): Operation {
  const name = text.replace(" ", "_");
  if (isOperation(name)) return name;
  const shown = JSON.stringify(text.slice(0, 40));
  throw new ClusterError("protocol-violated", `unknown operation ${shown}`);
}
