/** Sizes of this protocol's messages in UTF-8, which is what their receivers limit. */
import { ClusterError } from "../../core/error.ts";
import { utf8Bytes } from "../../core/sharing/names.ts";
import { browserLimits } from "./messages.ts";

/** Whether the text has at most `maxBytes` in UTF-8; most texts are too short to need measuring. */
export function fits(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return false;
  return text.length * 3 <= maxBytes || utf8Bytes(text) <= maxBytes;
}

/** Returns the text when its receiver will accept it. Throws `limit-exceeded` otherwise: a message
 *  above the receiver's limit would close its link. */
export function sendable(text: string): string {
  const { messageMaxBytes } = browserLimits;
  if (fits(text, messageMaxBytes)) return text;
  const what = `a message has ${utf8Bytes(text)} bytes, at most ${messageMaxBytes} are allowed`;
  throw new ClusterError("limit-exceeded", `${what}; return smaller results`);
}

/** The first parts whose JSON texts, with a comma each, have at most `maxBytes` together. */
export function firstFitting<T>(parts: readonly T[], maxBytes: number): T[] {
  let left = maxBytes;
  const end = parts.findIndex((part) => {
    left -= utf8Bytes(JSON.stringify(part)) + 1;
    return left < 0;
  });
  return end === -1 ? [...parts] : parts.slice(0, end);
}
