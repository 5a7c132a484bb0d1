/** Reads the arguments of pickle's opcodes, one after the other. */
import { ClusterError } from "../../../core/error.ts";
import { textOf } from "../codec.ts";

/** Bytes of an int, and digits of one in text: Python itself refuses longer text. */
const intBytesMax = 1_000_000;
const intDigitsMax = 4_300;

export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.take(1)[0] as number;
  }

  skip(length: number): void {
    this.take(length);
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw pickleProblem("ends early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Little endian. */
  unsigned(length: 2 | 4 | 8): number {
    let value = 0;
    for (const [index, byte] of this.take(length).entries()) value += byte * 2 ** (8 * index);
    return value;
  }

  /** Two's complement, little endian. */
  signed(length: number): bigint {
    if (length > intBytesMax) throw pickleProblem(`has an int above ${intBytesMax} bytes`);
    if (length === 0) return 0n;
    const digits = [...this.take(length)]
      .reverse()
      .map((byte) => byte.toString(16).padStart(2, "0"));
    return BigInt.asIntN(8 * length, BigInt(`0x${digits.join("")}`));
  }

  float(): number {
    this.take(8);
    return this.#view.getFloat64(this.#at - 8, false);
  }

  text(length: number): string {
    return textOf(this.take(length));
  }

  ascii(length: number): string {
    const bytes = this.take(length);
    if (bytes.some((byte) => byte > 0x7f))
      throw pickleProblem("has a str of Python 2 beyond ASCII");
    return textOf(bytes);
  }

  decimal(): number {
    const line = this.#line();
    if (!/^[0-9]{1,9}$/.test(line)) throw pickleProblem("has a memo that is not a number");
    return Number(line);
  }

  /** `00` and `01` are the bools of protocol 0. */
  intLine(): bigint | boolean {
    const line = this.#line();
    if (line === "00" || line === "01") return line === "01";
    const [, digits] = /^(-?[0-9]+)L?$/.exec(line) ?? [];
    if (digits === undefined || digits.length > intDigitsMax) {
      throw pickleProblem("has a malformed or too long int");
    }
    return BigInt(digits);
  }

  floatLine(): number {
    const line = this.#line().toLowerCase();
    if (line === "nan") return Number.NaN;
    if (/^-?inf$/.test(line)) return line === "inf" ? Infinity : -Infinity;
    if (!/^-?[0-9.]+(e[-+]?[0-9]+)?$/.test(line) || Number.isNaN(Number(line))) {
      throw pickleProblem("has a malformed float");
    }
    return Number(line);
  }

  /** Latin-1 with `\uXXXX` and `\UXXXXXXXX`, as protocol 0 writes str. */
  rawUnicodeLine(): string {
    return this.#line().replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (all, short, long) => {
      const point = Number.parseInt(short ?? long, 16);
      if (point > 0x10_ffff) throw pickleProblem(`has the character ${all}`);
      return String.fromCodePoint(point);
    });
  }

  /** Accepts only strings that need no escape. */
  quotedLine(): string {
    const found = /^'([^'\\]*)'$|^"([^"\\]*)"$/.exec(this.#line());
    const text = found?.[1] ?? found?.[2];
    if (text === undefined || !/^[\u0000-\u007f]*$/.test(text)) {
      throw pickleProblem("has a str of Python 2 with escapes");
    }
    return text;
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw pickleProblem("ends early");
    const bytes = this.take(end - this.#at);
    this.#at += 1;
    let text = "";
    for (let at = 0; at < bytes.length; at += 4_096) {
      text += String.fromCharCode(...bytes.subarray(at, at + 4_096));
    }
    return text;
  }
}

export function pickleProblem(what: string): ClusterError {
  return new ClusterError("protocol-violated", `the pickle ${what}`);
}
