/** Sends many small files in one call: each message has as many whole files as fit. */
import { ClusterError } from "../../core/error.ts";
import type { Sink } from "../../link/grpc/answer.ts";
import { encode } from "../../wire/p4/data.ts";
import * as many from "../../wire/p4/many.ts";
import type { RateLimit } from "../rate.ts";
import type { Content } from "./content.ts";
import { FileContent } from "./file-content.ts";

export type ManySending = {
  readonly sink: Sink;
  readonly signal: AbortSignal;
  readonly rate: RateLimit;
  readonly onSent: (content: Content, sizeBytes: number) => void;
};

/** `contents`: of the request, in its order; an error says why a file is not sent. */
export async function sendMany(
  contents: ReadonlyArray<Content | ClusterError>,
  sending: ManySending,
): Promise<void> {
  let files: many.WholeFile[] = [];
  let sizeBytes = 0;
  const send = async () => {
    if (files.length === 0) return;
    const answer = encode(many.readManyAnswer, { files }, many.manyMaxBytes.answer);
    const contentBytes = sizeBytes;
    files = [];
    sizeBytes = 0;
    await sending.rate.pass(contentBytes, sending.signal);
    await sending.sink.send([answer]);
  };
  for (const [index, content] of contents.entries()) {
    const file = await wholeFile(index, content);
    if (sizeBytes + file.content.length > many.manyContentMaxBytes) await send();
    sending.signal.throwIfAborted();
    files.push(file);
    sizeBytes += file.content.length;
    if (!(content instanceof ClusterError)) sending.onSent(content, file.content.length);
  }
  await send();
}

async function wholeFile(index: number, of: Content | ClusterError): Promise<many.WholeFile> {
  const none = { index, content: new Uint8Array(0), modifiedUs: 0, isExecutable: false };
  if (of instanceof ClusterError) return { ...none, problem: of.text.slice(0, 300) };
  try {
    if (of.sizeBytes > many.smallFileMaxBytes) {
      throw new ClusterError("limit-exceeded", `it has ${of.sizeBytes} bytes, read it by pieces`);
    }
    const content = of instanceof FileContent ? of.readNow() : await wholeOf(of);
    return { ...none, ...of.attributes, content, problem: "" };
  } catch (error) {
    if (!(error instanceof ClusterError)) throw error;
    return { ...none, problem: error.text.slice(0, 300) };
  }
}

async function wholeOf(content: Content): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(content.sizeBytes);
  await content.read(0, bytes);
  return bytes;
}
