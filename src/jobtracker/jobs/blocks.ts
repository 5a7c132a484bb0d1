/** Gives the blocks of one half of a job to workers, and waits until all are DONE.
 *
 *  1. A block is with one worker at a time; when its task no longer answers pings, or was reported
 *     and is not written, another worker gets it.
 *  2. It is DONE when its row says so, whatever has been reported: the report of a task that ended
 *     may be lost.
 *  3. It is over when its results have names, too: the next half reads what is named.
 *  4. The same failure twice fails the job. */
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
import type { RoomyWorker } from "../workers.ts";
import { fateOf, type Given, type Patience } from "./given.ts";
import type { Mirror } from "./mirror.ts";

export type Block = { readonly id: string; readonly files: readonly string[] };

export type BlocksParts = {
  readonly mirror: Pick<Mirror, "blocks" | "named">;
  /** Whether blocks may have been given out before this tracker started. */
  readonly isResumed: boolean;
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
};

const failuresMax = 2;
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
    const rows = await this.#parts.mirror.blocks(this.#parts.task.task);
    for (const row of this.#parts.isResumed ? rows : []) {
      const at = this.#waiting.indexOf(row.block_id ?? "");
      if (at < 0) continue;
      const [id = ""] = this.#waiting.splice(at, 1);
      this.#given.set(id, givenTo(this.#placeOf(row)));
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
      } else {
        this.#know(report.block, { reportedMs: performance.now() });
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
        const now = this.#know(id, { ping: place, doneMs });
        const fate = fateOf(now, { isDone, hasResult: named.has(id) }, { ...limits, nowMs });
        if (fate === "unnamed") throw unnamed(id);
        if (fate !== "waits") this.#given.delete(id);
        if (fate === "lost") this.#waiting.push(id);
      }
    }
    const failure = [...this.#failures].find(([, count]) => count >= failuresMax);
    if (failure !== undefined) throw new ClusterError("user-error", failure[0]);
  }

  /** One that waits to be given again, and was done by its last worker after all. */
  #takeBack(id: string, isDone: boolean): void {
    const at = isDone ? this.#waiting.indexOf(id) : -1;
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    this.#given.set(id, givenTo(null));
  }

  #know(id: string, fields: Partial<Given>): Given {
    const known = { ...(this.#given.get(id) ?? givenTo(null)), ...fields };
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
    while (this.#waiting.length > 0 && !this.#parts.signal.aborted) {
      // The one with most room left, so that all get about the same.
      const [most] = [...room].sort(([, a], [, b]) => b - a);
      if (most === undefined || most[1] <= 0) return;
      const id = this.#waiting.shift() as string;
      const isTaken = await this.#give(id, most[0].at);
      if (isTaken) room.set(most[0], most[1] - 1);
      else room.delete(most[0]);
    }
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
        this.#given.set(id, givenTo(splitAddress(answer, "task_ping")));
        // The executor calls it SUBMITTED itself: it may be DONE by now.
        return true;
      }
      this.#waiting.push(id);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code === "not-found") throw error;
      // The answer may be what was lost: its row says soon whether a worker has it.
      if (error.code === "timed-out") this.#given.set(id, givenTo(null));
      else this.#waiting.push(id);
    }
    return false;
  }
}

function givenTo(ping: Listen | null): Given {
  return { ping, sinceMs: performance.now(), missed: 0, reportedMs: null, doneMs: null };
}

function unnamed(id: string): ClusterError {
  const text = `block ${id} is DONE, but its worker ended before it named the results`;
  return new ClusterError("data-lost", `${text}: remove the job and submit it again`);
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
