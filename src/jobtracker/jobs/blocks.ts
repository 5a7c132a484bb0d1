/** Gives the blocks of one half of a job to workers, and waits until all are DONE.
 *
 *  1. A block is with one worker at a time; when its task no longer answers pings, another worker
 *     gets it.
 *  2. It is DONE when its row says so, whatever has been reported: the report of a task that ended
 *     may be lost.
 *  3. The same failure twice fails the job. */
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
import type { RoomyWorker } from "../workers.ts";
import type { Mirror } from "./mirror.ts";

export type Block = { readonly id: string; readonly files: readonly string[] };

export type BlocksParts = {
  readonly mirror: Mirror;
  readonly workers: () => Promise<readonly RoomyWorker[]>;
  readonly task: Omit<TaskRequest, "block" | "files" | "answerTo">;
  /** Where this tracker listens for answers, and as workers reach it. */
  readonly host: string;
  readonly advertised: string;
  /** Why an address of a row is not pinged; null = it is. */
  readonly refuse: (host: string) => string | null;
  readonly signal: AbortSignal;
  readonly limits: BlockLimits;
};

export type BlockLimits = {
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
};

type Given = { readonly ping: Listen; missed: number };

const failuresMax = 2;
const missedMax = 2;
const requestsMax = 64;
/** How long there may be no worker at all, ms. */
const noWorkerMs = 60_000;

export async function runBlocks(blocks: readonly Block[], parts: BlocksParts): Promise<void> {
  const run = new BlocksRun(blocks, parts);
  await run.open();
  try {
    await run.untilDone();
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

  constructor(blocks: readonly Block[], parts: BlocksParts) {
    this.#parts = parts;
    this.#blocks = new Map(blocks.map((block) => [block.id, block]));
    this.#waiting = blocks.map(({ id }) => id);
  }

  /** Blocks that were given out before this tracker restarted stay with their workers. */
  async open(): Promise<void> {
    for (const row of await this.#parts.mirror.blocks(this.#parts.task.task)) {
      const { block_id: id = "", state = "", worker_ip: host = "", worker_port = "" } = row;
      const at = this.#waiting.indexOf(id);
      const isGiven = (state === "SUBMITTED" || state === "WRITING") && Number(worker_port) > 0;
      if (at < 0 || !isGiven || this.#parts.refuse(host) !== null) continue;
      this.#waiting.splice(at, 1);
      this.#given.set(id, { ping: { host, port: Number(worker_port) }, missed: 0 });
    }
    this.#answers = await openReplyServer({
      host: this.#parts.host,
      port: 0,
      requestMaxBytes: requestBytesMax,
      requestsMax,
      answer: async (frame) => this.#heard(frame),
    });
  }

  async close(): Promise<void> {
    await this.#answers?.close();
  }

  async untilDone(): Promise<void> {
    const { limits, signal } = this.#parts;
    for (;;) {
      signal.throwIfAborted();
      await this.#look();
      if (this.#waiting.length === 0 && this.#given.size === 0) return;
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
      }
      this.#wake.resolve();
      return okAnswer();
    } catch (error) {
      if (error instanceof ClusterError) return errorAnswer(error);
      throw error;
    }
  }

  /** What the rows say, and which of the workers that compute still answer. */
  async #look(): Promise<void> {
    const rows = await this.#parts.mirror.blocks(this.#parts.task.task);
    for (const { block_id: id = "", state } of rows) {
      if (state !== "DONE") continue;
      this.#given.delete(id);
      const at = this.#waiting.indexOf(id);
      if (at >= 0) this.#waiting.splice(at, 1);
    }
    await Promise.all([...this.#given].map(([id, given]) => this.#seeAlive(id, given)));
    const failure = [...this.#failures].find(([, count]) => count >= failuresMax);
    if (failure !== undefined) throw new ClusterError("user-error", failure[0]);
  }

  async #seeAlive(id: string, given: Given): Promise<void> {
    const options = { timeoutMs: this.#parts.limits.pingMs, answerMaxBytes: requestBytesMax };
    const isAlive = await askOnce(given.ping, encodeMessage("PING", {}), options).then(
      () => true,
      () => false,
    );
    given.missed = isAlive ? 0 : given.missed + 1;
    if (given.missed < missedMax || this.#given.get(id) !== given) return;
    this.#given.delete(id);
    this.#waiting.push(id);
  }

  async #giveOut(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const workers = [...(await this.#parts.workers())].sort((a, b) => b.room - a.room);
    if (workers.length > 0) this.#hadWorkerMs = performance.now();
    else if (performance.now() - this.#hadWorkerMs > noWorkerMs) {
      throw new ClusterError("unavailable", "no worker has answered for a minute");
    }
    const room = new Map(workers.map((worker) => [worker, worker.room]));
    while (this.#waiting.length > 0) {
      // The one with most room left, so that all get about the same.
      const [most] = [...room].sort(([, a], [, b]) => b - a);
      if (most === undefined || most[1] <= 0) return;
      const id = this.#waiting.shift() as string;
      const isTaken = await this.#give(id, most[0].at);
      if (isTaken) room.set(most[0], most[1] - 1);
      else {
        this.#waiting.push(id);
        room.delete(most[0]);
      }
    }
  }

  async #give(id: string, worker: Listen): Promise<boolean> {
    const { advertised, limits, task } = this.#parts;
    const answerTo = { host: advertised, port: this.#answers?.port ?? 0 };
    const { files } = this.#blocks.get(id) as Block;
    const message = encodeMessage("TASK", taskPayload({ ...task, block: id, files, answerTo }));
    try {
      const options = { timeoutMs: limits.taskMs, answerMaxBytes: requestBytesMax };
      const answer = decodeMessage(await askOnce(worker, message, options));
      if (answer.name !== "OK") return false;
      const ping = splitAddress(answer, "task_ping");
      this.#given.set(id, { ping, missed: 0 });
      // The executor calls it SUBMITTED itself: it may be DONE by now.
      return true;
    } catch (error) {
      if (error instanceof ClusterError && error.code !== "not-found") return false;
      throw error;
    }
  }
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
