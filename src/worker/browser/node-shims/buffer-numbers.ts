/** `readInt16LE`, `writeDoubleBE` and their like of Node's `Buffer`, made by a table. */
import { checkWhole, outOfBounds, outOfRange, wrongType } from "./buffer-errors.ts";

type Kind = {
  readonly name: string;
  readonly size: number;
  readonly get:
    | "getInt8"
    | "getUint8"
    | "getInt16"
    | "getUint16"
    | "getInt32"
    | "getUint32"
    | "getFloat32"
    | "getFloat64"
    | "getBigInt64"
    | "getBigUint64";
  /** Absent: any number. */
  readonly min?: number | bigint;
  readonly max?: number | bigint;
};

const kinds: readonly Kind[] = [
  { name: "Int8", size: 1, get: "getInt8", min: -0x80, max: 0x7f },
  { name: "UInt8", size: 1, get: "getUint8", min: 0, max: 0xff },
  { name: "Int16", size: 2, get: "getInt16", min: -0x8000, max: 0x7fff },
  { name: "UInt16", size: 2, get: "getUint16", min: 0, max: 0xffff },
  { name: "Int32", size: 4, get: "getInt32", min: -0x8000_0000, max: 0x7fff_ffff },
  { name: "UInt32", size: 4, get: "getUint32", min: 0, max: 0xffff_ffff },
  { name: "Float", size: 4, get: "getFloat32" },
  { name: "Double", size: 8, get: "getFloat64" },
  { name: "BigInt64", size: 8, get: "getBigInt64", min: -(2n ** 63n), max: 2n ** 63n - 1n },
  { name: "BigUInt64", size: 8, get: "getBigUint64", min: 0n, max: 2n ** 64n - 1n },
];

type Method = (this: Uint8Array, ...args: never[]) => unknown;

type End = "LE" | "BE";
type Sign = "Int" | "UInt" | "Uint";
type Plain = `${Sign}8` | `${`${Sign}16` | `${Sign}32` | "Float" | "Double"}${End}`;
type Big = `Big${Sign}64${End}`;
type Sized = `${Sign}${End}`;

/** What `numberMethods` makes. Offsets are 0 unless given. */
export type NumberMethods = {
  [K in Plain as `read${K}`]: (offset?: number) => number;
} & {
  [K in Plain as `write${K}`]: (value: number, offset?: number) => number;
} & {
  [K in Big as `read${K}`]: (offset?: number) => bigint;
} & {
  [K in Big as `write${K}`]: (value: bigint, offset?: number) => number;
} & {
  [K in Sized as `read${K}`]: (offset: number, byteLength: number) => number;
} & {
  [K in Sized as `write${K}`]: (value: number, offset: number, byteLength: number) => number;
};

/** By name. */
export function numberMethods(): Record<string, Method> {
  const methods: Record<string, Method> = {};
  for (const kind of kinds) {
    for (const end of kind.size === 1 ? [""] : ["LE", "BE"]) {
      const isLittle = end === "LE";
      const read = reader(kind, isLittle);
      const write = writer(kind, isLittle);
      for (const name of spellings(kind.name)) {
        methods[`read${name}${end}`] = read;
        methods[`write${name}${end}`] = write;
      }
    }
  }
  for (const isLittle of [true, false]) {
    for (const isSigned of [true, false]) {
      const end = isLittle ? "LE" : "BE";
      for (const name of spellings(isSigned ? "Int" : "UInt")) {
        methods[`read${name}${end}`] = sizedReader(isSigned, isLittle);
        methods[`write${name}${end}`] = sizedWriter(isSigned, isLittle);
      }
    }
  }
  return methods;
}

/** Node has `readUInt8` and `readUint8`. */
function spellings(name: string): string[] {
  return name.includes("UInt") ? [name, name.replace("UInt", "Uint")] : [name];
}

function viewOf({ buffer, byteLength, byteOffset }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Throws unless `size` bytes are there at the offset. */
function checkPlace(bytes: Uint8Array, offset: unknown, size: number): number {
  if (typeof offset !== "number") throw wrongType("offset", "of type number", offset);
  const last = bytes.length - size;
  if (!Number.isInteger(offset)) throw outOfRange("offset", "an integer", offset);
  if (last < 0) throw outOfBounds();
  if (offset < 0 || offset > last) throw outOfRange("offset", `>= 0 and <= ${last}`, offset);
  return offset;
}

function reader({ get, size }: Kind, isLittle: boolean): Method {
  return function read(this: Uint8Array, offset: unknown = 0) {
    return viewOf(this)[get](checkPlace(this, offset, size), isLittle);
  } as Method;
}

function writer({ get, max, min, size }: Kind, isLittle: boolean): Method {
  const set = get.replace("get", "set") as "setInt16";
  const isBig = typeof min === "bigint";
  return function write(this: Uint8Array, given: unknown, offset: unknown = 0) {
    if (isBig && typeof given !== "bigint") throw wrongType("value", "of type bigint", given);
    const value = isBig ? given : Number(given);
    if (min !== undefined && max !== undefined) {
      const [low, high] = [(value as number) < min, (value as number) > max];
      if (low || high) throw outOfRange("value", `>= ${min} and <= ${max}`, given);
    }
    const at = checkPlace(this, offset, size);
    viewOf(this)[set](at, value as number, isLittle);
    return at + size;
  } as Method;
}

/** Of 1 to 6 bytes. */
function sizedReader(isSigned: boolean, isLittle: boolean): Method {
  return function read(this: Uint8Array, offset: unknown, byteLength: unknown) {
    if (offset === undefined) throw wrongType("offset", "of type number", offset);
    const size = checkWhole(byteLength, "byteLength", 1, 6);
    const at = checkPlace(this, offset, size);
    let value = 0;
    for (let n = 0; n < size; n++) {
      value = value * 256 + (this[isLittle ? at + size - 1 - n : at + n] as number);
    }
    const limit = 2 ** (8 * size);
    return isSigned && value >= limit / 2 ? value - limit : value;
  } as Method;
}

function sizedWriter(isSigned: boolean, isLittle: boolean): Method {
  return function write(this: Uint8Array, given: unknown, offset: unknown, byteLength: unknown) {
    const size = checkWhole(byteLength, "byteLength", 1, 6);
    if (size === 1 && offset === undefined) throw wrongType("offset", "of type number", offset);
    const value = Number(given);
    const limit = 2 ** (8 * size);
    const [min, max] = isSigned ? [-limit / 2, limit / 2 - 1] : [0, limit - 1];
    if (value < min || value > max) throw outOfRange("value", `>= ${min} and <= ${max}`, given);
    const at = checkPlace(this, offset, size);
    // As Node does: low bits without the fraction, high bits rounded down with it.
    const [low, high] = [value >>> 0, Math.floor(value * 2 ** -32)];
    for (let n = 0; n < size; n++) {
      const byte = n < 4 ? low >>> (8 * n) : high >> (8 * (n - 4));
      this[isLittle ? at + n : at + size - 1 - n] = byte;
    }
    return at + size;
  } as Method;
}
