/** PUTDATA and GETDATA: bytes as they are, in frames that are each answered. */
import { ClusterError } from "../../../../core/error.ts";
import { okAnswer } from "../../../../wire/filesystem/answers.ts";
import { lineBytesMax } from "../../../../wire/filesystem/limits.ts";
import type { FileRequest } from "../../../../wire/filesystem/messages.ts";
import type { StoredFile } from "../store/catalogue.ts";
import type { CallContext, Port, SecondStep } from "./context.ts";

type Of<C extends FileRequest["call"]> = Extract<FileRequest, { call: C }>;

/** Holds the file's lock until the call ends. Throws `conflict` while another call writes it. */
export async function putData(
  { file, sizeBytes }: Of<"PUTDATA">,
  context: CallContext,
): Promise<SecondStep> {
  const { files, limits, offered } = context;
  const release = await files.locks.takeWithin(file, limits.lockMs);
  if (release === null) throw lockedBy(file);
  return {
    async run(port) {
      const staged = await received(port, file, { sizeBytes, context });
      files.catalogue.put([staged]);
      await offered.put([staged]);
      release();
      await port.reply(okAnswer());
    },
    end: release,
  };
}

/** The frames until an empty one, which is not answered yet. Throws as `Files.stage` does, and
 *  `timed-out` when the sender falls silent. */
export function received(
  port: Port,
  file: string,
  { sizeBytes, context }: { readonly sizeBytes: number | null; readonly context: CallContext },
): Promise<StoredFile> {
  return context.files.stage(file, frames(port, file, sizeBytes));
}

async function* frames(
  port: Port,
  file: string,
  sizeBytes: number | null,
): AsyncGenerator<Uint8Array, void> {
  let receivedBytes = 0;
  for (;;) {
    const frame = await port.receive();
    receivedBytes += frame.length;
    const isEnd = frame.length === 0;
    const isWrong =
      sizeBytes !== null && (isEnd ? receivedBytes < sizeBytes : receivedBytes > sizeBytes);
    if (isWrong) {
      const text = `${file} was announced with ${sizeBytes} bytes, ${receivedBytes} came`;
      throw new ClusterError("bad-request", `${text}: nothing is stored; send it again`);
    }
    if (isEnd) return;
    yield frame;
    await port.reply(okAnswer());
  }
}

/** Throws `not-found`, `conflict` while it is being written. */
export async function getData({ file }: Of<"GETDATA">, context: CallContext): Promise<SecondStep> {
  const { files, limits } = context;
  if (!(await files.locks.free(file, limits.lockMs))) throw lockedBy(file);
  const control = new AbortController();
  const chunks = bytesOfFile(file, context, control.signal);
  return {
    sendsData: true,
    async run(port) {
      for await (const line of lines(chunks)) await sendNext(port, line);
      await sendNext(port, new Uint8Array(0));
    },
    end: () => control.abort(),
  };
}

/** The reader requests each line with OK, or, as in the document, with GETDATA; the content of its
 *  message is ignored. */
async function sendNext(port: Port, line: Uint8Array): Promise<void> {
  await port.receive();
  await port.reply(line);
}

function bytesOfFile(
  file: string,
  { databases, files, peerFiles }: CallContext,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  const stored = files.catalogue.find(file);
  if (stored !== null) return files.read(stored);
  const [job = "", ending] = file.split("/");
  const database = ending === "database.sqlite3" && files.catalogue.hasJob(job);
  const bytes = database ? databases.bytes(job) : null;
  if (bytes !== null) return [bytes];
  const shared = peerFiles.find(file);
  if (shared !== null) return peerFiles.read(shared, signal);
  const text = `File does not exist: ${file}. I can't access this file right now.`;
  throw new ClusterError("not-found", text);
}

const newline = 0x0a;

/** Cut after each newline, and within lines that are longer than a frame. */
export async function* lines(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const end = chunk.indexOf(newline, at) + 1;
      const room = lineBytesMax - heldBytes;
      const to = Math.min(end === 0 ? chunk.length : end, at + room);
      // Copied: the reader of a blob reuses its buffer.
      held.push(chunk.slice(at, to));
      heldBytes += to - at;
      at = to;
      if (to !== end && heldBytes < lineBytesMax) continue;
      const [line, rest] = to === end ? [Buffer.concat(held), null] : cutText(Buffer.concat(held));
      yield line;
      held = rest === null ? [] : [rest];
      heldBytes = rest?.length ?? 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** Not within a character, if it is UTF-8. */
function cutText(bytes: Uint8Array): [Uint8Array, Uint8Array | null] {
  let at = bytes.length - 1;
  while (at > bytes.length - 4 && ((bytes[at] as number) & 0xc0) === 0x80) at -= 1;
  const lead = bytes[at] as number;
  const needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  if (bytes.length - at >= needed) return [bytes, null];
  return [bytes.subarray(0, at), bytes.subarray(at)];
}

export function lockedBy(file: string): ClusterError {
  return new ClusterError("conflict", `${file} is being written by another call; try again`);
}
