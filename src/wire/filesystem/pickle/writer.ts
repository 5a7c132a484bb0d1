/** Writes pickles of protocol 4, as Python 3.8 and later do by default, with a single frame. */
import { ClusterError } from "../../../core/error.ts";
import { bytesOf } from "../codec.ts";
import { depthMax, pickleBytesMax } from "../limits.ts";
import { PyFloat, PyTuple, type PyValue } from "../value.ts";
import { op } from "./opcodes.ts";

/** Throws `limit-exceeded` above the limits on bytes and depth. */
export function writePickle(value: PyValue): Uint8Array {
  const body = new Writer();
  body.value(value, 0);
  body.byte(op.stop);
  const bytes = body.done();
  const whole = new Uint8Array(bytes.length + 11);
  whole.set([op.proto, 4, op.frame]);
  new DataView(whole.buffer).setBigUint64(3, BigInt(bytes.length), true);
  whole.set(bytes, 11);
  return whole;
}

/** Items between two marks, as in Python. */
const batch = 1_000;

class Writer {
  #bytes = new Uint8Array(256);
  #length = 0;

  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  value(value: PyValue, depth: number): void {
    if (depth > depthMax) throw tooLarge(`is nested deeper than ${depthMax}`);
    if (value === null) this.byte(op.none);
    else if (typeof value === "boolean") this.byte(value ? op.newTrue : op.newFalse);
    else if (typeof value === "bigint") this.#int(value);
    else if (typeof value === "string") this.#string(value);
    else if (value instanceof Uint8Array) {
      this.#sized(value, [op.shortBinbytes, op.binbytes]);
    } else if (value instanceof PyFloat) this.#float(value.value);
    else if (value instanceof PyTuple) this.#tuple(value.items, depth);
    else if (value instanceof Map) this.#dict(value, depth);
    else this.#list(value as readonly PyValue[], depth);
  }

  #int(value: bigint): void {
    if (value >= 0n && value < 0x100n) return this.#numbers([op.binint1, Number(value)]);
    if (value >= 0n && value < 0x1_0000n) {
      return this.#numbers([op.binint2, Number(value) & 0xff, Number(value) >> 8]);
    }
    if (BigInt.asIntN(32, value) === value) {
      return this.#numbers([op.binint, ...little(value, 4)]);
    }
    const length = signedLength(value);
    if (length < 256) this.#numbers([op.long1, length]);
    else this.#numbers([op.long4, ...little(BigInt(length), 4)]);
    this.#raw(Uint8Array.from(little(value, length)));
  }

  #float(value: number): void {
    const bytes = new Uint8Array(9);
    bytes[0] = op.binfloat;
    new DataView(bytes.buffer).setFloat64(1, value, false);
    this.#raw(bytes);
  }

  /** Halves of a surrogate pair would need Python's `surrogatepass`: they become U+FFFD. */
  #string(text: string): void {
    this.#sized(bytesOf(text), [op.shortBinunicode, op.binunicode]);
  }

  #sized(bytes: Uint8Array, [short, long]: readonly [number, number]): void {
    if (bytes.length < 256) this.#numbers([short, bytes.length]);
    else this.#numbers([long, ...little(BigInt(bytes.length), 4)]);
    this.#raw(bytes);
    this.byte(op.memoize);
  }

  #tuple(items: readonly PyValue[], depth: number): void {
    if (items.length === 0) return this.byte(op.emptyTuple);
    if (items.length > 3) this.byte(op.mark);
    for (const item of items) this.value(item, depth + 1);
    this.byte([op.emptyTuple, op.tuple1, op.tuple2, op.tuple3][items.length] ?? op.tuple);
    this.byte(op.memoize);
  }

  #list(items: readonly PyValue[], depth: number): void {
    this.#numbers([op.emptyList, op.memoize]);
    for (let at = 0; at < items.length; at += batch) {
      const part = items.slice(at, at + batch);
      if (part.length > 1) this.byte(op.mark);
      for (const item of part) this.value(item, depth + 1);
      this.byte(part.length > 1 ? op.appends : op.append);
    }
  }

  #dict(entries: ReadonlyMap<PyValue, PyValue>, depth: number): void {
    this.#numbers([op.emptyDict, op.memoize]);
    const all = [...entries];
    for (let at = 0; at < all.length; at += batch) {
      const part = all.slice(at, at + batch);
      if (part.length > 1) this.byte(op.mark);
      for (const [key, one] of part) {
        this.value(key, depth + 1);
        this.value(one, depth + 1);
      }
      this.byte(part.length > 1 ? op.setitems : op.setitem);
    }
  }

  #numbers(bytes: readonly number[]): void {
    this.#raw(Uint8Array.from(bytes));
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed > pickleBytesMax) throw tooLarge(`is above ${pickleBytesMax} bytes`);
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.done());
    this.#bytes = grown;
  }
}

function little(value: bigint, length: number): number[] {
  let rest = value;
  return Array.from({ length }, () => {
    const byte = Number(BigInt.asUintN(8, rest));
    rest >>= 8n;
    return byte;
  });
}

/** Bytes of an int in two's complement. */
function signedLength(value: bigint): number {
  const bits = (value < 0n ? ~value : value).toString(2).length + 1;
  return Math.ceil(bits / 8);
}

function tooLarge(what: string): ClusterError {
  return new ClusterError("limit-exceeded", `the pickle ${what}`);
}
