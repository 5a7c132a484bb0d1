/** Texts to bytes and back, by the encodings of Node's `Buffer`. */
import { hexOf } from "../../../wire/hex.ts";
import { isAscii } from "./ascii.ts";

export type Encoding = "utf8" | "latin1" | "ascii" | "utf16le" | "hex" | "base64" | "base64url";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Arguments of one call; engines have a limit. */
const codesMax = 8 * 1024;
/** From so many bytes on a decoder's call pays: it gives ASCII as one-byte strings at some GB/s. */
const decodedFromBytes = 64;

const names: Readonly<Record<string, Encoding>> = {
  utf8: "utf8",
  "utf-8": "utf8",
  latin1: "latin1",
  binary: "latin1",
  ascii: "ascii",
  ucs2: "utf16le",
  "ucs-2": "utf16le",
  utf16le: "utf16le",
  "utf-16le": "utf16le",
  hex: "hex",
  base64: "base64",
  base64url: "base64url",
};

/** Null when Node knows no encoding of that name. */
export function encodingOf(name: unknown): Encoding | null {
  const text = String(name);
  const lower = Object.hasOwn(names, text) ? text : text.toLowerCase();
  return Object.hasOwn(names, lower) ? (names[lower] as Encoding) : null;
}

export function bytesOf(text: string, encoding: Encoding): Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case "utf8":
      return encoder.encode(text);
    case "latin1":
    case "ascii":
      return unitBytes(text);
    case "utf16le":
      return utf16Bytes(text);
    case "hex":
      return hexBytes(text);
    default:
      return base64Bytes(text);
  }
}

/** Bytes that `bytesOf` makes; of base64 and hex as Node counts them, by the length alone. */
export function sizeOf(text: string, encoding: Encoding): number {
  const { length } = text;
  switch (encoding) {
    case "utf8":
      return encoder.encode(text).length;
    case "latin1":
    case "ascii":
      return length;
    case "utf16le":
      return length * 2;
    case "hex":
      return length >>> 1;
    default: {
      let chars = length;
      if (text.charCodeAt(chars - 1) === 0x3d) chars--;
      if (chars > 1 && text.charCodeAt(chars - 1) === 0x3d) chars--;
      return Math.floor((chars * 3) / 4);
    }
  }
}

export function textOf(bytes: Uint8Array<ArrayBuffer>, encoding: Encoding): string {
  switch (encoding) {
    case "utf8":
      return decoder.decode(bytes);
    case "latin1":
      return latin1Text(bytes);
    case "ascii":
      return latin1Text(bytes.map((byte) => byte & 0x7f));
    case "utf16le":
      return codesText(new Uint16Array(copied(bytes, bytes.length & ~1)));
    case "hex":
      return hexOf(bytes);
    case "base64":
      return btoa(latin1Text(bytes));
    default: {
      const text = btoa(latin1Text(bytes)).replaceAll("+", "-").replaceAll("/", "_");
      return text.replace(/=+$/, "");
    }
  }
}

/** Memory of its own: a buffer's `slice` shares it. */
function copied(bytes: Uint8Array<ArrayBuffer>, end: number): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + end);
}

/** Of any length; a string may have no more characters than the engine allows. */
function latin1Text(bytes: Uint8Array<ArrayBuffer>): string {
  if (bytes.length >= decodedFromBytes && isAscii(bytes)) return decoder.decode(bytes);
  return codesText(bytes);
}

/** With `apply`: spreading typed arrays takes seven times as long. */
function codesText(codes: Uint8Array | Uint16Array): string {
  let text = "";
  for (let at = 0; at < codes.length; at += codesMax) {
    const part = codes.subarray(at, at + codesMax);
    text += String.fromCharCode.apply(null, part as unknown as number[]);
  }
  return text;
}

/** The low byte of each UTF-16 unit. */
function unitBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

function utf16Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    bytes[at * 2] = code;
    bytes[at * 2 + 1] = code >>> 8;
  }
  return bytes;
}

/** Up to the first pair that is no number. */
function hexBytes(text: string): Uint8Array<ArrayBuffer> {
  const narrow = lowBytes(text);
  const bytes = new Uint8Array(narrow.length >>> 1);
  for (let at = 0; at < bytes.length; at++) {
    const pair = narrow.slice(at * 2, at * 2 + 2);
    if (!/^[0-9a-f]{2}$/i.test(pair)) return bytes.slice(0, at);
    bytes[at] = Number.parseInt(pair, 16);
  }
  return bytes;
}

/** As Node reads hex and base64: by the low byte of each unit. */
function lowBytes(text: string): string {
  return /^[\0-\xff]*$/.test(text) ? text : codesText(unitBytes(text));
}

/** Of both alphabets; other characters are skipped, and the first `=` ends it. */
function base64Bytes(text: string): Uint8Array<ArrayBuffer> {
  const narrow = lowBytes(text);
  const end = narrow.indexOf("=");
  const plain = (end === -1 ? narrow : narrow.slice(0, end))
    .replaceAll("-", "+")
    .replaceAll("_", "/")
    .replace(/[^A-Za-z0-9+/]/g, "");
  // One character alone is no byte.
  const whole = plain.length % 4 === 1 ? plain.slice(0, -1) : plain;
  return unitBytes(atob(whole));
}
