/** The client's side: reads the answers on one connection, in whatever pieces they arrive. */
import { ClusterError } from "../../core/error.ts";
import { listBytesMax, listLengthMax } from "./limits.ts";
import { type ConnectedUser, type Operation, type Outcome, rules } from "./messages.ts";
import { readPort } from "./names.ts";
import { Arrived } from "./strings.ts";

export type Answer = {
  readonly outcome: Outcome;
  /** Of LIST_USERS. */
  readonly users: readonly ConnectedUser[];
  /** Of LIST_CONTENT. */
  readonly paths: readonly string[];
};

/** Strings of one line of a list; 0 = no list follows. */
function lineLength(operation: Operation): number {
  if (operation === "LIST_USERS") return 3;
  return operation === "LIST_CONTENT" ? 1 : 0;
}

export class AnswerReader {
  readonly #operation: Operation;
  readonly #arrived = new Arrived();
  readonly #strings: string[] = [];
  #outcome: Outcome | null = null;
  /** Strings that are still to come; null until the count has arrived. */
  #due: number | null = null;
  #takenBytes = 0;

  constructor(operation: Operation) {
    this.#operation = operation;
  }

  /** Null when more must come. Throws `protocol-violated` when the bytes are not an answer. */
  push(bytes: Uint8Array): Answer | null {
    this.#takenBytes += bytes.length;
    if (this.#takenBytes > listBytesMax) throw violated(`a list has above ${listBytesMax} bytes`);
    this.#arrived.push(bytes);
    if (this.#outcome === null) {
      const byte = this.#arrived.byte();
      if (byte === null) return null;
      this.#outcome = outcomeOf(this.#operation, byte);
    }
    const perLine = lineLength(this.#operation);
    if (this.#outcome === "ok" && perLine > 0 && !this.#readList(perLine)) return null;
    return this.#answer();
  }

  /** The connection has ended. An answer without a byte counts as `other`: one existing server does
   *  this when it refuses to list. */
  end(): Answer {
    if (this.#outcome === null) return { outcome: "other", users: [], paths: [] };
    throw violated("the answer ends before its list does");
  }

  #readList(perLine: number): boolean {
    for (;;) {
      if (this.#due === 0) return true;
      const text = this.#arrived.string();
      if (text === null) return false;
      if (this.#due !== null) {
        this.#strings.push(text);
        this.#due -= 1;
      } else {
        const count = /^[0-9]{1,7}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
        if (count > listLengthMax)
          throw violated("the length of the list is not a decimal up to 1e6");
        this.#due = count * perLine;
      }
    }
  }

  #answer(): Answer {
    const outcome = this.#outcome!;
    if (this.#operation !== "LIST_USERS") return { outcome, users: [], paths: this.#strings };
    const users: ConnectedUser[] = [];
    for (let at = 0; at < this.#strings.length; at += 3) {
      const [name = "", host = "", text = ""] = this.#strings.slice(at, at + 3);
      // A line without a valid port is still a connected user.
      users.push({ name, host, port: readPort(text) ?? 0 });
    }
    return { outcome, users, paths: [] };
  }
}

export type FileHead = {
  readonly outcome: Outcome;
  /** Null when the peer sends no size: the file ends where the connection does. */
  readonly sizeBytes: number | null;
  /** The first bytes of the file, which came along. */
  readonly rest: Uint8Array;
};

/** Digits of 2^53, and their NUL. */
const sizeTextBytesMax = 17;
/** So many digits are no size, whatever comes after them. */
const digitsMax = 1_024;

/** Reads what comes before the bytes of a file. One existing client sends no size: after its 0 the
 *  content begins, which is recognised where it does not look like a size. */
export class FileHeadReader {
  readonly #arrived = new Arrived();
  #outcome: Outcome | null = null;

  /** Null when more must come. Throws `protocol-violated` when the bytes are not an answer. */
  push(bytes: Uint8Array): FileHead | null {
    this.#arrived.push(bytes);
    if (this.#outcome === null) {
      const byte = this.#arrived.byte();
      if (byte === null) return null;
      this.#outcome = outcomeOf("GET_FILE", byte);
    }
    const outcome = this.#outcome;
    if (outcome !== "ok") return { outcome, sizeBytes: 0, rest: new Uint8Array(0) };
    const kind = lookOf(this.#arrived.first(digitsMax));
    if (kind === "undecided") return null;
    if (kind === "content") return { outcome, sizeBytes: null, rest: this.#arrived.rest() };
    const text = this.#arrived.string();
    const sizeBytes = text !== null && /^[0-9]{1,16}$/.test(text) ? Number(text) : Infinity;
    if (sizeBytes > Number.MAX_SAFE_INTEGER) {
      throw violated("the size of the file is not a decimal below 2^53");
    }
    return { outcome, sizeBytes, rest: this.#arrived.rest() };
  }

  /** Nothing more comes for now. Null when what came may be a size that was cut short. */
  end(): FileHead | null {
    const isContent =
      this.#outcome === "ok" && !/^[0-9]*$/.test(text(this.#arrived.first(digitsMax)));
    return isContent ? { outcome: "ok", sizeBytes: null, rest: this.#arrived.rest() } : null;
  }
}

/** What follows the result 0, by its first bytes. A short printable text with its NUL is meant as a
 *  size, also when it is none, and so are more digits than a size can have with a NUL after them;
 *  before anything else they are content. */
function lookOf(arrived: Uint8Array): "size" | "content" | "undecided" {
  const first = arrived.subarray(0, sizeTextBytesMax);
  const nul = first.indexOf(0);
  const start = text(nul === -1 ? first : first.subarray(0, nul));
  if (!/^[ -~]*$/.test(start)) return "content";
  if (nul !== -1) return "size";
  if (first.length < sizeTextBytesMax) return "undecided";
  const after = arrived.find((byte) => byte < 0x30 || byte > 0x39);
  if (after === 0) return "size";
  return after === undefined && arrived.length < digitsMax ? "undecided" : "content";
}

/** Bytes as characters. */
function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function outcomeOf(operation: Operation, byte: number): Outcome {
  const outcome = rules[operation].outcomes[byte];
  if (outcome !== undefined) return outcome;
  const hint = byte >= 0x30 && byte <= 0x39 ? ", the peer answers in ASCII digits" : "";
  throw violated(`${byte} is not a result of ${operation}${hint}`);
}

function violated(what: string): ClusterError {
  return new ClusterError("protocol-violated", what);
}
