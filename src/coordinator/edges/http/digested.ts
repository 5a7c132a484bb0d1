/** Answers that end with the SHA-256 of their content: for browser tabs, which are connected
 *  through a gateway and possibly proxies, and do not know the hash of a range or partition.
 *
 *  Requested by `?digest=1`; the content type shows it, since every gateway passes that on. It has
 *  no Content-Range, since its length differs. */
import { createHash } from "node:crypto";
import { digestBytes, digestedType } from "../../../wire/browser/digest.ts";
import type { Answer } from "./route.ts";

/** The answer followed by its digest. Only for streams of bytes. */
export function digested(answer: Answer): Answer {
  if (answer.kind !== "bytes" || answer.stream === null) return answer;
  const { "content-length": length, "content-range": _, ...others } = answer.headers;
  const headers = {
    ...others,
    "content-type": digestedType,
    ...(length === undefined ? {} : { "content-length": String(Number(length) + digestBytes) }),
  };
  return { kind: "bytes", status: 200, headers, stream: withDigest(answer.stream) };
}

async function* withDigest(
  bytes: AsyncIterable<Uint8Array> | Uint8Array,
): AsyncGenerator<Uint8Array, void> {
  const running = createHash("sha256");
  for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
    running.update(chunk);
    yield chunk;
  }
  yield running.digest();
}
