/** Envelopes to frames and back. A frame is an unsigned varint length and one WorkerMsgWrapper. */
import { assert, ClusterError } from "../../core/error.ts";
import { ProtobufReader } from "../protobuf/reader.ts";
import { ProtobufWriter } from "../protobuf/writer.ts";
import { frameBytesMax, messagesPerFrameMax } from "./limits.ts";
import type { Envelope } from "./messages.ts";
import { type Wrapper, wrapper } from "./schema.ts";

/** The contents of one WebSocket message. */
export type LinkFrame = {
  readonly envelopes: readonly Envelope[];
  /** False when it was one wrapper without its length: the peer expects the same in return. */
  readonly delimited: boolean;
  /** Unknown messages (of a newer peer): skipped, never answered. */
  readonly unknownCount: number;
};

/** Length-delimited, as existing implementations send it; with `delimited` false the bare wrapper.
 *  Throws `limit-exceeded` above `frameBytesMax` and the other limits. */
export function encodeEnvelope(envelope: Envelope, delimited = true): Uint8Array {
  assert(envelope.requestId === null || envelope.requestId > 0, "request ids count from 1");
  assert(envelope.answerTo === null || envelope.answerTo > 0, "request ids count from 1");
  const writer = new ProtobufWriter(frameBytesMax);
  if (delimited) {
    const mark = writer.openDelimited();
    wrapper.write(writer, envelope);
    writer.close(mark);
  } else wrapper.write(writer, envelope);
  return writer.finish();
}

/** The known messages of one WebSocket message. Throws `protocol-violated`. */
export function decodeFrames(bytes: Uint8Array): Envelope[] {
  return [...decodeLinkFrame(bytes).envelopes];
}

/** Like `decodeFrames`, and reports how they were framed. Length-delimited is tried first and must
 *  match exactly; bytes that do not read like that, or only as unknown messages, may still be one
 *  bare wrapper. */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame {
  if (bytes.length > frameBytesMax) {
    throw new ClusterError(
      "protocol-violated",
      `a frame of ${bytes.length} bytes was received, at most ${frameBytesMax} are accepted;  ` +
        "the link is closed",
    );
  }
  const delimited = attempt(() => readDelimited(bytes));
  if (!(delimited instanceof ClusterError) && delimited.envelopes.length > 0) return delimited;
  const bare = attempt(() => wrapper.read(new ProtobufReader(bytes)));
  if (!(bare instanceof ClusterError) && isKnown(bare)) {
    return { envelopes: [bare], delimited: false, unknownCount: 0 };
  }
  if (delimited instanceof ClusterError) throw delimited;
  return delimited;
}

/** One wrapper without its length; null when its message is unknown. Throws `protocol-violated`. */
export function decodeWrapper(bytes: Uint8Array): Envelope | null {
  const one = wrapper.read(new ProtobufReader(bytes));
  return isKnown(one) ? one : null;
}

function readDelimited(bytes: Uint8Array): LinkFrame {
  const reader = new ProtobufReader(bytes);
  const envelopes: Envelope[] = [];
  let unknownCount = 0;
  do {
    const one = wrapper.read(reader.delimited());
    if (isKnown(one)) envelopes.push(one);
    else unknownCount++;
    if (envelopes.length + unknownCount > messagesPerFrameMax) {
      reader.fail(`more than ${messagesPerFrameMax} messages in one frame`);
    }
  } while (reader.left > 0);
  return { envelopes, delimited: true, unknownCount };
}

function isKnown(one: Wrapper): one is Envelope {
  return one.message !== null;
}

/** Malformed in one way of framing is an error only if it is malformed in both. */
function attempt<T>(read: () => T): T | ClusterError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ClusterError) return error;
    throw error;
  }
}
