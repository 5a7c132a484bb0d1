/** What a job of a page reads: files that its visitor has chosen, texts, and what members share. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import type { Job } from "../../sdk/job.ts";
import { compressionOf, type FoundFile, sharedFile } from "../../sdk/plan/found.ts";
import { formatsOf } from "../../sdk/plan/operator.ts";
import type { SharedInput } from "../../wire/api/messages.ts";
import { contentOf, contentStartBytes } from "../../wire/content/content.ts";
import { shapeStartBytes } from "../../wire/content/shape.ts";

/** What members share under a name. */
export type Shared = { readonly shared: string };

/** One file: its content, or what members share. The pieces of an iterable are put together as they
 *  come, without line ends between them. */
export type Content =
  | Blob
  | string
  | Shared
  | Iterable<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>;

/** Of a job with one input: a file or an array of files. Of one with several: the same by name. */
export type Inputs = Content | readonly Content[] | ByName;
type ByName = { readonly [input: string]: Content | readonly Content[] };

type Settings = {
  readonly asked: (name: string) => Promise<readonly SharedInput[]>;
  readonly signal: AbortSignal | undefined;
};

/** Bytes that are hashed at a time. */
const pieceBytes = 1024 * 1024;

/** As an input: `shared("books")`. */
export function shared(name: string): Shared {
  return { shared: name };
}

/** Throws `bad-request` for inputs that the job does not have, or has and are not given. */
export async function findGiven(
  job: Job,
  inputs: Inputs | undefined,
  settings: Settings,
): Promise<FoundFile[]> {
  const names = job.kind === "tasks" ? [] : Object.keys(formatsOf(job));
  const given = byName(inputs, names);
  const files: FoundFile[] = [];
  for (const [input, contents] of given) {
    for (const content of contents) {
      for (const file of await filesOf(content, settings)) files.push({ input, ...file });
    }
  }
  return files;
}

function byName(inputs: Inputs | undefined, names: readonly string[]) {
  if (names.length === 0) {
    if (inputs === undefined) return [];
    throw new ClusterError("bad-request", "a list of tasks reads no inputs; use `params`");
  }
  const isAlone = inputs !== undefined && (Array.isArray(inputs) || isContent(inputs));
  if (isAlone && names.length > 1) {
    throw new ClusterError("bad-request", `the job has the inputs ${names.join(", ")}; name them`);
  }
  const named = isAlone ? { [names[0] as string]: inputs as Content } : (inputs ?? {});
  const other = Object.keys(named).find((name) => !names.includes(name));
  if (other !== undefined) {
    throw new ClusterError("bad-request", `the job has no input "${other}"; it has ${names}`);
  }
  return names.map((name) => {
    const content = (named as ByName)[name];
    if (content !== undefined) return [name, [content].flat() as Content[]] as const;
    throw new ClusterError("bad-request", `nothing is given for the input "${name}"`);
  });
}

function isContent(value: object | string): value is Content {
  if (typeof value === "string" || value instanceof Blob) return true;
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return true;
  return typeof (value as Partial<Shared>).shared === "string";
}

async function filesOf(
  content: Content,
  { asked, signal }: Settings,
): Promise<Array<Omit<FoundFile, "input">>> {
  if (!isContent(content)) {
    throw new ClusterError("bad-request", "an input is a Blob, a text, or an iterable of these");
  }
  if (typeof content === "object" && "shared" in content) {
    return (await asked(content.shared)).map(sharedFile);
  }
  const blob = await blobOf(content, signal);
  const name = blob instanceof File ? blob.name : "input";
  const sizeBytes = blob.size;
  const hash = await hashOf(blob, signal);
  const start = await blob.slice(0, shapeStartBytes + 1).bytes();
  const upload = { hash, sizeBytes, at: { kind: "content", content: blob, start } } as const;
  const begin = contentOf(start.subarray(0, contentStartBytes));
  const compression = compressionOf(name);
  return [{ name, sizeBytes, compression, content: begin, at: { kind: "upload", upload } }];
}

async function blobOf(
  content: Exclude<Content, Shared>,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  if (content instanceof Blob) return content;
  if (typeof content === "string") return new Blob([content]);
  let pieces: Array<Blob | string | Uint8Array<ArrayBuffer>> = [];
  let sizeBytes = 0;
  for await (const piece of content) {
    signal?.throwIfAborted();
    pieces.push(piece as string | Uint8Array<ArrayBuffer>);
    sizeBytes += piece.length;
    if (sizeBytes < pieceBytes) continue;
    // The browser keeps large ones on its disk.
    pieces = [new Blob(pieces)];
    sizeBytes = 0;
  }
  return new Blob(pieces);
}

async function hashOf(blob: Blob, signal: AbortSignal | undefined): Promise<Hash> {
  const hash = createHash("sha256");
  for (let at = 0; at < blob.size; at += pieceBytes) {
    signal?.throwIfAborted();
    hash.update(await blob.slice(at, at + pieceBytes).bytes());
  }
  return hash.digest("hex");
}
