/** The loop of a worker: facts into the core, its orders out to link, slots and clock.
 *
 *  It knows neither sockets nor processes nor the clock of the machine, so a simulator drives this
 *  same loop with links in memory and tasks that only pretend. */

import { ClusterError } from "../core/error.ts";
import type { Failure } from "../core/job.ts";
import {
  newWorkerState,
  nextWakeMs,
  step,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerRules,
  type WorkerState,
} from "../core/worker.ts";
import type { Link } from "../link/link.ts";
import { hit } from "../store/failpoint.ts";
import type { JobOpen, StageSources } from "../wire/manager/messages.ts";
import type {
  Executor,
  ExecutorEvents,
  Program,
  RunEvent,
  Serving,
  WithoutTime,
  WorkerTimers,
} from "./executor.ts";
import { ManagerTalk, type TalkEvents } from "./manager/conversation.ts";
import type { Identity, Specs } from "./manager/introduction.ts";
import { ModuleTasks } from "./manager/module-tasks.ts";
import { Notes } from "./manager/notes.ts";

export type WorkerLoopOptions = {
  readonly rules: WorkerRules;
  readonly timers: WorkerTimers;
  /** A number in [0, 1). */
  readonly chance: () => number;
  /** Opens a link to the coordinator, showing this token; "" = the join token. */
  readonly dial: (credential: string) => Promise<Link>;
  /** Asked for each new link: the worker's address may have changed. */
  readonly specs: () => Specs | Promise<Specs>;
  /** Its earlier identity, for a process that continues where another ended; a new worker by
   *  default. While the other process still runs, the coordinator refuses this one (`fenced`). */
  readonly identity?: Pick<Identity, "workerId" | "credential">;
  readonly executor: (events: ExecutorEvents) => Executor;
  readonly onNews?: (news: WorkerNews) => void;
};

/** For people. Each failed try is reported; a program that shows them shows the same reason
 *  once. */
export type WorkerNews = {
  /** `unreachable`: no try has reached the coordinator; `apart`: the link is gone, or it does not
   *  want this worker now; `store`: the object store of partitions is not used for a while. */
  readonly kind: "joined" | "unreachable" | "apart" | "disk" | "leaving" | "store";
  readonly text: string;
  /** Until the next try to reach the coordinator, ms; 0 = none is needed. */
  readonly retryMs: number;
};

type HandedOver = Extract<RunEvent, { kind: "handed-over" }>;

/** Codes after which another try would end the same way. */
const finalCodes: ReadonlySet<string> = new Set([
  "unauthenticated",
  "forbidden",
  "version-mismatch",
  "fenced",
  "conflict",
  "bad-request",
]);

export class WorkerLoop {
  readonly state: WorkerState;
  readonly #options: WorkerLoopOptions;
  readonly #executor: Executor;
  readonly #notes: Notes;
  readonly #ended = Promise.withResolvers<Failure | null>();
  #tasksDone = 0;
  readonly #identity: Identity;
  readonly #modules = new ModuleTasks();
  #talk: ManagerTalk | null = null;
  #dials = 0;
  #hasJoined: boolean;
  #inbox: WithoutTime<WorkerEvent>[] = [];
  #draining = false;
  #cancelTimer = () => {};
  #endHandOver = () => {};
  #armedMs = Infinity;

  constructor(options: WorkerLoopOptions) {
    this.#options = options;
    this.#identity = { workerId: "", credential: "", tag: null, ...options.identity };
    this.#hasJoined = this.#identity.workerId !== "";
    this.state = newWorkerState(options.rules);
    this.#notes = new Notes(options.timers, (notes) => this.#talk?.notes(notes) ?? false);
    this.#executor = options.executor({
      tell: (event) => {
        if (event.kind === "run-reported") this.#tasksDone += countDone(event.reports);
        if (event.kind === "handed-over") this.#tell("leaving", handedOverText(event));
        this.#post(event);
      },
      note: (notes) => this.#notes.add(notes),
    });
  }

  /** Resolves when the worker has ended: null when it was asked to stop, else why. */
  get ended(): Promise<Failure | null> {
    return this.#ended.promise;
  }

  /** `w-7` once joined; "" before. */
  get workerId(): string {
    return this.#identity.workerId;
  }

  /** Attempts that ended well here, whatever the coordinator made of them. */
  get tasksDone(): number {
    return this.#tasksDone;
  }

  /** What it shows to the coordinator's HTTP edge; "" before it has joined. */
  get credential(): string {
    return this.#identity.credential;
  }

  start(): void {
    this.#wake();
  }

  /** `isDrain`: stays for up to `graceMs` while its map outputs are needed, too. */
  stop(graceMs: number, isDrain = false): Promise<Failure | null> {
    this.#post({ kind: "stop-asked", graceMs, isDrain });
    return this.ended;
  }

  /** Leaves its link and dials again: another coordinator leads. */
  redial(reason: string): void {
    if (this.#talk === null) return;
    this.#hangUp(reason);
    this.#post({ kind: "link-lost", reason, chance: this.#options.chance() });
    this.#tell("apart", reason);
  }

  /** Nothing new is taken while there is a reason; "" = there is room again. */
  diskChanged(reason: string): void {
    this.#tell("disk", reason === "" ? "there is room again" : `takes nothing new: ${reason}`);
    this.#post({ kind: "disk-changed", reason });
  }

  /** How busy its machine is, 0 to 1: for people; may be dropped. */
  loadChanged(cpuShare: number): void {
    this.#notes.add({ cpuShare });
  }

  /** Events that follow from an effect wait until the effects before them are performed. */
  #post(event: WithoutTime<WorkerEvent>): void {
    this.#inbox.push(event);
    if (this.#draining) return;
    this.#draining = true;
    try {
      for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
        const atMs = this.#options.timers.monotonicMs();
        for (const effect of step(this.state, { ...next, atMs } as WorkerEvent)) {
          this.#perform(effect);
        }
      }
    } finally {
      this.#draining = false;
    }
    this.#arm();
  }

  #arm(): void {
    const wakeMs = Math.min(nextWakeMs(this.state), this.#talk?.nextDeadlineMs() ?? Infinity);
    if (wakeMs === this.#armedMs) return;
    this.#cancelTimer();
    this.#armedMs = wakeMs;
    if (wakeMs === Infinity) return;
    const delayMs = Math.max(0, wakeMs - this.#options.timers.monotonicMs());
    // Timers may fire a little early; a whole ms more spares an empty turn.
    this.#cancelTimer = this.#options.timers.after(Math.ceil(delayMs), () => {
      this.#armedMs = Infinity;
      this.#wake();
    });
  }

  #wake(): void {
    this.#talk?.checkAnswers();
    this.#post({ kind: "time-passed", chance: this.#options.chance() });
  }

  #perform(effect: WorkerEffect): void {
    switch (effect.kind) {
      case "dial":
        void this.#dial();
        break;
      case "join":
        hit("worker.join", "before");
        this.#talk?.join(effect.holding, this.#serving());
        hit("worker.join", "after");
        break;
      case "ping":
        this.#talk?.ping();
        break;
      case "say-bye":
        hit("worker.bye", "before");
        this.#talk?.bye();
        hit("worker.bye", "after");
        break;
      case "hang-up":
        if (this.state.relation.state === "apart") this.#tell("apart", effect.reason);
        this.#hangUp(effect.reason);
        break;
      case "start":
        hit("worker.start", "before");
        this.#executor.start(effect);
        hit("worker.start", "after");
        break;
      case "kill":
        this.#executor.kill(effect.run);
        break;
      case "report":
        this.#notes.flushLogs();
        hit("worker.report", "before");
        this.#talk?.report(effect.batch, effect.reports);
        hit("worker.report", "after");
        break;
      case "tell-started":
        this.#talk?.started(effect.attempt);
        break;
      case "tell-pause":
        this.#talk?.paused(effect.reason);
        break;
      case "tell-leaving":
        this.#talk?.leaving(effect.reason);
        this.#tell("leaving", `takes nothing new: ${effect.reason}`);
        break;
      case "hand-over":
        this.#endHandOver = this.#executor.handOver();
        break;
      case "close-job":
        this.#executor.closeJob(effect.job);
        break;
      case "end":
        this.#endHandOver();
        this.#hangUp("ended");
        this.#notes.close();
        this.#ended.resolve(effect.failure);
        break;
    }
  }

  /** What others may fetch, and every other job that is open: one that has ended is then closed. */
  #serving(): Serving {
    const serving = this.#executor.serving();
    const named = new Set(serving.map(({ job }) => job));
    const others = [...this.state.jobs.keys()].filter((job) => !named.has(job));
    return [...serving, ...others.map((job) => ({ job, stage: 0, tasks: [] }))];
  }

  #tell(kind: WorkerNews["kind"], text: string): void {
    const { relation } = this.state;
    // The reason why the worker ends is reported by `ended`.
    if (relation.state === "ended") return;
    const waitMs = relation.atMs - this.#options.timers.monotonicMs();
    // 0 would say that there is no next try; on a busy machine it may be due already.
    const retryMs = relation.state === "apart" ? Math.max(1, waitMs) : 0;
    this.#options.onNews?.({ kind, text, retryMs });
  }

  #hangUp(reason: string): void {
    this.#dials += 1;
    this.#talk?.close(reason);
    this.#talk = null;
  }

  async #dial(): Promise<void> {
    this.#hangUp("a new link is dialled");
    const dial = this.#dials;
    let link: Link;
    let specs: Specs;
    try {
      hit("worker.dial", "before");
      link = await this.#options.dial(this.#identity.credential);
      const now = this.#options.specs();
      specs = now instanceof Promise ? await now : now;
      hit("worker.dial", "after");
    } catch (error) {
      if (dial === this.#dials) this.#dialFailed(error as Error);
      return;
    }
    if (dial !== this.#dials) {
      link.close("no longer wanted");
      return;
    }
    this.#talk = new ManagerTalk(link, {
      timers: this.#options.timers,
      specs,
      identity: this.#identity,
      modules: this.#modules,
      state: this.state,
      events: this.#talkEvents(dial),
    });
    this.#post({ kind: "link-opened" });
  }

  #dialFailed(error: Error): void {
    const chance = this.#options.chance();
    const isVoid = error instanceof ClusterError && this.#isVoid(error.code);
    if (!isVoid && error instanceof ClusterError && this.#isFinal(error)) {
      const failure = { code: error.code, message: error.text };
      this.#post({ kind: "refused", final: true, failure, chance });
      return;
    }
    if (isVoid) this.#forget();
    this.#post({ kind: "link-lost", reason: error.message, chance });
    const text = error instanceof ClusterError ? error.text : error.message;
    this.#tell("unreachable", `cannot reach the coordinator: ${text}`);
  }

  /** Until it has joined, an error that a retry cannot resolve means that the address is wrong;
   *  later another server may answer there for a while. */
  #isFinal({ code, retryable }: ClusterError): boolean {
    return finalCodes.has(code) || (!this.#hasJoined && !retryable);
  }

  /** The events of the session over one link; they are ignored once another link is dialled. */
  #talkEvents(dial: number): TalkEvents {
    const isCurrent = () => dial === this.#dials;
    const { chance } = this.#options;
    return {
      post: (event: WithoutTime<WorkerEvent>) => {
        if (!isCurrent()) return;
        if (event.kind === "welcomed") {
          this.#hasJoined = true;
          const { workerId } = this.#identity;
          // An existing manager sends no worker id.
          this.#tell("joined", workerId === "" ? "joined" : `joined as ${workerId}`);
        }
        this.#post(event);
      },
      lost: (reason: string) => {
        if (!isCurrent()) return;
        this.#hangUp(reason);
        this.#post({ kind: "link-lost", reason, chance: chance() });
        this.#tell("apart", `link lost: ${reason}`);
      },
      broken: () => {
        if (isCurrent()) this.#post({ kind: "relation-broken", chance: chance() });
      },
      refused: (failure: Failure) => {
        if (!isCurrent()) return;
        const isVoid = this.#isVoid(failure.code);
        if (isVoid) this.#forget();
        const final = !isVoid && finalCodes.has(failure.code);
        this.#post({ kind: "refused", final, failure, chance: chance() });
      },
      openJob: (job: JobOpen, program?: Program) => this.#executor.openJob(job, program),
      setSources: (sources: StageSources) => this.#executor.setSources(sources),
    };
  }

  /** The coordinator does not know this worker any more: it may come again as a new one. */
  #isVoid(code: string): boolean {
    return this.#identity.workerId !== "" && (code === "not-found" || code === "unauthenticated");
  }

  /** Everything that it was given is void. */
  #forget(): void {
    this.#identity.workerId = "";
    this.#identity.credential = "";
    for (const job of [...this.state.jobs.keys()]) this.#post({ kind: "job-closed", job });
  }
}

function handedOverText({ isWhole, outputs, sizeBytes }: HandedOver): string {
  const rest = isWhole ? "none is needed here any more" : "the others stay here while it can serve";
  return `handed over ${outputs} map outputs (${sizeBytes} bytes) to the coordinator; ${rest}`;
}

function countDone(reports: Extract<RunEvent, { kind: "run-reported" }>["reports"]): number {
  return reports.reduce((sum, report) => sum + (report.kind === "done" ? 1 : 0), 0);
}
