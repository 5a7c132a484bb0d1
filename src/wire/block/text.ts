/** Strings to bytes and back: UTF-8, with lone surrogates kept as three bytes each (WTF-8), so that
 *  every JavaScript string comes back as it was. Equal strings give equal bytes. */
import { type Arena, damaged } from "./arena.ts";

type Encoder = {
  encodeInto(text: string, target: Uint8Array): { readonly written: number };
};
type Decoder = { decode(bytes: Uint8Array): string };
type Globals = {
  readonly TextEncoder: new () => Encoder;
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => Decoder;
};

// Every engine has these two, but the ECMAScript library of this folder does not declare them.
const globals = globalThis as unknown as Globals;
const encoder = new globals.TextEncoder();
const decoder = new globals.TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Up to this length a loop over the characters is faster than a call into the engine. */
const shortLength = 40;

/** Appends the bytes of `text`, without a length. */
export function writeText(arena: Arena, text: string): void {
  arena.reserve(text.length * 3);
  if (text.length > shortLength || !writeShortAscii(arena, text)) {
    if (text.isWellFormed()) {
      const target = arena.bytes.subarray(arena.length);
      arena.length += encoder.encodeInto(text, target).written;
    } else {
      writeIllFormed(arena, text);
    }
  }
}

function writeShortAscii(arena: Arena, text: string): boolean {
  const { bytes, length } = arena;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return false;
    bytes[length + i] = code;
  }
  arena.length = length + text.length;
  return true;
}

function writeIllFormed(arena: Arena, text: string): void {
  const { bytes } = arena;
  let at = arena.length;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code < 0x80) {
      bytes[at++] = code;
    } else if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else if (code < 0x10000) {
      bytes[at++] = 0xe0 | (code >> 12);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    } else {
      bytes[at++] = 0xf0 | (code >> 18);
      bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
      bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
      bytes[at++] = 0x80 | (code & 0x3f);
    }
  }
  arena.length = at;
}

/** The string whose bytes are [start, end); anything that `writeText` cannot have written is
 *  `data-lost`. */
export function readText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start <= shortLength) {
    let text = "";
    let at = start;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (at === end) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return readIllFormed(bytes, start, end);
  }
}

function readIllFormed(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  let afterHigh = false;
  while (at < end) {
    const first = bytes[at++] as number;
    const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (more < 0 || first > 0xf4 || at + more > end) throw damaged("a string is not UTF-8");
    let code = more === 0 ? first : first & (0x3f >> more);
    for (let i = 0; i < more; i++) {
      const next = bytes[at++] as number;
      if ((next & 0xc0) !== 0x80) throw damaged("a string is not UTF-8");
      code = (code << 6) | (next & 0x3f);
    }
    const low = code >= 0xdc00 && code <= 0xdfff;
    const shortest = more < 2 || code >= (more === 2 ? 0x800 : 0x10000);
    if (!shortest || code > 0x10ffff || (low && afterHigh)) throw damaged("a string is not UTF-8");
    afterHigh = code >= 0xd800 && code <= 0xdbff;
    text += String.fromCodePoint(code);
  }
  return text;
}
