/** Why a link ended, as text: cut to the length that a close frame holds, and derived from its code
 *  when the frame holds none. */

/** UTF-8 bytes of a reason; a WebSocket close frame has room for 123. */
export const closeReasonBytesMax = 120;

/** Close codes of RFC 6455 that links send or receive. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  wrongKind: 1003,
  lost: 1006,
  againstRules: 1008,
  tooLarge: 1009,
} as const;

const meanings: Readonly<Record<number, string>> = {
  1000: "the peer closed the link",
  1001: "the peer is going away",
  1002: "the peer received a malformed frame",
  1003: "the peer does not accept this kind of frame",
  1005: "the peer closed the link",
  1006: "the connection was lost",
  1007: "the peer received text that is not UTF-8",
  1008: "the peer refused a frame",
  1009: "a frame was larger than the peer accepts",
  1011: "the peer failed",
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

/** The reason for this side's own `onClose` when it closed without giving one. */
export function describeOwn(reason: string): string {
  return reason === "" ? "closed here" : reason;
}

/** The reason that the receiver of such a frame gives. */
export function tooLarge(frameMaxBytes: number): string {
  return `a frame larger than ${frameMaxBytes} bytes came`;
}
