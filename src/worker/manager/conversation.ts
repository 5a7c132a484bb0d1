/** One link's conversation with the manager: its messages become events, our reports become
 *  messages.
 *
 *  Every request of the manager is answered; with NotMine when it needs a relation that is not
 *  there. */
import { type AttemptRef, type JobId, jobId } from "../../core/ids.ts";
import type { Failure, StageKind } from "../../core/job.ts";
import { attemptState, type WorkerEvent, type WorkerState } from "../../core/worker.ts";
import type { Link } from "../../link/link.ts";
import { hit } from "../../store/failpoint.ts";
import { bytesOfHex } from "../../wire/hex.ts";
import {
  type JobOpen,
  type ManagerMessage,
  type NodeType,
  programKinds,
  type StageSources,
  type TaskExecute,
  type TaskList,
  type TaskStatus,
  type WorkerNotes,
} from "../../wire/manager/messages.ts";
import { type Arrival, ManagerSession } from "../../wire/manager/session.ts";
import { clusterTagBytes, packTaskId, unpackTaskId } from "../../wire/manager/taskid.ts";
import type { Program, Serving, WithoutTime, WorkerTimers } from "../executor.ts";
import {
  decodeJson,
  encodeJson,
  type Identity,
  introduction,
  readRefusal,
  type Specs,
  unanswered,
} from "./introduction.ts";
import { type Accepted, isModuleTask, type ModuleTasks } from "./module-tasks.ts";
import { type Ended, Reporting } from "./reporting.ts";
import { attemptsIn } from "./result-lists.ts";
import { refusedStatus, stateStatus } from "./status.ts";

export type TalkEvents = {
  post(event: WithoutTime<WorkerEvent>): void;
  /** The link is closed, or of no more use. */
  lost(reason: string): void;
  /** NotMine or Bye. */
  broken(): void;
  refused(failure: Failure): void;
  /** `program`: of an existing manager. */
  openJob(job: JobOpen, program?: Program): void;
  setSources(sources: StageSources): void;
};

export type TalkOptions = {
  readonly timers: WorkerTimers;
  readonly specs: Specs;
  readonly identity: Identity;
  /** Outlives the link. */
  readonly modules: ModuleTasks;
  /** Read only: for TasksPing. */
  readonly state: WorkerState;
  readonly events: TalkEvents;
};

type Sent = {
  readonly kind: "join" | "ping" | "bye" | "report" | "status" | "notes" | "other";
  readonly sentAtMs: number;
  /** Of a report. */
  readonly batch: number;
};

export class ManagerTalk {
  readonly #link: Link;
  readonly #options: TalkOptions;
  readonly #session: ManagerSession;
  readonly #sent = new Map<number, Sent>();
  readonly #reporting: Reporting;
  /** The first that it sent; null = none yet. */
  #managerType: NodeType | null = null;
  #joined = false;
  #notesUnderWay = false;
  #closed = false;

  constructor(link: Link, options: TalkOptions) {
    this.#link = link;
    this.#options = options;
    const carrierIds = link.matchesAnswers === true;
    this.#session = new ManagerSession({ role: "worker", carrierIds });
    const { events, modules, timers } = options;
    this.#reporting = new Reporting({
      modules,
      post: (event) => events.post(event),
      isExtended: () => this.#session.extended,
      taskId: (ref) => packTaskId(this.#tag, ref),
      tag: () => this.#tag,
      unixS: () => Math.floor(timers.wallMs() / 1_000),
      request: (message, kind, batch) => this.#request(message, kind, batch),
    });
    link.onClose((reason) => this.#lose(reason));
    link.onFrame((frame) => this.#receive(frame));
  }

  join(holding: readonly AttemptRef[], serving: Serving): void {
    const { identity, specs } = this.#options;
    this.#request({ kind: "nodeTypeRequest", nodeType: "worker" }, "other");
    this.#request(introduction(specs, identity, { holding, serving }), "join");
  }

  ping(): void {
    this.#request({ kind: "managerPing" }, "ping");
  }

  bye(): void {
    this.#request({ kind: "managerBye" }, "bye");
  }

  report(batch: number, ended: readonly Ended[]): void {
    this.#reporting.report(batch, ended);
  }

  started(ref: AttemptRef): void {
    this.#reporting.started(ref);
  }

  /** False when they cannot be sent now; one message at a time. */
  notes(notes: WorkerNotes): boolean {
    if (!this.#joined || !this.#session.extended || this.#notesUnderWay) return false;
    this.#notesUnderWay = true;
    this.#request({ kind: "workerNotes", notes: encodeJson(notes) }, "notes");
    return true;
  }

  /** Unlike other notes it must arrive: when it is not acknowledged, the link is lost. */
  paused(reason: string): void {
    this.#takesNothing({ paused: reason });
  }

  leaving(reason: string): void {
    this.#takesNothing({ paused: reason, leaving: true });
  }

  #takesNothing(what: Pick<WorkerNotes, "paused" | "leaving">): void {
    if (!this.#session.extended) return;
    const notes: WorkerNotes = { logs: [], progress: [], ...what };
    this.#request({ kind: "workerNotes", notes: encodeJson(notes) }, "other");
  }

  nextDeadlineMs(): number {
    return this.#session.nextDeadlineMs();
  }

  /** A manager of ours that leaves a request without its answer is as good as gone. Of an existing
   *  one the request is given up, and a status sent again. */
  checkAnswers(): void {
    const overdue = this.#session.expired(this.#options.timers.monotonicMs());
    if (overdue.length === 0) return;
    if (!this.#isOfExisting) return this.#lose(unanswered(this.#joined, this.#managerType));
    for (const id of overdue) {
      const sent = this.#sent.get(id);
      this.#sent.delete(id);
      if (sent?.kind === "status") this.#reporting.unanswered();
    }
  }

  get #isOfExisting(): boolean {
    return this.#joined && !this.#session.extended;
  }

  close(reason: string): void {
    this.#closed = true;
    this.#link.close(reason);
  }

  #lose(reason: string): void {
    if (this.#closed) return;
    this.close(reason);
    this.#options.events.lost(reason);
  }

  #request(message: ManagerMessage, kind: Sent["kind"], batch = 0): void {
    if (this.#closed) return;
    try {
      const sentAtMs = this.#options.timers.monotonicMs();
      const { id, frame } = this.#session.request(message, sentAtMs);
      this.#sent.set(id, { kind, sentAtMs, batch });
      this.#link.send(frame);
    } catch (error) {
      this.#lose((error as Error).message);
    }
  }

  #receive(frame: Uint8Array): void {
    if (this.#closed) return;
    try {
      for (const arrival of this.#session.receive(frame)) {
        if (!this.#closed) this.#arrived(arrival);
      }
    } catch (error) {
      this.#lose((error as Error).message);
    }
  }

  #arrived(arrival: Arrival): void {
    const { message } = arrival;
    if (message.kind === "nodeTypeRequest" || message.kind === "nodeTypeAnswer") {
      this.#managerType ??= message.nodeType;
    }
    // Whatever it sends is a sign of life: it has no lease of this worker that could end before.
    if (this.#isOfExisting) {
      const { events, timers } = this.#options;
      events.post({ kind: "heard", sentAtMs: timers.monotonicMs() });
    }
    if (arrival.kind === "request") this.#asked(arrival.message, arrival.answer);
    else if (arrival.kind === "misplaced") this.#link.send(arrival.refusal);
    else if (arrival.kind === "answer") this.#answered(arrival.to, arrival.message);
  }

  #answered(to: number, message: ManagerMessage): void {
    const sent = this.#sent.get(to);
    this.#sent.delete(to);
    if (sent === undefined) return;
    const { events } = this.#options;
    if (message.kind === "notMine") {
      events.broken();
      return;
    }
    if (message.kind === "managerAnswer") this.#welcomed(message);
    if (this.#joined) events.post({ kind: "heard", sentAtMs: sent.sentAtMs });
    if (sent.kind === "bye") events.post({ kind: "bye-acked" });
    if (sent.kind === "notes") this.#notesUnderWay = false;
    if (sent.kind === "status" || sent.kind === "report") {
      this.#reporting.answered(sent.kind, sent.batch);
    }
  }

  /** A manager without our fields has the times of existing ones: a ping each 15 s, lost after 60
   *  s. */
  #welcomed(message: Extract<ManagerMessage, { kind: "managerAnswer" }>): void {
    const { events, identity } = this.#options;
    const { welcome } = message;
    if (!message.accepted) {
      events.refused(readRefusal(welcome?.refusal ?? ""));
      return;
    }
    const isManager = this.#managerType === "manager";
    if (this.#managerType === "worker" || (welcome === null && !isManager)) {
      this.bye();
      const what = this.#managerType === null ? "has not sent its node type" : "is a worker itself";
      const message = `${this.#link.remote} ${what}; it cannot be the manager of this worker`;
      events.refused({ code: "unavailable", message });
      return;
    }
    this.#joined = true;
    this.#reporting.readsLists = welcome?.readsLists ?? false;
    if (welcome !== null) {
      identity.workerId = welcome.workerId;
      if (welcome.credential !== "") identity.credential = welcome.credential;
    }
    const { leaseMs, heartbeatMs } = welcome ?? { leaseMs: 60_000, heartbeatMs: 15_000 };
    hit("worker.welcomed", "before");
    const existing = welcome === null ? { isExisting: true as const } : {};
    events.post({ kind: "welcomed", leaseMs, heartbeatMs, ...existing });
    hit("worker.welcomed", "after");
  }

  #asked(message: ManagerMessage, answer: (message: ManagerMessage) => Uint8Array): void {
    const reply = this.#replyTo(message);
    this.#link.send(answer(reply));
    if (reply.kind === "notMine") return;
    // After the Ack: what a message sets off may send more.
    this.#follow(message);
  }

  #replyTo(message: ManagerMessage): ManagerMessage {
    switch (message.kind) {
      case "nodeTypeRequest":
        return { kind: "nodeTypeAnswer", nodeType: "worker" };
      case "managerRequest":
        return { kind: "managerAnswer", accepted: false, welcome: null };
      case "managerBye":
        return { kind: "ack" };
    }
    if (!this.#joined) return { kind: "notMine" };
    if (message.kind === "managerPing") return { kind: "managerPong" };
    if (message.kind === "tasksPing") {
      const statuses = message.taskIds.map((id) => this.#statusOf(id));
      return { kind: "tasksPong", statuses };
    }
    return { kind: "ack" };
  }

  #follow(message: ManagerMessage): void {
    const { events } = this.#options;
    switch (message.kind) {
      case "managerBye":
        events.broken();
        break;
      case "tasksExecute":
        this.#execute(message.tasks);
        break;
      case "taskList":
        this.#executeList(decodeJson<TaskList>(message.list));
        break;
      case "tasksAbord": {
        for (const id of message.taskIds) this.#options.modules.abort(id);
        events.post({ kind: "aborted", attempts: this.#refsOf(message.taskIds) });
        break;
      }
      case "tasksReturn":
        events.post({ kind: "asked-back", attempts: this.#refsOf(message.taskIds) });
        break;
      case "jobOpen":
        this.#openJob(decodeJson<JobOpen>(message.job));
        break;
      case "stageSources":
        events.setSources(decodeJson<StageSources>(message.sources));
        break;
      case "jobClose":
        events.post({ kind: "job-closed", job: jobId(message.jobNumber) });
        break;
    }
  }

  #execute(tasks: readonly TaskExecute[]): void {
    const { identity, events } = this.#options;
    const byTimeout = new Map<number, AttemptRef[]>();
    const assign = (ref: AttemptRef, timeoutMs: number) => {
      const refs = byTimeout.get(timeoutMs) ?? [];
      if (refs.length === 0) byTimeout.set(timeoutMs, refs);
      refs.push(ref);
    };
    for (const { ref, timeoutMs } of this.#openModules(tasks.filter(isModuleTask))) {
      assign(ref, timeoutMs);
    }
    for (const task of tasks) {
      if (isModuleTask(task)) continue;
      const { taskId, timeoutS, timeoutMs } = task;
      const ref = unpackTaskId(taskId);
      if (ref === null) {
        const isModule = task.programKind === programKinds.wasm;
        this.#reporting.send(refusedStatus(taskId, isModule ? "download" : "aborted"));
        continue;
      }
      identity.tag ??= taskId.slice(2, 10);
      assign(ref, timeoutMs || timeoutS * 1000);
    }
    for (const [timeoutMs, attempts] of byTimeout) {
      events.post({ kind: "assigned", attempts, timeoutMs });
    }
  }

  #executeList(list: TaskList): void {
    const { identity, events } = this.#options;
    identity.tag ??= bytesOfHex(list.tag);
    events.post({ kind: "assigned", attempts: attemptsIn(list), timeoutMs: list.timeoutMs });
  }

  #openModules(tasks: readonly TaskExecute[]): Accepted["attempts"] {
    const { events, modules, state } = this.#options;
    const isHeld = (ref: AttemptRef) => attemptState(state, ref) !== null;
    for (const job of modules.abandoned(isHeld)) events.post({ kind: "job-closed", job });
    const { attempts, opened, repeated } = modules.accept(tasks, isHeld);
    for (const { job, program } of opened) this.#openJob(job, program);
    for (const status of repeated) this.#reporting.send(status);
    return attempts;
  }

  #openJob(job: JobOpen, program?: Program): void {
    const { events } = this.#options;
    events.openJob(job, program);
    const stageKinds = job.stages.map((stage) => stage.kind as StageKind);
    events.post({ kind: "job-opened", job: job.job as JobId, stageKinds });
  }

  #refsOf(taskIds: readonly Uint8Array[]): AttemptRef[] {
    return taskIds.map((id) => this.#refOf(id)).filter((ref) => ref !== null);
  }

  #refOf(taskId: Uint8Array): AttemptRef | null {
    return this.#options.modules.refOf(taskId) ?? unpackTaskId(taskId);
  }

  #statusOf(taskId: Uint8Array): TaskStatus {
    const { modules, state, timers } = this.#options;
    const kept = modules.keptStatus(taskId);
    if (kept !== null) return kept;
    const ref = this.#refOf(taskId);
    const held = ref === null ? null : attemptState(state, ref);
    if (ref !== null && held?.report) {
      const ended = modules.ended(ref, held.report);
      if (ended !== undefined) return ended ?? stateStatus(taskId, null, 0);
    }
    const ageMs = held === null ? 0 : timers.monotonicMs() - held.startedAtMs;
    return stateStatus(taskId, held, Math.floor((timers.wallMs() - ageMs) / 1000));
  }

  get #tag(): Uint8Array {
    return this.#options.identity.tag ?? new Uint8Array(clusterTagBytes);
  }
}
