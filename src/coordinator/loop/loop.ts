/** The loop of the coordinator: events in, one append per batch, then `step`, then the effects.
 *
 *  It uses neither sockets nor the clock of the machine, so a simulator can drive the same loop.
 *
 *  1. An event is durable before `step` sees it and before any of its effects is performed.
 *  2. `step` sees what a replay will see: the event as its record reads.
 *  3. The answer to an event (`reply`, `refuse`) is returned before its other effects are
 *     performed.
 *  4. A full disk refuses the batch and nothing else; any other failure of the log, and a failed
 *     assertion, ends the loop (`onFatal`): the log restores the state at the next start. */
import {
  backBy,
  type CoordinatorState,
  jumpMinMs,
  nextWakeMs,
  step,
} from "../../core/coordinator.ts";
import type { Effect } from "../../core/effect.ts";
import { ClusterError, type ErrorCode } from "../../core/error.ts";
import type { CoordinatorEvent } from "../../core/event.ts";
import { hit } from "../../store/failpoint.ts";
import {
  encodeBody,
  encodeSnapshot,
  eventOf,
  type LogEnd,
  type NewEvent,
  type Recordable,
  type Reply,
  recordBytes,
  replay,
  textBytes,
} from "./journal.ts";
import type { LoopOptions, OuterEffect } from "./options.ts";
import { refusalOf } from "./refusal.ts";
import { LogClock } from "./timers.ts";

export type { LoopOptions, OuterEffect };

type Posted = Recordable & {
  readonly answered: (reply: Reply) => void;
  readonly refused: (error: Error) => void;
  /** For `clock-corrected`: events before it have the old time. */
  readonly backMs?: number;
};

/** Replaying fewer records takes no longer than reading a snapshot. */
const snapshotRecordsMin = 1_000;
/** After a start that read more than this, the first snapshot is delayed, ms. */
const largeStartBytes = 8 * 1024 * 1024;
const largeStartMs = 10_000;
/** Delay of `time-passed` after the disk was full, ms. */
const fullRetryMs = 1_000;
/** The size assumed for a snapshot that is too large for the log: about the log's limit. */
const tooLargeBytes = 512 * 1024 * 1024;
/** Longest delay of a timer, ms: longer ones overflow on some platforms. */
const timerMaxMs = 3_600_000;

/** The log refused without damage; after any other error it cannot be trusted any more. */
function nothingWritten(error: unknown): error is ClusterError {
  return error instanceof ClusterError && harmlessCodes.has(error.code);
}
const harmlessCodes: ReadonlySet<ErrorCode> = new Set([
  "storage-full",
  "unavailable",
  "limit-exceeded",
]);

export class Loop {
  readonly #options: Required<Omit<LoopOptions, "warm">>;
  readonly #clock: LogClock;
  readonly #end: LogEnd;
  #inbox: Posted[] = [];
  #inboxChars = 0;
  #turning: Promise<void> | null = null;
  #phase: "open" | "closing" | "ended" = "open";
  #started = false;
  #startedAtMs = 0;
  #cancelTimer = () => {};
  #savedAtMs: number;
  /** No snapshot before this time. */
  #saveFromMs = Number.NEGATIVE_INFINITY;
  #sinceSnapshot = { records: 0, sizeBytes: 0 };
  /** By how much the clock was set back without a record in the log yet, ms. */
  #unloggedBackMs = 0;

  private constructor(options: LoopOptions, end: LogEnd) {
    this.#options = {
      inboxMax: 20_000,
      slotsPerOwner: 0,
      trustSeed: 0,
      checks: {},
      inboxMaxChars: 64 * 1024 * 1024,
      batchMax: 1_024,
      observe: () => {},
      snapshotRecords: 10_000,
      snapshotBytes: 64 * 1024 * 1024,
      snapshotEveryMs: 300_000,
      onReplay: () => {},
      ...options,
    };
    this.#end = end;
    this.#savedAtMs = options.timers.monotonicMs();
    this.#clock = new LogClock(options.timers, end.atMs);
  }

  /** Replays the log and appends `coordinator-started`. Rejects when the log cannot be read or
   *  written. */
  static async start(options: LoopOptions): Promise<Loop> {
    // Replayed records count, or a coordinator that restarts often would never take a snapshot.
    const since = { records: 0, sizeBytes: 0 };
    const end = await replay(options.log, {
      replayed(record, event, effects) {
        since.records += 1;
        since.sizeBytes += textBytes(record);
        options.observe?.(event, effects, record.position);
      },
      ...(options.onReplay === undefined ? {} : { onProgress: options.onReplay }),
      nowMs: () => options.timers.monotonicMs(),
      ...(options.warm === undefined ? {} : { from: options.warm }),
    });
    const loop = new Loop(options, end);
    loop.#sinceSnapshot = since;
    // A large one takes seconds, in which a coordinator that has just started would not serve.
    const isLarge = since.sizeBytes + end.snapshotBytes > largeStartBytes;
    if (isLarge) loop.#saveFromMs = options.timers.monotonicMs() + largeStartMs;
    end.epoch += 1;
    loop.#startedAtMs = loop.nowMs();
    hit("loop.start", "before");
    const { checks, slotsPerOwner, trustSeed } = loop.#options;
    const limits = {
      ...(slotsPerOwner === 0 ? {} : { slotsPerOwner }),
      ...(trustSeed === 0 ? {} : { trustSeed }),
      ...checks,
    };
    const aheadMs = loop.#startedAtMs - end.atMs;
    const jump = end.atMs > 0 && aheadMs >= jumpMinMs ? { aheadMs } : {};
    const started = { kind: "coordinator-started", epoch: end.epoch, retains: true } as const;
    await loop.post({ ...started, ...limits, ...jump });
    loop.followWall();
    if (loop.#unloggedBackMs > 0) await loop.confirm();
    loop.#startedAtMs -= loop.#clock.rebase();
    hit("loop.start", "after");
    loop.#started = true;
    return loop;
  }

  /** For `core/view.ts`; only `step` changes it. */
  get state(): CoordinatorState {
    return this.#end.state;
  }

  get epoch(): number {
    return this.#end.epoch;
  }

  /** Position of the last record; for tests and diagnosis. */
  get position(): number {
    return this.#end.position;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** As `nowMs`, but it never goes back: for durations within this process. */
  steadyMs(): number {
    return this.#clock.steadyMs();
  }

  /** To be called periodically: when the wall clock was far ahead at the start and has been
   *  corrected, the cluster's time follows it; see core/cluster/clock.ts. */
  followWall(): void {
    if (this.#phase !== "open" || this.#unloggedBackMs > 0) return;
    const byMs = backBy(this.#end.state, this.nowMs(), this.#options.timers.wallMs());
    if (byMs === 0) return;
    this.#clock.goBack(byMs);
    this.#unloggedBackMs = byMs;
    const body = encodeBody({ kind: "clock-corrected", byMs });
    this.#enqueue({ body, answered() {}, refused() {}, backMs: byMs });
  }

  /** When it began to write `coordinator-started`, by `steadyMs`: the log was its own at that time
   *  or later. */
  get startedAtMs(): number {
    return this.#startedAtMs;
  }

  /** False once it is stopping, or its log has failed: the state may be out of date then. */
  get isOpen(): boolean {
    return this.#phase === "open";
  }

  /** Resolves with the core's reply once the event is durable; rejects with its refusal, or with
   *  `unavailable` (the inbox is full), `storage-full`. `answered` is called synchronously before
   *  the other effects of the event, for callers that must be ready for them. `isRead`: it is made
   *  of decoded JSON, with nothing undefined or infinite in it, and left alone from now on. */
  post(event: NewEvent, answered?: (reply: Reply) => void, isRead = false): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const body = encodeBody(event);
    const refusal = this.#refusal(body);
    if (refusal !== null) {
      reject(refusal);
      return promise;
    }
    this.#enqueue({
      body,
      ...(isRead ? { read: event } : {}),
      answered: (reply) => {
        answered?.(reply);
        resolve(reply);
      },
      refused: reject,
    });
    return promise;
  }

  /** Resolves when all that is in the log up to now is in the state, and rejects when another
   *  coordinator has the log: for callers that delete what the state does not name. */
  async confirm(): Promise<void> {
    await this.post({ kind: "time-passed" });
  }

  /** Finishes what was posted and accepts no more. The caller closes the log. */
  async stop(): Promise<void> {
    if (this.#phase === "open") this.#phase = "closing";
    this.#cancelTimer();
    while (this.#phase === "closing" && (this.#turning !== null || this.#inbox.length > 0)) {
      await (this.#turning ?? this.#startTurns());
    }
    // Records in this snapshot are not replayed by the next start. A log that fails is closed
    // anyway.
    if (this.#phase === "closing" && this.#sinceSnapshot.records >= snapshotRecordsMin) {
      await this.#save().catch(() => {});
    }
    this.#phase = "ended";
  }

  #refusal(body: string): ClusterError | null {
    const { inboxMax, inboxMaxChars } = this.#options;
    if (this.#phase !== "open") {
      return new ClusterError("unavailable", "the coordinator is stopping; try again later");
    }
    if (this.#inbox.length >= inboxMax || this.#inboxChars + body.length > inboxMaxChars) {
      return new ClusterError(
        "unavailable",
        `${this.#inbox.length} events wait for the disk of the coordinator; try again in a second`,
      );
    }
    return null;
  }

  #enqueue(posted: Posted): void {
    this.#inbox.push(posted);
    this.#inboxChars += posted.body.length;
    if (this.#inbox.length === 1 && this.#turning === null) {
      this.#options.timers.soon(() => this.#startTurns());
    }
  }

  #startTurns(): Promise<void> {
    this.#turning ??= this.#turns();
    return this.#turning;
  }

  async #turns(): Promise<void> {
    // So that `#turning` is set before it is cleared, even when there is nothing to do.
    await null;
    while (this.#inbox.length > 0 && this.#phase !== "ended") {
      const batch = this.#inbox.splice(0, this.#options.batchMax);
      for (const { body } of batch) this.#inboxChars -= body.length;
      try {
        await this.#turn(batch);
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)), batch);
      }
    }
    this.#turning = null;
  }

  async #turn(batch: readonly Posted[]): Promise<void> {
    const { log } = this.#options;
    const nowMs = this.#clock.nowMs();
    let oldMs = this.#unloggedBackMs;
    const times = batch.map(({ backMs }) => {
      const atMs = nowMs + oldMs;
      if (backMs !== undefined) oldMs = 0;
      return atMs;
    });
    const records = batch.map(({ body }, index) => recordBytes(body, times[index]!));
    const goesBack = batch.some(({ backMs }) => backMs !== undefined);
    try {
      hit("loop.append", "before");
      await log.append(records, this.#end.position);
      hit("loop.append", "after");
    } catch (error) {
      if (!nothingWritten(error)) throw error;
      for (const posted of batch) posted.refused(error);
      // The next check finds the same again.
      if (goesBack) this.#clock.goBack(-this.#unloggedBackMs);
      if (goesBack) this.#unloggedBackMs = 0;
      return this.#arm(fullRetryMs);
    }
    if (goesBack) this.#unloggedBackMs = 0;
    for (const [index, posted] of batch.entries()) {
      const bytes = records[index]!;
      this.#end.position += 1;
      this.#sinceSnapshot.records += 1;
      const record = { position: this.#end.position, bytes };
      this.#sinceSnapshot.sizeBytes += textBytes(record);
      this.#apply(posted, eventOf(posted, record, times[index]!));
    }
    this.#end.atMs = this.#end.state.atMs;
    this.#arm(0);
    await this.#snapshot();
  }

  #apply(posted: Posted, event: CoordinatorEvent): void {
    let effects: Effect[];
    try {
      hit("loop.step", "before");
      effects = step(this.#end.state, event);
      hit("loop.step", "after");
    } catch (error) {
      throw new Error(
        `the core failed at record ${this.#end.position}: ${JSON.stringify(event).slice(0, 4_000)}`,
        { cause: error },
      );
    }
    this.#options.observe(event, effects, this.#end.position);
    const refuse = effects.find((effect) => effect.kind === "refuse");
    const reply = effects.find((effect) => effect.kind === "reply");
    hit("loop.reply", "before");
    if (refuse) posted.refused(refuse.error);
    else posted.answered(reply?.value ?? {});
    hit("loop.reply", "after");
    for (const effect of effects) {
      if (effect.kind === "reply" || effect.kind === "refuse") continue;
      hit("loop.perform", "before");
      this.#options.perform(effect);
      hit("loop.perform", "after");
    }
  }

  /** One timer, for the next deadline of the state, but at least `delayMinMs` from now. */
  #arm(delayMinMs: number): void {
    this.#cancelTimer();
    if (this.#phase !== "open") return;
    const wakeMs = nextWakeMs(this.#end.state);
    if (wakeMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(delayMinMs, wakeMs - this.#clock.nowMs(), 1);
    this.#cancelTimer = this.#options.timers.after(Math.min(delayMs, timerMaxMs), () => {
      if (this.#phase !== "open") return;
      if (this.#clock.nowMs() < wakeMs) return this.#arm(0);
      this.#enqueue({ body: encodeBody({ kind: "time-passed" }), answered() {}, refused() {} });
    });
  }

  async #snapshot(): Promise<void> {
    const { snapshotBytes, snapshotEveryMs, snapshotRecords, timers } = this.#options;
    const { records, sizeBytes } = this.#sinceSnapshot;
    if (timers.monotonicMs() < this.#saveFromMs) return;
    const isLate =
      records >= snapshotRecordsMin && timers.monotonicMs() - this.#savedAtMs >= snapshotEveryMs;
    if (records < snapshotRecords && sizeBytes < snapshotBytes && !isLate) return;
    const before = this.#end.snapshotBytes;
    if (sizeBytes < (before > snapshotBytes ? before : before / 8)) return;
    await this.#save();
  }

  async #save(): Promise<void> {
    const { log, timers } = this.#options;
    this.#sinceSnapshot = { records: 0, sizeBytes: 0 };
    this.#savedAtMs = timers.monotonicMs();
    try {
      hit("loop.snapshot", "before");
      const snapshot = encodeSnapshot(this.#end);
      await log.saveSnapshot(this.#end.position, snapshot);
      this.#end.snapshotBytes = snapshot.length;
      hit("loop.snapshot", "after");
      await log.trim(this.#end.position);
    } catch (error) {
      // Harmless: the records are all still there, and the next round retries.
      if (!nothingWritten(error)) throw error;
      // Retry rarely when it has grown too large: making it takes seconds.
      if (error.code === "limit-exceeded") this.#end.snapshotBytes = tooLargeBytes;
    }
  }

  #fail(error: Error, batch: readonly Posted[]): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#cancelTimer();
    const refusal = refusalOf(error);
    for (const posted of [...batch, ...this.#inbox]) posted.refused(refusal);
    this.#inbox = [];
    // Before that, the rejection of `start` reports it.
    if (this.#started) this.#options.onFatal(error);
  }
}
