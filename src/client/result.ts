/** The result of a job that is done: its rows, or its files. Read when asked for; every byte is
 *  verified on the way. */
import { ClusterError } from "../core/error.ts";
import type { JobSummary } from "../core/summary.ts";
import type { Client } from "../sdk/client.ts";
import { collect, jobResult, partNames, partsOf, type ResultPart } from "../sdk/collect.ts";
import type { FailedTask } from "../sdk/failed-tasks.ts";
import { linesOf } from "../sdk/table/lines.ts";
import { rowsOf } from "./rows.ts";

export type ResultFile = {
  /** As `tequio run -o` would call it: `part-00000.ndjson`, `results.csv`. */
  readonly name: string;
  /** 0 when it is not known before it is read. */
  readonly sizeBytes: number;
  bytes(): AsyncIterable<Uint8Array>;
  text(): Promise<string>;
};

export type SaveOptions = {
  /** Files of an earlier result may be replaced; else the place must be empty or new. */
  readonly replace?: boolean;
  /** Ends it; nothing is written then. */
  readonly signal?: AbortSignal;
  /** Called whenever some bytes have arrived; `sizeBytes` 0: it is not known how many there are. */
  readonly onProgress?: (progress: {
    readonly doneBytes: number;
    readonly sizeBytes: number;
  }) => void;
};

export class Result<Row = unknown> implements AsyncIterable<Row> {
  readonly #client: Client;
  readonly #summary: JobSummary;

  constructor(client: Client, summary: JobSummary) {
    this.#client = client;
    this.#summary = summary;
  }

  /** The job's id, as "j-7". */
  get job(): string {
    return this.#summary.job;
  }

  /** As the job counted: `count("name")`. */
  get counters(): Readonly<Record<string, number>> {
    return this.#summary.counters;
  }

  /** Stages, times, errors. */
  get summary(): JobSummary {
    return this.#summary;
  }

  /** Tasks of a list that have no result, since the job kept going when they failed. */
  get tasksFailed(): number {
    return this.#summary.stages[0]?.tasksFailed ?? 0;
  }

  /** `[key, value]`, partition by partition, keys in order within each; of a list of tasks each
   *  result, in the order of the items, without those of tasks that failed; of a table an object of
   *  each row. Of output "text", and of tables as CSV, keys and values are text. Throws
   *  `bad-request` for records that an operator left as they are: read `files` then. */
  async *rows(): AsyncGenerator<Row, void> {
    const { output, stages } = this.#summary;
    if (stages[0]?.kind === "tasks") {
      yield* this.#client.results(this.job) as AsyncGenerator<Row, void>;
      return;
    }
    if (output === "bytes") {
      const text = `the result of ${this.job} are records as they were, without keys`;
      throw new ClusterError("bad-request", `${text}; read its \`files\``);
    }
    const result = await partsOf(this.#client, this.#summary);
    for (const part of result.parts) {
      yield* rowsOf(result, part.read()) as AsyncGenerator<Row, void>;
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<Row, void> {
    return this.rows();
  }

  /** All rows, which must fit into memory. */
  async toArray(): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const row of this.rows()) rows.push(row);
    return rows;
  }

  /** One a partition, in order; of a list of tasks a single one. */
  async files(): Promise<readonly ResultFile[]> {
    const result = await jobResult(this.#client, this.#summary);
    const names = partNames(result);
    return result.parts.map((part, n) => fileOf(names[n]!, part));
  }

  /** Records that were set aside (`badRecords: "keep"`); of a list what `failedTasks` gives. */
  async *badRecords(): AsyncGenerator<unknown, void> {
    const { badRecords } = await jobResult(this.#client, this.#summary);
    for (const part of badRecords) {
      for await (const line of linesOf(part.read())) yield JSON.parse(line);
    }
  }

  /** Those that `tasksFailed` counts, in order, with their items. */
  async *failedTasks(): AsyncGenerator<FailedTask, void> {
    if (this.tasksFailed > 0) yield* this.badRecords() as AsyncGenerator<FailedTask, void>;
  }

  /** Writes the result as files, all or nothing, as `tequio run -o` does; their paths. Throws
   *  `conflict` when the folder is not empty. */
  async save(folder: string, options: SaveOptions = {}): Promise<readonly string[]> {
    const { replace = false, ...transfer } = options;
    const to = { kind: "folder", path: folder, replace } as const;
    return (await collect(this.#client, this.#summary, to, transfer)).files;
  }

  /** All parts in order in one file, as `tequio run --merge` does. */
  async saveMerged(file: string, options: SaveOptions = {}): Promise<void> {
    const { replace = false, ...transfer } = options;
    await collect(this.#client, this.#summary, { kind: "file", path: file, replace }, transfer);
  }
}

function fileOf(name: string, part: ResultPart): ResultFile {
  return {
    name,
    sizeBytes: part.sizeBytes,
    bytes: () => part.read(),
    async text() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of part.read()) chunks.push(chunk);
      return Buffer.concat(chunks).toString("utf8");
    },
  };
}
