/** The result of a job of a cluster as parts that can be read: what a folder or a program gets of
 *  it. */
import { ClusterError } from "../core/error.ts";
import type { JobSummary } from "../core/summary.ts";
import { halfCharacter } from "../wire/block/refusal.ts";
import { type OutputFormat, rowText } from "../wire/block/row.ts";
import { Patience } from "./client/patience.ts";
import type { Client, TransferOptions } from "./client.ts";
import { type FailedTask, failedPart, withoutFailed } from "./failed-tasks.ts";
import type { JobResult, ResultPart } from "./job-result.ts";
import { tabled } from "./table/table.ts";

const extensionOf: Readonly<Record<OutputFormat, string>> = {
  ndjson: "ndjson",
  csv: "csv",
  text: "txt",
  bytes: "bin",
  rows: "ndjson",
  parquet: "parquet",
  arrow: "arrow",
};

/** The result of a job that has ended, in its format. Throws the job's failure, or `conflict` while
 *  it runs. */
export async function jobResult(
  client: Client,
  job: JobSummary,
  transfer: TransferOptions = {},
): Promise<JobResult> {
  return tabled(await partsOf(client, job, transfer));
}

/** The same as the tasks have left it: lines of JSON where there is a `shape`. */
export async function partsOf(
  client: Client,
  job: JobSummary,
  transfer: TransferOptions = {},
): Promise<JobResult> {
  const format = job.output;
  const output = await new Patience(transfer).until(() => client.output(job.job));
  const blob = (hash: string, sizeBytes: number, name: string): ResultPart => ({
    sizeBytes,
    read: (isLent = false) => {
      const options = { ...transfer, sizeBytes };
      const bytes = isLent ? client.lendBlob(hash, options) : client.getBlob(hash, options);
      return namedBytes(bytes, `${name} of the result of ${job.job}`);
    },
  });
  const badRecords = output.badRecords.map((hash, n) => blob(hash, 0, `file ${n} of bad records`));
  if (job.stages[0]?.kind === "tasks") {
    const shape = job.shape ?? { of: "tasks" };
    const failed = job.stages[0].tasksFailed === undefined ? [] : await failedOf(client, job);
    const without = new Set(failed.map(({ task }) => task));
    const results: ResultPart = {
      sizeBytes: 0,
      read: () => taskRows(client.resultTexts(job.job, transfer), format, without),
    };
    const hash = shape.of === "tasks" ? shape.items : undefined;
    const all = hash === undefined ? undefined : () => client.getBlob(hash);
    const items = all === undefined ? {} : { items: () => withoutFailed(all(), without) };
    const bad = failed.length === 0 ? badRecords : [failedPart(failed, all)];
    return { kind: "results", format, shape, ...items, parts: [results], badRecords: bad };
  }
  const parts = output.parts.map(({ hash, sizeBytes }, n) =>
    hash === "" ? emptyPart : blob(hash, sizeBytes, `part ${n}`),
  );
  const shape = job.shape === undefined ? {} : { shape: job.shape };
  return { kind: "parts", format, ...shape, parts, badRecords };
}

async function failedOf(client: Client, { job }: JobSummary): Promise<FailedTask[]> {
  const failed: FailedTask[] = [];
  for await (const one of client.failedTasks(job)) failed.push(one);
  return failed;
}

/** A result that is done is not computed again behind its reader's back: damage is reported as an
 *  error. */
async function* namedBytes(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* bytes;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== "data-lost") throw error;
    const text = `${name} is damaged at the coordinator (${error.text}); run the job again`;
    throw new ClusterError("data-lost", text, { cause: error });
  }
}

/** Names of the files of a result, one a part. */
export function partNames(result: JobResult): string[] {
  const extension = extensionOf[result.format];
  return result.parts.map((_, index) => {
    const number = String(index).padStart(5, "0");
    return `${result.kind === "results" ? "results" : `part-${number}`}.${extension}`;
  });
}

const emptyPart: ResultPart = { sizeBytes: 0, async *read() {} };

/** Results as lines of JSON, of which tables are made; of text the index is the key. `failed`: the
 *  tasks that have none. */
async function* taskRows(
  results: AsyncIterable<string>,
  format: OutputFormat,
  failed: ReadonlySet<number>,
): AsyncGenerator<Uint8Array, void> {
  let index = 0;
  let lines = "";
  for await (const text of results) {
    while (failed.has(index)) index++;
    lines += format === "text" ? taskRow(index, text) : `${text}\n`;
    index++;
    if (lines.length < 65_536) continue;
    yield utf8(lines);
    lines = "";
  }
  if (lines !== "") yield utf8(lines);
}

function utf8(lines: string): Uint8Array {
  if (lines.isWellFormed()) return Buffer.from(lines);
  throw halfCharacter();
}

/** `text` is JSON, checked, and kept as it is: a number of Python may have more digits than one of
 *  JavaScript. */
function taskRow(index: number, text: string): string {
  const value: unknown = JSON.parse(text);
  const isText = typeof value === "string" || value === null;
  return isText ? rowText("text", index, value, `result ${index}`) : `${index}\t${text}\n`;
}
