/** Names of files as bytes. Plans and protocols have them as text, so a name that is not UTF-8
 *  cannot travel: code that lists a folder refuses it, since a file left out is not missed. */
import { TextDecoder } from "../utf8.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null for UTF-8; else the name as a person can read it, other bytes as `\xe9`. */
export function shownUnlessUtf8(name: Uint8Array): string | null {
  try {
    decoder.decode(name);
    return null;
  } catch {
    return Array.from(name, (byte) => {
      const isPlain = byte >= 0x20 && byte <= 0x7e;
      return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
    }).join("");
  }
}
