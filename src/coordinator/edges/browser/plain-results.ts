/** Results that basic browsers have put, until their finish: then they become the output that any
 *  other worker would have left. */
import { ClusterError } from "../../../core/error.ts";
import type { AttemptReport } from "../../../core/event.ts";
import type { TaskOutput } from "../../../core/job.ts";
import { jobSpec, jobState } from "../../../core/view.ts";
import type { Blobs } from "../../../store/blob/blob.ts";
import type { Loop } from "../../loop/loop.ts";
import type { Relay } from "../../relay/relay.ts";
import { inlineOutput } from "../worker/reports.ts";
import { resultUrls } from "./orders.ts";
import { linesOfRun, outputOfLines, plainMaxBytes } from "./plain.ts";
import { refsOf, type TabRun } from "./runs.ts";

type Parts = { readonly loop: Loop; readonly blobs: Blobs; readonly relay: Relay };

type Result = {
  readonly ticket: string;
  readonly part: number;
  /** Whether it may still be put when all of it has arrived. */
  readonly isWanted: () => boolean;
};

export class PlainResults {
  readonly #parts: Parts;
  readonly #maxBytes: number;
  readonly #waiting = new Map<string, Map<number, Buffer>>();
  #sizeBytes = 0;

  /** `maxBytes`: of results that wait or arrive, and of partitions that are read. Default 512
   *  MiB. */
  constructor(parts: Parts, maxBytes = 512 * 1024 * 1024) {
    this.#parts = parts;
    this.#maxBytes = maxBytes;
  }

  /** Reads a result from its chunks. Throws `unavailable`, `limit-exceeded`, `not-found`. */
  async put({ isWanted, part, ticket }: Result, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const counted = { bytes: 0 };
    let whole: Buffer;
    try {
      whole = await this.#whole(chunks, "a result", counted);
      if (!isWanted()) throw new ClusterError("not-found", "the task ended while this came");
    } catch (error) {
      this.#sizeBytes -= counted.bytes;
      throw error;
    }
    const results = this.#waiting.get(ticket) ?? new Map<number, Buffer>();
    this.#waiting.set(ticket, results);
    this.#sizeBytes -= results.get(part)?.length ?? 0;
    results.set(part, whole);
  }

  /** The lines of a partition's run, which is in memory until all of them are read. */
  async *lines(run: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    const counted = { bytes: 0 };
    try {
      const whole = await this.#whole(run, "a partition", counted);
      for (const line of linesOfRun(whole)) yield Buffer.from(line);
    } finally {
      this.#sizeBytes -= counted.bytes;
    }
  }

  /** Bytes count from the moment they arrive. */
  async #whole(
    chunks: AsyncIterable<Uint8Array>,
    what: string,
    counted: { bytes: number },
  ): Promise<Buffer> {
    const arrived: Uint8Array[] = [];
    for await (const chunk of chunks) {
      counted.bytes += chunk.length;
      this.#sizeBytes += chunk.length;
      if (counted.bytes > plainMaxBytes) {
        const text = `${what} above ${plainMaxBytes} bytes; use more reducers`;
        throw new ClusterError("limit-exceeded", text);
      }
      if (this.#sizeBytes > this.#maxBytes) {
        throw new ClusterError("unavailable", "too much data of browsers is in memory; try again");
      }
      arrived.push(Uint8Array.from(chunk));
    }
    return Buffer.concat(arrived);
  }

  /** The run has ended; discards its results. */
  forget(ticket: string): void {
    for (const { length } of this.#waiting.get(ticket)?.values() ?? []) this.#sizeBytes -= length;
    this.#waiting.delete(ticket);
  }

  /** The report of a finished run whose results lie at `urls`. */
  async collect(run: TabRun, urls: readonly string[]): Promise<AttemptReport> {
    const { loop } = this.#parts;
    const [ref] = refsOf(run);
    if (ref === undefined) throw new ClusterError("not-found", "the task has ended");
    const { attempt, task } = ref;
    const durationMs = loop.steadyMs() - run.givenAtMs;
    const expected = resultUrls(loop.state, run.job, run);
    const put = this.#waiting.get(run.ticket) ?? new Map<number, Buffer>();
    const results = new Map([...put].map(([part, bytes]) => [part, bytes.toString("utf8")]));
    const named = urls.map((url) => expected.indexOf(url));
    const missing = named.find((at) => at === -1 || !results.has(at));
    try {
      if (missing !== undefined || (run.type === "r" && named.length !== 1)) {
        throw new ClusterError("user-error", "a result is named that was not put there");
      }
      const output = await this.#store(run, ref, results);
      return { kind: "done", task, attempt, durationMs, output };
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "user-error") throw error;
      const failure = { code: error.code, message: error.text } as const;
      return { kind: "failed", task, attempt, durationMs, failure };
    }
  }

  async #store(
    run: TabRun,
    ref: ReturnType<typeof refsOf>[number],
    results: ReadonlyMap<number, string>,
  ) {
    const { blobs, loop, relay } = this.#parts;
    const stage = jobSpec(loop.state, run.job)?.stages[run.stage];
    const first = results.get(0) ?? "";
    if (stage?.kind === "tasks") return taskOutput(first);
    const count = stage?.partitionCount ?? 0;
    if (count === 0) {
      const bytes = Buffer.from(first);
      const records = first.split("\n").filter((line) => line !== "").length;
      const root = bytes.length === 0 ? "" : (await blobs.put([bytes])).hash;
      return { root, sizeBytes: bytes.length, records };
    }
    const isWanted = () => jobState(loop.state, run.job) === "running";
    const made = outputOfLines(Array.from({ length: count }, (_, i) => results.get(i) ?? null));
    await relay.putManifest(ref, one(made.manifest));
    const { manifest, root } = await relay.putRun(ref, one(made.run), isWanted);
    return { root, sizeBytes: manifest.sizeBytes, records: made.records };
  }
}

export function taskOutput(text: string): TaskOutput {
  return inlineOutput(oneLine(text));
}

/** JSON stays, other text becomes a JSON string. */
function oneLine(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (bytes.length > 0) yield bytes;
}
