/** Request ids for a carrier that knows by itself which answer belongs to which request (a
 *  substream for each): they are in the frames between session and carrier, never on the wire. */
import { decodeLinkFrame, decodeWrapper, encodeEnvelope } from "./codec.ts";
import { isRequest } from "./legality.ts";
import type { Envelope } from "./messages.ts";

type Read = {
  readonly requestId: number | null;
  readonly answerTo: number | null;
  /** As existing implementations send it. */
  readonly bare: Uint8Array;
};

/** What the carrier does with frames. */
export const carrierIds = {
  /** Of a frame of this side's session. */
  read(frame: Uint8Array): Read {
    const [envelope] = decodeLinkFrame(frame).envelopes as [Envelope];
    const { answerTo, message, requestId } = envelope;
    return { requestId, answerTo, bare: encodeEnvelope({ ...noIds, message }) };
  },

  /** A message of the peer as a request with this id; null when it is no known request. Throws
   *  `protocol-violated`. */
  asRequest(message: Uint8Array, id: number): Uint8Array | null {
    const read = onlyMessage(message);
    if (read === null || !isRequest(read)) return null;
    return encodeEnvelope({ ...noIds, requestId: id, message: read });
  },

  /** The same as the answer to this request. */
  asAnswer(message: Uint8Array, id: number): Uint8Array | null {
    const read = onlyMessage(message);
    if (read === null || isRequest(read)) return null;
    return encodeEnvelope({ ...noIds, answerTo: id, message: read });
  },
} as const;

const noIds = { requestId: null, answerTo: null } as const;

/** Of a wrapper without its length; null when it is unknown. */
function onlyMessage(wrapper: Uint8Array): Envelope["message"] | null {
  return decodeWrapper(wrapper)?.message ?? null;
}
