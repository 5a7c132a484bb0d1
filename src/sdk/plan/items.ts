/** The list of a `tasks` job as one blob: an item a line, as JSON. Made once, where the job is
 *  submitted. */
import { createHash } from "node:crypto";
import { ClusterError } from "../../core/error.ts";
import { harmless, shown } from "../../core/thrown.ts";
import { evaluated, Strayed, strayText } from "../../environment/strays.ts";
import { jobTexts } from "../../environment/thrown.ts";
import { jsonText } from "../../wire/block/json.ts";
import type { AnyTasks } from "../job.ts";
import type { Upload } from "./upload.ts";

export const itemsMax = 10_000_000;
/** Limit of all items together, as JSON. */
export const itemsMaxBytes = 1024 ** 3;

export type Items = { readonly count: number; readonly upload: Upload };

export async function listItems(
  job: AnyTasks,
  params: Readonly<Record<string, unknown>>,
): Promise<Items> {
  try {
    return await evaluated(async () => allItems(job, params));
  } catch (error) {
    if (!(error instanceof Strayed)) throw error;
    const { stray } = error;
    const text = `items: ${strayText(stray)}: ${shown(stray.thrown, jobTexts)}`;
    throw new ClusterError("build-failed", text, { cause: harmless(stray.thrown) });
  }
}

function allItems(job: AnyTasks, params: Readonly<Record<string, unknown>>): Items {
  const chunks: Buffer[] = [];
  let lines: string[] = [];
  let count = 0;
  let sizeBytes = 0;
  const flush = (): void => {
    const chunk = Buffer.from(lines.join(""));
    sizeBytes += chunk.length;
    if (sizeBytes > itemsMaxBytes) throw tooMany(`${sizeBytes} bytes`, `${itemsMaxBytes} bytes`);
    chunks.push(chunk);
    lines = [];
  };
  for (const item of iterable(job, params)) {
    if (count === itemsMax) throw tooMany(`more than ${itemsMax} items`, `${itemsMax} items`);
    lines.push(`${itemText(item, count)}\n`);
    count++;
    if (lines.length === 4096) flush();
  }
  flush();
  const bytes = Buffer.concat(chunks);
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { count, upload: { hash, sizeBytes, at: { kind: "bytes", bytes } } };
}

/** The same of items that are lines of JSON already, each with its newline. */
export function listLines(bytes: Uint8Array): Items {
  let count = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) count++;
  if (count > itemsMax) throw tooMany(`more than ${itemsMax} items`, `${itemsMax} items`);
  if (bytes.length > itemsMaxBytes) {
    throw tooMany(`${bytes.length} bytes`, `${itemsMaxBytes} bytes`);
  }
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { count, upload: { hash, sizeBytes: bytes.length, at: { kind: "bytes", bytes } } };
}

function* iterable(
  job: AnyTasks,
  params: Readonly<Record<string, unknown>>,
): Generator<unknown, void> {
  const { items } = job.options;
  try {
    yield* typeof items === "function" ? items(params) : items;
  } catch (caught) {
    const cause = harmless(caught);
    if (cause instanceof ClusterError) throw cause;
    // Before there is a job, as what throws at the top of the file: the same code.
    throw new ClusterError("build-failed", `items threw ${shown(cause, jobTexts)}`, { cause });
  }
}

/** As JSON. Throws `bad-request` for what is none. */
export function itemText(item: unknown, index: number): string {
  try {
    if (item !== undefined) return jsonText(item, `item ${index}`);
  } catch (error) {
    throw new ClusterError("bad-request", `${(error as ClusterError).text} (items are JSON)`);
  }
  throw new ClusterError("bad-request", `item ${index} is undefined; items are JSON`);
}

function tooMany(found: string, limit: string): ClusterError {
  return new ClusterError(
    "limit-exceeded",
    `the list of tasks has ${found}; a job may have ${limit}: let each task do more`,
  );
}
