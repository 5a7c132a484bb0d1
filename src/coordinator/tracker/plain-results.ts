/** Results that browsers which know the document only have put, until they say that they are
 *  finished: then they become what any other worker would have left. */
import { ClusterError } from "../../core/error.ts";
import type { AttemptReport } from "../../core/event.ts";
import { jobSpec } from "../../core/view.ts";
import type { Blobs } from "../../store/blob/blob.ts";
import type { Relay } from "../relay/relay.ts";
import type { Loop } from "../run.ts";
import { resultUrls } from "./assignments.ts";
import { outputOfLines } from "./plain.ts";
import { refsOf, type TabRun } from "./runs.ts";

type Parts = { readonly loop: Loop; readonly blobs: Blobs; readonly relay: Relay };

/** Characters of all results that wait. */
const waitingMaxChars = 512 * 1024 * 1024;

export class PlainResults {
  readonly #parts: Parts;
  readonly #waiting = new Map<string, Map<number, string>>();
  #chars = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  put(ticket: string, part: number, text: string): void {
    if (this.#chars + text.length > waitingMaxChars) {
      throw new ClusterError("unavailable", "too many results of browsers wait; put it again");
    }
    const results = this.#waiting.get(ticket) ?? new Map<number, string>();
    this.#waiting.set(ticket, results);
    this.#chars += text.length - (results.get(part)?.length ?? 0);
    results.set(part, text);
  }

  forget(ticket: string): void {
    for (const text of this.#waiting.get(ticket)?.values() ?? []) this.#chars -= text.length;
    this.#waiting.delete(ticket);
  }

  /** The report of a finished run whose results lie at `urls`. */
  async collect(run: TabRun, urls: readonly string[]): Promise<AttemptReport> {
    const { loop } = this.#parts;
    const [ref] = refsOf(run);
    if (ref === undefined) throw new ClusterError("not-found", "the task is over");
    const { attempt, task } = ref;
    const durationMs = loop.nowMs() - run.givenAtMs;
    const expected = resultUrls(loop.state, run.job, run);
    const results = this.#waiting.get(run.ticket) ?? new Map<number, string>();
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
    } finally {
      this.forget(run.ticket);
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
    if (stage?.kind === "tasks") {
      const value = oneLine(first);
      return { root: "", sizeBytes: value.length, records: 1, value };
    }
    const count = stage?.partitionCount ?? 0;
    if (count === 0) {
      const bytes = Buffer.from(first);
      const records = first.split("\n").filter((line) => line !== "").length;
      const root = bytes.length === 0 ? "" : (await blobs.put([bytes])).hash;
      return { root, sizeBytes: bytes.length, records };
    }
    const made = outputOfLines(Array.from({ length: count }, (_, i) => results.get(i) ?? null));
    await relay.putManifest(ref, one(made.manifest));
    const { manifest, root } = await relay.putRun(ref, one(made.run));
    return { root, sizeBytes: manifest.sizeBytes, records: made.records };
  }
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
