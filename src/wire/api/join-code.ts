/** Join codes: short texts that stand for join tokens, as `k7f3-9m2q-x4t8-w5zb-a2c4`, so that a
 *  link fits into a line, and a person can type it. Both sides compute the token from the code:
 *  nothing looks it up, and no server keeps it. */
import { crc32 } from "../block/crc32.ts";

/** Crockford's: no letter that looks like another. */
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
/** 100 random bits. */
const symbols = 20;
const group = 4;
const pattern = /^(?:[0-9a-hjkmnp-tv-z]{4}-?){5}$/;

/** Of random bytes, at least 20. */
export function joinCodeOf(random: Uint8Array): string {
  const text = Array.from(random.subarray(0, symbols), (byte) => alphabet[byte & 31]).join("");
  return (text.match(new RegExp(`.{${group}}`, "g")) as string[]).join("-");
}

/** Whether the text is one, as typed by a person: capitals, `o` for 0, `i` and `l` for 1. */
export function isJoinCode(text: string): boolean {
  return pattern.test(typed(text)) && plain(text).length === symbols;
}

/** SHA-256 as lowercase hex; engines have different ones. */
export type Sha256Hex = (bytes: Uint8Array) => string;

/** The token that it stands for; the text must be a join code. */
export function tokenOfJoinCode(code: string, sha256: Sha256Hex): string {
  const hexOf = (of: string) => sha256(bytesOf(`join code ${of} ${plain(code)}`));
  const text = `mrt_join_${hexOf("id").slice(0, 10)}_${hexOf("secret")}`;
  return `${text}${crc32(bytesOf(text)).toString(16).padStart(8, "0")}`;
}

/** Of a text in ASCII. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

function typed(text: string): string {
  return text.trim().toLowerCase().replaceAll("o", "0").replace(/[il]/g, "1");
}

function plain(text: string): string {
  return typed(text).replaceAll("-", "");
}
