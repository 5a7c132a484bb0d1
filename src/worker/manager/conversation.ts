/** One link's conversation with the manager: its messages become events, our reports become
 *  messages.
 *
 *  Every request of the manager is answered; with NotMine when it needs a relation that is not
 *  there. */

import { isErrorCode } from "../../core/error.ts";
import type { AttemptReport, PythonSpecs } from "../../core/event.ts";
import { type AttemptRef, jobId } from "../../core/ids.ts";
import type { Failure, StageKind } from "../../core/job.ts";
import { attemptState, type WorkerEvent, type WorkerState } from "../../core/worker.ts";
import type { Link } from "../../link/link.ts";
import { hit } from "../../store/failpoint.ts";
import { holdingMax, servingBytesMax } from "../../wire/manager/limits.ts";
import type {
  JobOpen,
  ManagerMessage,
  StageSources,
  TaskExecute,
  TaskStatus,
  WorkerNotes,
} from "../../wire/manager/messages.ts";
import { type Arrival, ManagerSession } from "../../wire/manager/session.ts";
import { packTaskId, unpackTaskId } from "../../wire/manager/taskid.ts";
import type { Serving, WorkerTimers } from "../executor.ts";
import { bySize, fittingServing } from "./fitting.ts";
import { foreignStatus, reportStatus, stateStatus } from "./status.ts";

/** What the worker says of itself when it joins. */
export type Specs = {
  readonly name: string;
  readonly host: string;
  readonly slots: number;
  readonly memoryBytes: number;
  readonly kinds: readonly number[];
  /** Null without the kind `python`. */
  readonly python: PythonSpecs | null;
  readonly exchangeUrl: string;
  readonly version: string;
  /** Random number of this process start. */
  readonly session: string;
};

/** What the coordinator calls this worker; outlives a link. */
export type Identity = {
  workerId: string;
  credential: string;
  /** Tag of the cluster's task ids, learnt from the first one. */
  tag: Uint8Array | null;
};

type WithoutTime<E> = E extends unknown ? Omit<E, "atMs"> : never;

export type TalkEvents = {
  post(event: WithoutTime<WorkerEvent>): void;
  /** The link is closed, or of no more use. */
  lost(reason: string): void;
  /** NotMine or Bye. */
  broken(): void;
  refused(failure: Failure): void;
  openJob(job: JobOpen): void;
  setSources(sources: StageSources): void;
};

export type TalkOptions = {
  readonly timers: WorkerTimers;
  readonly specs: Specs;
  readonly identity: Identity;
  /** Read only: for TasksPing. */
  readonly state: WorkerState;
  readonly events: TalkEvents;
};

type Sent = {
  readonly kind: "join" | "ping" | "bye" | "report" | "notes" | "other";
  readonly sentAtMs: number;
  /** Of a report. */
  readonly batch: number;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class ManagerTalk {
  readonly #link: Link;
  readonly #options: TalkOptions;
  readonly #session = new ManagerSession({ role: "worker" });
  readonly #sent = new Map<number, Sent>();
  /** Messages of a batch of reports that are not acknowledged yet. */
  readonly #batchLeft = new Map<number, number>();
  #joined = false;
  #notesUnderWay = false;
  #closed = false;

  constructor(link: Link, options: TalkOptions) {
    this.#link = link;
    this.#options = options;
    link.onClose((reason) => this.#lose(reason));
    link.onFrame((frame) => this.#receive(frame));
  }

  join(holding: readonly AttemptRef[], serving: Serving): void {
    const { specs, identity } = this.#options;
    const { tag } = identity;
    this.#request({ kind: "nodeTypeRequest", nodeType: "worker" }, "other");
    const message: ManagerMessage = {
      kind: "managerRequest",
      workerPrice: 0,
      networkPrice: 0,
      cpuCount: specs.slots,
      memoryKb: Math.floor(specs.memoryBytes / 1024),
      networkKbps: 0,
      programKinds: specs.kinds,
      node: {
        workerId: identity.workerId,
        credential: identity.credential,
        name: specs.name,
        host: specs.host,
        slots: specs.slots,
        exchangeUrl: specs.exchangeUrl,
        version: specs.version,
        holding:
          tag === null ? [] : holding.slice(0, holdingMax).map((ref) => packTaskId(tag, ref)),
        serving: encodeJson(fittingServing(serving, servingBytesMax)),
        session: specs.session,
        returnsTasks: true,
        python: specs.python === null ? new Uint8Array(0) : encodeJson(specs.python),
      },
    };
    this.#request(message, "join");
  }

  ping(): void {
    this.#request({ kind: "managerPing" }, "ping");
  }

  bye(): void {
    this.#request({ kind: "managerBye" }, "bye");
  }

  /** Cut into messages that fit a frame; one status a message for a manager that knows no more. */
  report(
    batch: number,
    reports: ReadonlyArray<{ readonly ref: AttemptRef; readonly report: AttemptReport }>,
  ): void {
    const { extended } = this.#session;
    const statuses = reports.map(({ ref, report }) =>
      reportStatus(this.#taskId(ref), report, extended),
    );
    const groups = extended ? bySize(statuses) : statuses.map((status) => [status]);
    this.#batchLeft.set(batch, groups.length);
    for (const group of groups) {
      const message: ManagerMessage = extended
        ? { kind: "taskStatuses", statuses: group }
        : { kind: "taskStatus", status: group[0]! };
      this.#request(message, "report", batch);
    }
  }

  started(ref: AttemptRef): void {
    const unixS = Math.floor(this.#options.timers.wallMs() / 1000);
    const status: TaskStatus = {
      taskId: this.#taskId(ref),
      data: { kind: "started", unixS },
      report: new Uint8Array(0),
    };
    this.#request({ kind: "taskStatus", status }, "other");
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
    if (!this.#session.extended) return;
    const notes: WorkerNotes = { logs: [], progress: [], paused: reason };
    this.#request({ kind: "workerNotes", notes: encodeJson(notes) }, "other");
  }

  nextDeadlineMs(): number {
    return this.#session.nextDeadlineMs();
  }

  /** A manager that leaves a request without its answer is as good as gone. */
  checkAnswers(): void {
    if (this.#session.expired(this.#options.timers.monotonicMs()).length > 0) {
      this.#lose("a request was not answered");
    }
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
    if (arrival.kind === "request") this.#asked(arrival.message, arrival.answer);
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
    if (sent.kind === "report") this.#reportAcked(sent.batch);
  }

  #reportAcked(batch: number): void {
    const left = (this.#batchLeft.get(batch) ?? 1) - 1;
    this.#batchLeft.set(batch, left);
    if (left > 0) return;
    this.#batchLeft.delete(batch);
    hit("worker.acked", "before");
    this.#options.events.post({ kind: "reports-acked", batch });
    hit("worker.acked", "after");
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
    this.#joined = true;
    if (welcome !== null) {
      identity.workerId = welcome.workerId;
      if (welcome.credential !== "") identity.credential = welcome.credential;
    }
    const { leaseMs, heartbeatMs } = welcome ?? { leaseMs: 60_000, heartbeatMs: 15_000 };
    hit("worker.welcomed", "before");
    events.post({ kind: "welcomed", leaseMs, heartbeatMs });
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
      case "tasksAbord": {
        const refs = message.taskIds.map((id) => unpackTaskId(id));
        events.post({ kind: "aborted", attempts: refs.filter((ref) => ref !== null) });
        break;
      }
      case "tasksReturn": {
        const refs = message.taskIds.map((id) => unpackTaskId(id));
        events.post({ kind: "asked-back", attempts: refs.filter((ref) => ref !== null) });
        break;
      }
      case "jobOpen": {
        const job = decodeJson<JobOpen>(message.job);
        events.openJob(job);
        const stageKinds = job.stages.map((stage) => stage.kind as StageKind);
        events.post({ kind: "job-opened", job: job.job as `j-${number}`, stageKinds });
        break;
      }
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
    for (const { taskId, timeoutS, timeoutMs } of tasks) {
      const ref = unpackTaskId(taskId);
      if (ref === null) {
        // A program of an existing manager, of a kind that this worker did not offer.
        const status = foreignStatus(taskId);
        this.#request({ kind: "taskStatus", status }, "other");
        continue;
      }
      identity.tag ??= taskId.slice(2, 10);
      const limitMs = timeoutMs || timeoutS * 1000;
      const refs = byTimeout.get(limitMs) ?? [];
      if (refs.length === 0) byTimeout.set(limitMs, refs);
      refs.push(ref);
    }
    for (const [timeoutMs, attempts] of byTimeout) {
      events.post({ kind: "assigned", attempts, timeoutMs });
    }
  }

  #statusOf(taskId: Uint8Array): TaskStatus {
    const { state, timers } = this.#options;
    const ref = unpackTaskId(taskId);
    const held = ref === null ? null : attemptState(state, ref);
    const ageMs = held === null ? 0 : timers.monotonicMs() - held.startedAtMs;
    return stateStatus(taskId, held, Math.floor((timers.wallMs() - ageMs) / 1000));
  }

  #taskId(ref: AttemptRef): Uint8Array {
    return packTaskId(this.#options.identity.tag ?? new Uint8Array(8), ref);
  }
}

/** `code: text`, as `ClusterError` says it. */
function readRefusal(refusal: string): Failure {
  const colon = refusal.indexOf(": ");
  const code = refusal.slice(0, Math.max(0, colon));
  if (isErrorCode(code)) return { code, message: refusal.slice(colon + 2) };
  return { code: "unavailable", message: refusal || "the manager does not want this worker now" };
}

function encodeJson(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

/** From the manager that this worker has chosen and paid with its token: its shape is trusted, its
 *  JSON is not. */
function decodeJson<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}
