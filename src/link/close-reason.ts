/** Why a link ended, in words: cut to what a close frame holds, and told from its code when it
 *  holds none. */

/** UTF-8 bytes of a reason; a WebSocket close frame has room for 123. */
export const closeReasonBytesMax = 120;

/** Close codes of RFC 6455 that links use or meet. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  wrongKind: 1003,
  lost: 1006,
  againstRules: 1008,
  tooLarge: 1009,
} as const;

const meanings: Readonly<Record<number, string>> = {
  1000: "the other side closed the link",
  1001: "the other side is going away",
  1002: "the other side saw a broken frame",
  1003: "the other side does not take this kind of frame",
  1005: "the other side closed the link",
  1006: "the connection was lost",
  1007: "the other side saw text that is not UTF-8",
  1008: "the other side refused a frame",
  1009: "a frame was larger than the other side takes",
  1011: "the other side failed",
};

/** The reason that came with the close, else what its code means. */
export function describeClose(code: number, reason: string): string {
  if (reason !== "") return reason;
  return `${meanings[code] ?? "the link was closed"} (code ${code})`;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** At most `closeReasonBytesMax` bytes, no character cut. */
export function cutReason(reason: string): string {
  const room = new Uint8Array(closeReasonBytesMax);
  // `encodeInto` writes whole characters only.
  const { written } = encoder.encodeInto(reason, room);
  return decoder.decode(room.subarray(0, written));
}

/** What our own `onClose` says when we closed without a reason. */
export function describeOwn(reason: string): string {
  return reason === "" ? "closed here" : reason;
}

/** What the side says that received such a frame. */
export function tooLarge(frameMaxBytes: number): string {
  return `a frame larger than ${frameMaxBytes} bytes came`;
}
