/** Reads JSON as this protocol needs it: whole numbers keep all their digits, a repeated key is an
 *  error, objects have no prototype, and nesting deeper than `depthMax` is refused. */
import { ClusterError } from "../../core/error.ts";

/** A whole number that a double cannot hold is a bigint. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** For `JSON.stringify`, which does not accept bigints: only a uid needs all of its digits. */
export function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

/** As `JSON.stringify`, with bigints as numbers. They are rare, and a replacer, which is called for
 *  each value of thousands of reports, takes longer than all the rest. */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return JSON.stringify(value, withoutBigints);
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const hexPattern = /[0-9a-fA-F]{4}/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};
/** Refused as keys: they would have a special meaning in code that copies the object. */
const forbidden = new Set(["__proto__", "constructor", "prototype"]);

export function parseJson(text: string, depthMax: number): JsonValue {
  const reader = new Reader(text, depthMax);
  const value = reader.value(0);
  reader.blanks();
  if (reader.at !== text.length) throw reader.wrong("something follows the value");
  return value;
}

class Reader {
  at = 0;
  readonly #text: string;
  readonly #depthMax: number;

  constructor(text: string, depthMax: number) {
    this.#text = text;
    this.#depthMax = depthMax;
  }

  wrong(what: string): ClusterError {
    return new ClusterError("protocol-violated", `not JSON at character ${this.at}: ${what}`);
  }

  /** By hand, like the texts below: a regular expression takes several times as long for a few
   *  characters. */
  blanks(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x09 && unit !== 0x0a && unit !== 0x0d) return;
      this.at++;
    }
  }

  /** Everything up to a quote, a backslash or a control character. */
  #plain(): string {
    const from = this.at;
    let at = from;
    for (; at < this.#text.length; at++) {
      const unit = this.#text.charCodeAt(at);
      if (unit === 0x22 || unit === 0x5c || unit < 0x20) break;
    }
    this.at = at;
    return this.#text.slice(from, at);
  }

  value(depth: number): JsonValue {
    this.blanks();
    const first = this.#text[this.at];
    if (first === "{" || first === "[") {
      if (depth >= this.#depthMax) throw this.wrong(`nested deeper than ${this.#depthMax}`);
      this.at++;
      return first === "{" ? this.#object(depth + 1) : this.#array(depth + 1);
    }
    if (first === '"') return this.#string();
    if (first === "t") return this.#word("true", true);
    if (first === "f") return this.#word("false", false);
    if (first === "n") return this.#word("null", null);
    return this.#number();
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.at = pattern.lastIndex;
    return found;
  }

  /** Consumes the character if it comes next. */
  #take(character: string): boolean {
    this.blanks();
    if (this.#text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.at)) throw this.wrong("no value starts like this");
    this.at += word.length;
    return value;
  }

  #number(): number | bigint {
    const found = this.#match(numberPattern);
    if (found === null) throw this.wrong("no value starts like this");
    const [digits, fraction, exponent] = found;
    const value = Number(digits);
    if (!Number.isFinite(value)) throw this.wrong("a number that is too large for a double");
    const isWhole = fraction === undefined && exponent === undefined;
    return isWhole && !Number.isSafeInteger(value) ? BigInt(digits) : value;
  }

  #string(): string {
    this.at++;
    let value = "";
    for (;;) {
      value += this.#plain();
      const next = this.#text[this.at];
      if (next === '"') break;
      if (next !== "\\") throw this.wrong("a string does not end");
      this.at++;
      value += this.#escape();
    }
    this.at++;
    if (!value.isWellFormed()) throw this.wrong("half of a surrogate pair");
    return value;
  }

  #escape(): string {
    const letter = this.#text[this.at++] ?? "";
    if (letter === "u") {
      const hex = this.#match(hexPattern);
      if (hex === null) throw this.wrong("an invalid escape");
      return String.fromCharCode(Number.parseInt(hex[0], 16));
    }
    const character = escapes[letter];
    if (character === undefined) throw this.wrong("an invalid escape");
    return character;
  }

  #array(depth: number): JsonValue[] {
    const values: JsonValue[] = [];
    if (this.#take("]")) return values;
    do values.push(this.value(depth));
    while (this.#take(","));
    if (!this.#take("]")) throw this.wrong("an array does not end");
    return values;
  }

  #object(depth: number): { readonly [name: string]: JsonValue } {
    const value: Record<string, JsonValue> = Object.create(null);
    if (this.#take("}")) return value;
    do {
      this.blanks();
      if (this.#text[this.at] !== '"') throw this.wrong("a key must be a string");
      const key = this.#string();
      if (forbidden.has(key)) throw this.wrong(`the key ${key} is not allowed`);
      if (key in value) throw this.wrong("a key is repeated");
      if (!this.#take(":")) throw this.wrong("a colon must follow a key");
      value[key] = this.value(depth);
    } while (this.#take(","));
    if (!this.#take("}")) throw this.wrong("an object does not end");
    return value;
  }
}
