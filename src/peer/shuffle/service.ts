/** The calls by which other workers read outputs of a job that lie on this disk. */
import { randomBytes } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { ClusterError } from "../../core/error.ts";
import type { AttemptRef, JobId } from "../../core/ids.ts";
import type { Sink } from "../../link/grpc/answer.ts";
import type { Call, Method } from "../../link/grpc/server.ts";
import { hit } from "../../store/failpoint.ts";
import { decode, encode, fileBytesParts } from "../../wire/p4/data.ts";
import { data as legal } from "../../wire/p4/legality.ts";
import * as shuffle from "../../wire/p4/shuffle.ts";
import { Readers } from "../serve/pieces.ts";
import { isProof } from "./ticket.ts";

/** Where bytes lie on this disk. */
export type Range = { readonly path: string; readonly offset: number; readonly sizeBytes: number };

/** What is needed to check tickets of a job. */
export type JobKey = {
  readonly key: string;
  /** The coordinator's clock, now. */
  readonly nowMs: number;
};

export type ShuffleOptions = {
  /** Null when the job is not open here. */
  readonly keyOf: (job: string) => JobKey | null;
  /** `part` as the wire has it. Null when there is no such output. */
  readonly find: (ref: AttemptRef, part: number) => Promise<Range | null>;
  readonly limits?: Partial<ShuffleLimits>;
};

export type ShuffleLimits = {
  /** Of one connection: challenges that are not answered yet, and sessions. */
  readonly challengesMax: number;
  readonly sessionsMax: number;
  /** Streams of content at once; each holds 2 MiB. More wait. */
  readonly readersMax: number;
  /** Longest time that the receiver may take to accept a message, ms. */
  readonly sendMs: number;
};

export const defaultShuffleLimits: ShuffleLimits = {
  challengesMax: 16,
  sessionsMax: 1_024,
  readersMax: 64,
  sendMs: 30_000,
};

type Session = { readonly job: JobId; readonly stage: number; readonly expiresMs: number };

/** What one connection has been given: invalid on another. */
type Guest = { readonly challenges: Set<string>; readonly sessions: Map<string, Session> };

export class ShuffleService {
  readonly #options: ShuffleOptions;
  readonly #limits: ShuffleLimits;
  readonly #readers: Readers;
  readonly #guests = new WeakMap<object, Guest>();

  constructor(options: ShuffleOptions) {
    this.#options = options;
    this.#limits = { ...defaultShuffleLimits, ...options.limits };
    this.#readers = new Readers(this.#limits.readersMax);
  }

  methods(): Readonly<Record<string, Method>> {
    const { requestMaxBytes } = legal[shuffle.shufflePaths.open];
    return {
      [shuffle.shufflePaths.challenge]: {
        requestMaxBytes,
        handle: (_, call, sink) => this.#challenge(call, sink),
      },
      [shuffle.shufflePaths.open]: { requestMaxBytes, handle: (...args) => this.#open(...args) },
      [shuffle.shufflePaths.read]: { requestMaxBytes, handle: (...args) => this.#read(...args) },
    };
  }

  async #challenge(call: Call, sink: Sink): Promise<void> {
    const { challenges } = this.#guest(call);
    const challenge = randomBytes(shuffle.challengeBytes);
    challenges.add(challenge.toString("hex"));
    dropOldest(challenges, this.#limits.challengesMax);
    const { answer } = shuffle.shuffleMaxBytes;
    await sink.send([encode(shuffle.challengeAnswer, { challenge }, answer)]);
  }

  async #open(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const asked = decode(shuffle.openStageRequest, request);
    const { challenges, sessions } = this.#guest(call);
    const isFresh = challenges.delete(Buffer.from(asked.challenge).toString("hex"));
    const judge = this.#options.keyOf(asked.job);
    if (!isFresh || judge === null || !isProof(judge.key, asked, asked)) {
      throw refused(`no ticket for stage ${asked.stage} of ${asked.job}`);
    }
    if (asked.expiresMs <= judge.nowMs)
      throw refused(`the ticket of ${asked.requester} has expired`);
    const session = randomBytes(16);
    const { expiresMs, job, stage } = asked;
    sessions.set(session.toString("hex"), { job: job as JobId, stage, expiresMs });
    dropOldest(sessions, this.#limits.sessionsMax);
    const { answer } = shuffle.shuffleMaxBytes;
    await sink.send([encode(shuffle.openStageAnswer, { session }, answer)]);
  }

  async #read(request: Uint8Array, call: Call, sink: Sink): Promise<void> {
    const { attempt, part, session, task } = decode(shuffle.readPartRequest, request);
    const { job, stage } = this.#session(call, session);
    const range = await this.#options.find({ job, stage, task, attempt }, part);
    if (range === null) {
      throw new ClusterError("not-found", `there is no such output of task ${task} of ${job} here`);
    }
    if (range.sizeBytes === 0) return;
    hit("shuffle.serve", "before");
    const file = await open(range.path, "r");
    try {
      await this.#readers.use(call.signal, (slabs) =>
        this.#send(file, range, { slabs, sink, signal: call.signal }),
      );
    } finally {
      await file.close();
    }
    hit("shuffle.serve", "after");
  }

  /** One slab is read while the other is being sent. */
  async #send(
    file: FileHandle,
    { offset, sizeBytes }: Range,
    to: { slabs: readonly Uint8Array[]; sink: Sink; signal: AbortSignal },
  ): Promise<void> {
    const busy: Array<Promise<void>> = to.slabs.map(() => Promise.resolve());
    let turn = 0;
    for (let at = 0; at < sizeBytes; at += shuffle.partMessageBytes) {
      const index = turn++ % to.slabs.length;
      await this.#inTime(busy[index]!);
      to.signal.throwIfAborted();
      const length = Math.min(shuffle.partMessageBytes, sizeBytes - at);
      const content = to.slabs[index]!.subarray(0, length);
      await readWhole(file, content, offset + at);
      busy[index] = to.sink.send(fileBytesParts(content));
      // Reported where it is awaited.
      busy[index].catch(() => {});
    }
    for (const sent of busy) await this.#inTime(sent);
  }

  async #inTime(sent: Promise<void>): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const text = `nothing was taken for ${this.#limits.sendMs} ms`;
    const timer = setTimeout(
      () => reject(new ClusterError("timed-out", text)),
      this.#limits.sendMs,
    );
    await Promise.race([sent, promise]).finally(() => clearTimeout(timer));
  }

  #guest({ connection }: Call): Guest {
    const known = this.#guests.get(connection);
    if (known !== undefined) return known;
    const guest: Guest = { challenges: new Set(), sessions: new Map() };
    this.#guests.set(connection, guest);
    return guest;
  }

  /** A session ends with its ticket, and with its job. */
  #session(call: Call, id: Uint8Array): Session {
    const session = this.#guest(call).sessions.get(Buffer.from(id).toString("hex"));
    const judge = session === undefined ? null : this.#options.keyOf(session.job);
    if (session !== undefined && judge !== null && judge.nowMs < session.expiresMs) return session;
    throw refused("no such session on this connection, or it has expired");
  }
}

function refused(why: string): ClusterError {
  return new ClusterError("unauthenticated", `${why}; ask the coordinator for another ticket`);
}

function dropOldest(all: Set<string> | Map<string, unknown>, max: number): void {
  for (const key of all.keys()) {
    if (all.size <= max) return;
    all.delete(key);
  }
}

async function readWhole(file: FileHandle, into: Uint8Array, position: number): Promise<void> {
  for (let filled = 0; filled < into.length; ) {
    const left = into.length - filled;
    const { bytesRead } = await file.read(into, filled, left, position + filled);
    if (bytesRead === 0) throw new ClusterError("data-lost", "the output is cut");
    filled += bytesRead;
  }
}
