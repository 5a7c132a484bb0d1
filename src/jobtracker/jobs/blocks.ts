/** Gives the blocks of one half of a job to workers, and waits until all are DONE.
 *
 *  1. A block is with one worker at a time; when its task no longer answers pings, or was reported
 *     and is not written, another worker gets it.
 *  2. It is DONE when its row says so, whatever has been reported: the report of a task that ended
 *     may be lost.
 *  3. It is over when its results have names, too: the next half reads what is named.
 *  4. A worker that has a block for longer than a limit loses it to another, though it answers
 *     pings. Our own never does: the cluster sees to its tasks.
 *  5. What cannot be counted once is not counted: blocks of which it is not known what they have
 *     left end the run, and the job is computed in another way.
 *  6. The same failure twice fails the job. */
import { ClusterError } from "../../core/error.ts";
import type { Listen } from "../../link/listen.ts";
import { openReplyServer } from "../../link/zeromq/reply-server.ts";
import { askOnce } from "../../link/zeromq/request.ts";
import { errorAnswer, okAnswer } from "../../wire/filesystem/answers.ts";
import { decodeMessage, encodeMessage } from "../../wire/filesystem/codec.ts";
import {
  parseTaskReport,
  splitAddress,
  type TaskRequest,
  taskPayload,
} from "../../wire/filesystem/jobs.ts";
import { requestBytesMax } from "../../wire/filesystem/limits.ts";
import type { Row } from "../files/file-system.ts";
import { answersPing } from "../ping-port.ts";
import { isSame, type RoomyWorker } from "../workers.ts";
import { type Fate, fateOf, type Given, type Patience } from "./given.ts";
import type { Mirror } from "./mirror.ts";

export type Block = { readonly id: string; readonly files: readonly string[] };

export type BlocksParts = {
  readonly mirror: Pick<Mirror, "blocks" | "named">;
  /** Whether blocks may have been given out before this tracker started. */
  readonly isResumed: boolean;
  readonly workers: () => Promise<readonly RoomyWorker[]>;
  /** Our own, among them. */
  readonly own: () => Listen;
  readonly task: Omit<TaskRequest, "block" | "files" | "answerTo">;
  /** Where this tracker listens for answers, and as workers reach it. */
  readonly host: string;
  readonly advertised: string;
  /** Why an address of a row is not pinged; null = it is. */
  readonly refuse: (host: string) => string | null;
  readonly signal: AbortSignal;
  readonly limits: BlockLimits;
  readonly onNews: (text: string) => void;
};

export type BlockLimits = Patience & {
  /** Between two looks at what is under way, ms: as existing trackers have it. */
  readonly lookEveryMs: number;
  readonly pingMs: number;
  /** Longest answer to TASK, ms: existing workers ask around for 2 s first. */
  readonly taskMs: number;
};

export const defaultBlockLimits: BlockLimits = {
  lookEveryMs: 3_000,
  pingMs: 2_000,
  taskMs: 8_000,
  takenMs: 5_000,
  writtenMs: 60_000,
  writingMs: 660_000,
  taskMaxMs: 3_600_000,
};

const failuresMax = 2;
const requestsMax = 64;
/** How long there may be no worker at all, ms. */
const noWorkerMs = 60_000;

/** Null when all are DONE; else why it is not known what is in the files of their results. */
export async function runBlocks(
  blocks: readonly Block[],
  parts: BlocksParts,
): Promise<string | null> {
  const run = new BlocksRun(blocks, parts);
  await run.open();
  try {
    return await run.untilDone();
  } finally {
    await run.close();
  }
}

class BlocksRun {
  readonly #parts: BlocksParts;
  readonly #blocks: ReadonlyMap<string, Block>;
  readonly #waiting: string[];
  readonly #given = new Map<string, Given>();
  /** How often each text came. */
  readonly #failures = new Map<string, number>();
  #wake = Promise.withResolvers<void>();
  #answers: { readonly port: number; close(): Promise<void> } | null = null;
  #hadWorkerMs = performance.now();
  /** Workers that did not end a block in time, by block. */
  readonly #overdue = new Map<string, Listen[]>();
  /** See `runBlocks`. */
  #uncertain: string | null = null;

  constructor(blocks: readonly Block[], parts: BlocksParts) {
    this.#parts = parts;
    this.#blocks = new Map(blocks.map((block) => [block.id, block]));
    this.#waiting = blocks.map(({ id }) => id);
  }

  /** Blocks that were given out before this tracker restarted stay with their workers. */
  async open(): Promise<void> {
    const rows = await this.#parts.mirror.blocks(this.#parts.task.task);
    for (const row of this.#parts.isResumed ? rows : []) {
      const at = this.#waiting.indexOf(row.block_id ?? "");
      if (at < 0) continue;
      const [id = ""] = this.#waiting.splice(at, 1);
      this.#given.set(id, givenTo(null, this.#placeOf(row)));
    }
    this.#answers = await openReplyServer({
      host: this.#parts.host,
      port: 0,
      parity: "even",
      requestMaxBytes: requestBytesMax,
      requestsMax,
      answer: async (frame) => this.#heard(frame),
    });
  }

  async close(): Promise<void> {
    await this.#answers?.close();
  }

  async untilDone(): Promise<string | null> {
    const { limits, signal } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      await this.#look();
      if (this.#uncertain !== null) return this.#uncertain;
      if (this.#waiting.length === 0 && this.#given.size === 0) return null;
      await this.#giveOut();
      await Promise.race([this.#wake.promise, pause(limits.lookEveryMs, signal)]);
      this.#wake = Promise.withResolvers();
    }
  }

  #heard(frame: Uint8Array): Uint8Array {
    try {
      const report = parseTaskReport(decodeMessage(frame));
      // ERROR names no block: whichever is silent next is the one.
      if ("info" in report) {
        this.#failures.set(report.info, (this.#failures.get(report.info) ?? 0) + 1);
      } else {
        this.#reported(report.block, report.worker);
      }
      this.#wake.resolve();
      return okAnswer();
    } catch (error) {
      if (error instanceof ClusterError) return errorAnswer(error);
      throw error;
    }
  }

  /** A worker that has lost the block to another may report it late. */
  #reported(id: string, from: Listen | null): void {
    const late = this.#overdue.get(id) ?? [];
    if (from !== null && late.some((one) => isSame(one, from))) return;
    this.#know(id, { reportedMs: performance.now() });
  }

  /** What the rows say, and which of the workers that compute still answer. */
  async #look(): Promise<void> {
    const { limits, mirror, task } = this.#parts;
    await Promise.all([...this.#given].map(([id, given]) => this.#seeAlive(id, given)));
    const rows = await mirror.blocks(task.task);
    const isAnyDone = rows.some(({ block_id: id = "", state }) => {
      return state === "DONE" && (this.#given.has(id) || this.#waiting.includes(id));
    });
    // Asked for after the rows: what a block that is DONE there has named is among them.
    const named = isAnyDone ? await mirror.named() : new Set<string>();
    const nowMs = performance.now();
    for (const row of rows) {
      const { block_id: id = "", state } = row;
      const isDone = state === "DONE";
      const given = this.#given.get(id);
      if (given === undefined) this.#takeBack(id, isDone);
      else {
        const place = given.ping === null ? this.#placeOf(row) : given.ping;
        const doneMs = isDone ? (given.doneMs ?? nowMs) : null;
        const writingMs = state === "WRITING" ? (given.writingMs ?? nowMs) : null;
        const now = this.#know(id, { ping: place, doneMs, writingMs });
        const facts = { isDone, hasResult: named.has(id) };
        this.#follow(id, now, fateOf(now, facts, { ...limits, ...this.#taskMax(now), nowMs }));
      }
    }
    const failure = [...this.#failures].find(([, count]) => count >= failuresMax);
    if (failure !== undefined) throw new ClusterError("user-error", failure[0]);
  }

  #taskMax({ worker }: Given): { readonly taskMaxMs: number } | null {
    const isOwn = worker !== null && isSame(worker, this.#parts.own());
    return isOwn ? { taskMaxMs: Number.POSITIVE_INFINITY } : null;
  }

  #follow(id: string, given: Given, fate: Fate): void {
    if (fate === "waits") return;
    if (fate === "unnamed") {
      this.#uncertain = `block ${id} is DONE, but its worker ended before it named the results`;
    } else if (fate === "unwritten") {
      this.#uncertain = `the file system does not end writing block ${id}`;
    }
    this.#given.delete(id);
    if (fate === "lost" || fate === "overdue") this.#waiting.push(id);
    if (fate === "overdue") this.#noteOverdue(id, given);
  }

  #noteOverdue(id: string, { ping, worker }: Given): void {
    const at = worker ?? ping;
    if (at === null) return;
    this.#overdue.set(id, [...(this.#overdue.get(id) ?? []), at]);
    const { limits, onNews, task } = this.#parts;
    const who = `worker ${at.host}:${at.port} has not ended block ${id} of job ${task.jobId}`;
    const limit = `${limits.taskMaxMs / 1_000} s (--jobtracker-task-limit)`;
    onNews(`${who} within ${limit}, though it answers pings; another worker gets the block`);
  }

  /** One that waits to be given again, and was done by its last worker after all. */
  #takeBack(id: string, isDone: boolean): void {
    const at = isDone ? this.#waiting.indexOf(id) : -1;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#given.set(id, givenTo(null, null));
  }

  #know(id: string, fields: Partial<Given>): Given {
    const known = { ...(this.#given.get(id) ?? givenTo(null, null)), ...fields };
    if (this.#given.has(id)) this.#given.set(id, known);
    return known;
  }

  /** Where its executor says that it answers pings; null = it names no place, or one that is
   *  refused. */
  #placeOf({ state = "", worker_ip: host = "", worker_port: port = "" }: Row): Listen | null {
    const isGiven = state !== "ADDED" && Number(port) > 0;
    return isGiven && this.#parts.refuse(host) === null ? { host, port: Number(port) } : null;
  }

  async #seeAlive(id: string, given: Given): Promise<void> {
    if (given.ping === null) return;
    const { limits, signal } = this.#parts;
    const isAlive = await answersPing(given.ping, { timeoutMs: limits.pingMs, signal });
    this.#know(id, { missed: isAlive ? 0 : given.missed + 1 });
  }

  async #giveOut(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const workers = [...(await this.#parts.workers())].sort((a, b) => b.room - a.room);
    if (workers.length > 0) this.#hadWorkerMs = performance.now();
    else if (performance.now() - this.#hadWorkerMs > noWorkerMs) {
      throw new ClusterError("unavailable", "no worker has answered for a minute");
    }
    const room = new Map(workers.map((worker) => [worker, worker.room]));
    const passedOver: string[] = [];
    while (this.#waiting.length > 0 && !this.#parts.signal.aborted) {
      const id = this.#waiting.shift() as string;
      const late = this.#overdue.get(id) ?? [];
      // The one with most room left, so that all get about the same.
      const [most] = [...room]
        .filter(([{ at }, left]) => left > 0 && !late.some((one) => isSame(one, at)))
        .sort(([, a], [, b]) => b - a);
      if (most === undefined) {
        passedOver.push(id);
        continue;
      }
      const isTaken = await this.#give(id, most[0].at);
      if (isTaken) room.set(most[0], most[1] - 1);
      else room.delete(most[0]);
    }
    for (const id of passedOver) this.#waiting.push(id);
  }

  async #give(id: string, worker: Listen): Promise<boolean> {
    const { advertised, limits, signal, task } = this.#parts;
    const answerTo = { host: advertised, port: this.#answers?.port ?? 0 };
    const { files } = this.#blocks.get(id) as Block;
    const message = encodeMessage("TASK", taskPayload({ ...task, block: id, files, answerTo }));
    const options = { timeoutMs: limits.taskMs, answerMaxBytes: requestBytesMax, signal };
    try {
      const answer = decodeMessage(await askOnce(worker, message, options));
      if (answer.name === "OK") {
        this.#given.set(id, givenTo(worker, splitAddress(answer, "task_ping")));
        // The executor calls it SUBMITTED itself: it may be DONE by now.
        return true;
      }
      this.#waiting.push(id);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code === "not-found") throw error;
      // The answer may be what was lost: its row says soon whether a worker has it.
      if (error.code === "timed-out") this.#given.set(id, givenTo(worker, null));
      else this.#waiting.push(id);
    }
    return false;
  }
}

function givenTo(worker: Listen | null, ping: Listen | null): Given {
  const times = { sinceMs: performance.now(), reportedMs: null, writingMs: null, doneMs: null };
  return { worker, ping, missed: 0, ...times };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
  });
}
