/** Further clients of a job that is computed here. The id of a job stands for names and first lines
 *  alone: who sends other functions or data under it must not get its result.
 *
 *  1. Who is answered is on the disk, and is compared after a restart, too.
 *  2. It is compared once the functions and data of the job have been read. Existing clients wait
 *     5 s for the answer of JOB, in which large data is not read: they get it before. */
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { typeErrors } from "../../wire/filesystem/answers.ts";
import type { JobRequest } from "../../wire/filesystem/jobs.ts";
import type { FileSystem } from "../files/file-system.ts";
import { contentOf } from "./cut.ts";
import type { JobEnd, KeptJob, KeptJobs } from "./kept.ts";

export type JoiningParts = {
  readonly kept: KeptJobs;
  readonly filesAt: (at: Listen) => Promise<FileSystem>;
  readonly isRunning: (jobId: string) => boolean;
  /** Of a job that runs: it waits for its end from now on. */
  readonly add: (job: KeptJob, client: Listen) => void;
  readonly tellEnd: (client: Listen, end: JobEnd) => void;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
};

export class Joining {
  readonly #parts: JoiningParts;
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: JoiningParts) {
    this.#parts = parts;
  }

  /** Durable when it returns. */
  take(job: KeptJob, request: JobRequest): void {
    this.#parts.kept.change(request.jobId, { joining: [...job.joining, request] });
    this.#begin(job.filesystem, request);
  }

  /** After a restart. */
  resume({ filesystem, joining }: KeptJob): void {
    for (const request of joining) this.#begin(filesystem, request);
  }

  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #begin(filesystem: Listen, request: JobRequest): void {
    const comparing = this.#compare(filesystem, request)
      .catch((error: unknown) => this.#failed(request, error))
      .finally(() => this.#underWay.delete(comparing));
    this.#underWay.add(comparing);
  }

  async #compare(filesystem: Listen, request: JobRequest): Promise<void> {
    const { add, filesAt, isRunning, kept, signal, tellEnd } = this.#parts;
    const { client, jobId } = request;
    const files = await filesAt(filesystem);
    const content = await contentOf({ files, job: request });
    const isSame = content === (await this.#contentFound(jobId));
    if (signal.aborted) return;
    this.#leave(request);
    const now = kept.find(jobId);
    if (isSame && now !== null && isRunning(jobId)) return add(now, client);
    const result = isSame ? kept.result(jobId) : null;
    tellEnd(client, result ?? refusal(jobId));
  }

  /** Of the job, as soon as it is known; of its last result when it has ended; else null. */
  async #contentFound(jobId: string): Promise<string | null> {
    const { isRunning, kept, signal } = this.#parts;
    for (;;) {
      const job = kept.find(jobId);
      // A result may be of earlier data, as long as the job runs.
      if (job === null) return kept.result(jobId)?.content ?? null;
      const isOver = job.end !== null || !isRunning(jobId) || signal.aborted;
      if (job.content !== null || isOver) return job.content;
      await kept.changed(jobId, signal);
    }
  }

  #failed(request: JobRequest, error: unknown): void {
    const { onError, signal, tellEnd } = this.#parts;
    if (signal.aborted) return;
    this.#leave(request);
    const isKnown = error instanceof ClusterError;
    if (!isKnown) onError(error);
    const info = isKnown ? error.text : "a bug of the coordinator; see its output";
    const type = isKnown ? typeErrors[error.code] : "InternalError";
    tellEnd(request.client, { info, type_error: type });
  }

  #leave({ client, jobId }: JobRequest): void {
    const { kept } = this.#parts;
    const joining = kept.find(jobId)?.joining.filter((one) => !isAt(one.client, client)) ?? [];
    kept.change(jobId, { joining });
  }
}

/** Whether it waits for the end of the job, or to be compared with it. */
export function isClientOf({ clients, joining }: KeptJob, client: Listen): boolean {
  const all = [...clients, ...joining.map((one) => one.client)];
  return all.some((one) => isAt(one, client));
}

function isAt(one: Listen, { host, port }: Listen): boolean {
  return one.host === host && one.port === port;
}

function refusal(jobId: string): JobEnd {
  const why = "its id is made of file names and first lines";
  const info = `job ${jobId} runs with other functions or data: ${why}; \
submit again when it has ended, or under other names`;
  return { info, type_error: typeErrors["bad-request"] };
}
