/** Reads the results of lists of tasks back, wherever they lie: in memory, on pages, or as blobs of
 *  their own. */
import { Buffer } from "node:buffer";
import type { Hash } from "../../core/ids.ts";
import type { ResultPage, TaskOutput } from "../../core/job.ts";
import type { Blobs } from "../../store/blob/blob.ts";

/** A result, and what is written around it. */
export type Line = {
  readonly before: string;
  readonly output: TaskOutput;
  readonly after: string;
};

type Reader = Pick<Blobs, "read">;
type OnPage = TaskOutput & { readonly page: ResultPage };

/** Lines are passed on in pieces of about this size. */
const pieceBytes = 64 * 1024;
/** Results that are read ahead together. */
const aheadMax = 1_000;
const aheadMaxBytes = 4 * 1024 * 1024;
/** Results on one page with less than this between them are read at once, bytes. */
const gapMaxBytes = 64 * 1024;
/** Reads at once. */
const readsMax = 8;

const encoder = new TextEncoder();

/** The lines in their order, in pieces. Throws what reading a blob throws. */
export async function* textLines<T>(
  blobs: Reader,
  all: Iterable<T>,
  lineOf: (one: T) => Line,
): AsyncGenerator<Uint8Array, void> {
  const piece = new Piece();
  for (const group of groupsOf(all, lineOf)) {
    const texts = await textsOf(blobs, group);
    for (const { after, before, output } of group) {
      piece.say(before);
      if (isBlob(output)) {
        if (piece.sizeBytes > 0) yield piece.take();
        yield* blobs.read(output.root);
      } else {
        const text = texts.get(output);
        if (text === undefined) piece.say(output.value ?? "null");
        else piece.add(text);
      }
      piece.say(after);
      if (piece.sizeBytes >= pieceBytes) yield piece.take();
    }
  }
  if (piece.sizeBytes > 0) yield piece.take();
}

/** One result as a stream. */
export function oneText(
  blobs: Reader,
  output: Pick<TaskOutput, "page" | "root" | "sizeBytes" | "value">,
): AsyncIterable<Uint8Array> {
  const { page, root, sizeBytes, value } = output;
  if (page !== undefined) {
    return blobs.read(page.blob, { start: page.start, end: page.start + sizeBytes });
  }
  return value === undefined && root !== "" ? blobs.read(root) : only(encoder.encode(value ?? ""));
}

/** Whether its text is in memory. */
export function isInline({ page, root, value }: TaskOutput): boolean {
  return page === undefined && (value !== undefined || root === "");
}

function isBlob(output: TaskOutput): boolean {
  return output.page === undefined && !isInline(output);
}

function isOnPage(output: TaskOutput): output is OnPage {
  return output.page !== undefined;
}

/** What is to be passed on, as text or as bytes, until it is large enough. */
class Piece {
  sizeBytes = 0;
  #text = "";
  #parts: Uint8Array[] = [];

  say(text: string): void {
    this.#text += text;
    this.sizeBytes += text.length;
  }

  add(bytes: Uint8Array): void {
    this.#encode();
    this.#parts.push(bytes);
    this.sizeBytes += bytes.length;
  }

  take(): Uint8Array {
    this.#encode();
    const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.sizeBytes = 0;
    return all;
  }

  #encode(): void {
    if (this.#text !== "") this.#parts.push(encoder.encode(this.#text));
    this.#text = "";
  }
}

/** So many lines that what lies on pages may be in memory together. */
function* groupsOf<T>(
  all: Iterable<T>,
  lineOf: (one: T) => Line,
): Generator<readonly Line[], void> {
  let group: Line[] = [];
  let sizeBytes = 0;
  for (const one of all) {
    const line = lineOf(one);
    group.push(line);
    if (line.output.page !== undefined) sizeBytes += line.output.sizeBytes;
    if (group.length < aheadMax && sizeBytes < aheadMaxBytes) continue;
    yield group;
    group = [];
    sizeBytes = 0;
  }
  if (group.length > 0) yield group;
}

/** Of the group those on pages, in few reads. */
async function textsOf(
  blobs: Reader,
  group: readonly Line[],
): Promise<ReadonlyMap<TaskOutput, Uint8Array>> {
  const texts = new Map<TaskOutput, Uint8Array>();
  const spans = spansOf(group.map(({ output }) => output).filter(isOnPage));
  for (let first = 0; first < spans.length; first += readsMax) {
    await Promise.all(
      spans.slice(first, first + readsMax).map(async ({ blob, end, outputs, start }) => {
        const chunks: Uint8Array[] = [];
        // Copied: a store may overwrite what it has given.
        for await (const chunk of blobs.read(blob, { start, end })) chunks.push(chunk.slice());
        const bytes = Buffer.concat(chunks);
        for (const output of outputs) {
          const at = output.page.start - start;
          texts.set(output, bytes.subarray(at, at + output.sizeBytes));
        }
      }),
    );
  }
  return texts;
}

type Span = { readonly blob: Hash; readonly start: number; end: number; outputs: OnPage[] };

function spansOf(outputs: readonly OnPage[]): readonly Span[] {
  const spans: Span[] = [];
  for (const [blob, all] of Map.groupBy(outputs, ({ page }) => page.blob)) {
    let last: Span | undefined;
    for (const output of all.sort((a, b) => a.page.start - b.page.start)) {
      const { start } = output.page;
      const end = start + output.sizeBytes;
      if (last === undefined || start - last.end > gapMaxBytes) {
        last = { blob, start, end, outputs: [] };
        spans.push(last);
      }
      last.outputs.push(output);
      last.end = Math.max(last.end, end);
    }
  }
  return spans;
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes;
}
