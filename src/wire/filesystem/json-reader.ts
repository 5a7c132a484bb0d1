/** Reads JSON as Python's `json.loads` does: ints of any size, 1.0 stays a float, NaN and Infinity
 *  are numbers. Objects become Maps, so a key such as `__proto__` is only a key. */
import { ClusterError } from "../../core/error.ts";
import { depthMax, valuesMax } from "./limits.ts";
import { PyFloat, type PyValue } from "./value.ts";

/** Throws `protocol-violated` when the text is not JSON, or exceeds the limits. */
export function readJson(text: string): PyValue {
  return new JsonReader(text).whole();
}

const words = new Map<string, PyValue>([
  ["null", null],
  ["true", true],
  ["false", false],
  ["NaN", new PyFloat(Number.NaN)],
  ["Infinity", new PyFloat(Number.POSITIVE_INFINITY)],
  ["-Infinity", new PyFloat(Number.NEGATIVE_INFINITY)],
]);
const blank = /[ \t\n\r]*/y;
const word = /-?[A-Za-z]+/y;
const number = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
/** Python refuses to read longer ints from text. */
const intDigitsMax = 4_300;

class JsonReader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): PyValue {
    const value = this.#value(0);
    this.#take(blank);
    if (this.#at < this.#text.length) throw this.#bad("has more after its end");
    return value;
  }

  #value(depth: number): PyValue {
    if (depth > depthMax) throw this.#bad(`is nested deeper than ${depthMax}`);
    this.#values += 1;
    if (this.#values > valuesMax) throw this.#bad(`has more than ${valuesMax} values`);
    this.#take(blank);
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    return this.#number() ?? this.#word();
  }

  #object(depth: number): PyValue {
    const entries = new Map<PyValue, PyValue>();
    this.#at += 1;
    if (this.#ends("}")) return entries;
    do {
      this.#take(blank);
      const key = this.#string();
      this.#take(blank);
      this.#expect(":");
      entries.set(key, this.#value(depth + 1));
    } while (this.#goesOn("}"));
    return entries;
  }

  #array(depth: number): PyValue {
    const items: PyValue[] = [];
    this.#at += 1;
    if (this.#ends("]")) return items;
    do items.push(this.#value(depth + 1));
    while (this.#goesOn("]"));
    return items;
  }

  #ends(close: string): boolean {
    this.#take(blank);
    if (this.#text[this.#at] !== close) return false;
    this.#at += 1;
    return true;
  }

  #goesOn(close: string): boolean {
    if (this.#ends(close)) return false;
    this.#expect(",");
    return true;
  }

  #string(): string {
    const start = this.#at;
    const end = this.#text[start] === '"' ? this.#closingQuote(start) : -1;
    if (end < 0) throw this.#bad("has no string where one must be");
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, end + 1)) as string;
    } catch {
      throw this.#bad("has a string with a bad escape or control character");
    }
  }

  /** By hand: a regular expression would need a stack as deep as the string is long. */
  #closingQuote(start: number): number {
    for (
      let at = this.#text.indexOf('"', start + 1);
      at >= 0;
      at = this.#text.indexOf('"', at + 1)
    ) {
      let escapes = 0;
      while (this.#text[at - 1 - escapes] === "\\") escapes += 1;
      if (escapes % 2 === 0) return at;
    }
    return -1;
  }

  #number(): PyValue | undefined {
    const found = this.#take(number);
    if (found === null) return undefined;
    const [digits, fraction, exponent] = found;
    if (fraction !== undefined || exponent !== undefined) return new PyFloat(Number(digits));
    if (digits.length > intDigitsMax) throw this.#bad(`has an int above ${intDigitsMax} digits`);
    return BigInt(digits);
  }

  #word(): PyValue {
    const found = this.#take(word)?.[0] ?? "";
    const value = words.get(found);
    if (value === undefined) throw this.#bad("has no value where one must be");
    return value;
  }

  #expect(sign: string): void {
    if (this.#text[this.#at] !== sign) throw this.#bad(`lacks a ${sign}`);
    this.#at += 1;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #bad(what: string): ClusterError {
    return new ClusterError("protocol-violated", `the JSON ${what}, at character ${this.#at}`);
  }
}
