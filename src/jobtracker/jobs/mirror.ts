/** The state of a job in its database, as existing clients and trackers read it. */
import { setTimeout as delay } from "node:timers/promises";
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import type { BlockState, JobPhase, JobRequest, TaskKind } from "../../wire/filesystem/jobs.ts";
import type { Cell, FileSystem, Payload, Row } from "../files/file-system.ts";

/** A file system that does not answer is asked so often: what is written may be written twice. */
const triesMax = 5;
const retryMs = 1_000;

export class Mirror {
  readonly #files: FileSystem;
  readonly #job: JobRequest;

  constructor(files: FileSystem, job: JobRequest) {
    this.#files = files;
    this.#job = job;
  }

  /** The job's row; null before there is one. Throws `not-found` when the job was removed. */
  async row(): Promise<Row | null> {
    const { databaseUrl, jobId } = this.#job;
    const asked = () => this.#files.rows(databaseUrl, "job", [["job_id", jobId]]);
    return (await this.#patiently(asked))[0] ?? null;
  }

  async insert(ping: Listen, resultUrl: string): Promise<void> {
    const { client, dataType, dataUrl, jobId } = this.#job;
    await this.#change("INSERTJOB", {
      job_id: jobId,
      tracker_ip_ping: ping.host,
      tracker_port_ping: String(ping.port),
      answer_ip: client.host,
      answer_port: String(client.port),
      status_phase: "GETWORKERS",
      map_data_url: dataUrl,
      result_url: resultUrl,
      job_state: "map",
      data_type: dataType,
    });
  }

  /** Writes which tracker has it now, and the client that its end is to be reported to. */
  async takeOver(ping: Listen): Promise<void> {
    const { client } = this.#job;
    await this.#update("job", [
      ["tracker_ip_ping", ping.host],
      ["tracker_port_ping", String(ping.port)],
      ["answer_ip", client.host],
      ["answer_port", String(client.port)],
    ]);
  }

  async phase(phase: JobPhase, kind: TaskKind): Promise<void> {
    await this.#update("job", [
      ["status_phase", phase],
      ["job_state", kind],
    ]);
  }

  /** Blocks of one kind with their slices, all `ADDED`, whatever they were before; any others of
   *  the kind, which an earlier tracker has left, are `ADDED`, too. */
  async addBlocks(kind: TaskKind, blocks: ReadonlyArray<readonly string[]>): Promise<void> {
    for (const [index, slices] of blocks.entries()) {
      const block = blockId(kind, index);
      const row = { block_id: block, state: "ADDED", phase: kind, slices_id: slices };
      await this.#change("INSERTBLOCK", row);
    }
    await this.allBlocks(kind, "ADDED");
  }

  /** One call for all rows of the kind: an existing file system takes 0.1 s and more for each. */
  async allBlocks(kind: TaskKind, state: BlockState, place: Listen | null = null): Promise<void> {
    await this.#updateBlocks(["phase", kind], state, place);
  }

  /** `place`: where the worker that computes it answers pings. */
  async block(block: string, state: BlockState, place: Listen | null = null): Promise<void> {
    await this.#updateBlocks(["block_id", block], state, place);
  }

  async #updateBlocks(which: Cell, state: BlockState, place: Listen | null): Promise<void> {
    const cells: Cell[] = [["state", state]];
    if (place !== null) {
      cells.push(["worker_ip", place.host], ["worker_port", String(place.port)]);
    }
    const { databaseUrl } = this.#job;
    await this.#patiently(() => this.#files.updateRow(databaseUrl, "block", [which, cells]));
  }

  async blocks(kind: TaskKind): Promise<Row[]> {
    const { databaseUrl } = this.#job;
    return this.#patiently(() => this.#files.rows(databaseUrl, "block", [["phase", kind]]));
  }

  /** Names of the block's slices. */
  async slices(block: string): Promise<string[]> {
    const { databaseUrl } = this.#job;
    const asked = () => this.#files.rows(databaseUrl, "slices_url", [["block_id", block]]);
    return (await this.#patiently(asked)).map(({ slice_url }) => slice_url ?? "");
  }

  async result(block: string, urls: readonly string[]): Promise<void> {
    await this.#change("BLOCKRESULT", { block_id: block, result_url: urls });
  }

  /** Ids of blocks that have named what they left. */
  async named(): Promise<Set<string>> {
    return new Set((await this.#allResults()).map(({ block_id }) => block_id ?? ""));
  }

  /** Urls that blocks of this kind have left. */
  async results(kind: TaskKind): Promise<string[]> {
    const rows = await this.#allResults();
    const own = rows.filter(({ block_id }) => block_id?.startsWith(`${kind}_`));
    return [...new Set(own.map(({ result_url }) => result_url ?? ""))];
  }

  #allResults(): Promise<Row[]> {
    const { databaseUrl } = this.#job;
    return this.#patiently(() => this.#files.rows(databaseUrl, "block_result", []));
  }

  async #update(table: "job", cells: readonly Cell[]): Promise<void> {
    const { databaseUrl, jobId } = this.#job;
    await this.#patiently(() =>
      this.#files.updateRow(databaseUrl, table, [["job_id", jobId], cells]),
    );
  }

  async #change(call: string, details: Payload): Promise<void> {
    await this.#patiently(() => this.#files.change(call, this.#job.databaseUrl, details));
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        const isSilence = error instanceof ClusterError && error.code === "timed-out";
        if (!isSilence || attempt >= triesMax || this.#files.isEnding) throw error;
      }
      await delay(retryMs);
    }
  }
}

export function blockId(kind: TaskKind, index: number): string {
  return `${kind}_${index}`;
}
