/** Why something waits, as a chain of reasons: each is explained by the next, and the last is what
 *  happens, or what the user can do. Plain objects, so that each user interface words them in its
 *  own language; `reasonText` is the English. */
import type { JobId, WorkerId } from "../ids.ts";
import { type JobState, type StageKind, type TaskState, taskName } from "../job.ts";
import type {
  DisputeSummary,
  LostSummary,
  NarrowSummary,
  TaskDifference,
  UnreachedSummary,
} from "../summary.ts";

export type Reason =
  /** The job has ended; nothing waits. */
  | { readonly kind: "job-ended"; readonly job: JobId; readonly state: JobState }
  | { readonly kind: "job-runs"; readonly job: JobId; readonly attempts: number }
  /** The first stage that is not done. */
  | {
      readonly kind: "stage-left";
      readonly stage: StageKind;
      readonly waiting: number;
      readonly ready: number;
      readonly running: number;
      readonly done: number;
    }
  | {
      readonly kind: "task-is";
      readonly stage: StageKind;
      readonly task: number;
      readonly state: TaskState;
      /** Given out so far, with the one that runs. */
      readonly attempts: number;
    }
  | {
      readonly kind: "attempt-runs";
      readonly attempt: number;
      readonly worker: WorkerId;
      readonly forMs: number;
      readonly backup: boolean;
      /** The worker has reported that it has begun; false = it is on its way, or queued there. */
      readonly announced: boolean;
    }
  /** It has run for long, and no time limit ends it. */
  | { readonly kind: "no-limit" }
  /** Its worker has it, and no slot for it yet. */
  | { readonly kind: "sent-ahead"; readonly attempt: number; readonly worker: WorkerId }
  /** Its input is not complete. */
  | { readonly kind: "input-missing"; readonly stage: StageKind; readonly left: number }
  /** Their input is on its way: the submitter is sending it. */
  | { readonly kind: "input-arriving"; readonly tasks: number }
  /** It was done, and the worker that held its output is gone. */
  | { readonly kind: "output-lost"; readonly stage: StageKind; readonly tasks: number }
  | { readonly kind: "backoff"; readonly tasks: number; readonly forMs: number }
  /** Attempts of the task that failed by what counts against the job. */
  | {
      readonly kind: "user-errors";
      readonly errors: number;
      readonly errorsMax: number;
      /** Code and message of the last one; "" when it is kept no longer. Absent at older
       *  coordinators. */
      readonly last?: string;
    }
  | { readonly kind: "no-worker" }
  | { readonly kind: "workers-paused"; readonly workers: number; readonly reason: string }
  /** `module`: the job is a WebAssembly module, which workers without JavaScript run, too. */
  | { readonly kind: "no-runtime"; readonly module?: true }
  /** Results of volunteers that are not decided; `forOwn`: only an own worker may give the next. */
  | { readonly kind: "second-opinion"; readonly tasks: number; readonly forOwn: number }
  /** A task gave two results, by two workers. */
  | ({ readonly kind: "not-deterministic" } & TaskDifference)
  /** A volunteer and another worker gave different results of a task. */
  | ({ readonly kind: "disputed" } & DisputeSummary)
  /** `trust: "audit"` compares two own workers, and there is one at most. */
  | { readonly kind: "one-worker" }
  /** Only volunteers are here to compute a job that is shared with them. */
  | { readonly kind: "no-own-worker" }
  /** All that are here are volunteers, and the job is not shared with them. */
  | { readonly kind: "only-volunteers"; readonly workers: number }
  /** The job is in Python, and none of these workers (their names, without tabs) has it. `tabs`:
   *  there are tabs, too, whose gateway does not give it to them. */
  | { readonly kind: "no-python"; readonly workers: readonly string[]; readonly tabs?: true }
  /** The job wants one engine or version, and those with Python have another. */
  | {
      readonly kind: "other-python";
      readonly wants: string;
      readonly has: ReadonlyArray<{ readonly worker: string; readonly python: string }>;
    }
  /** Those with Python have not the packages that the job names. */
  | {
      readonly kind: "lacks-packages";
      readonly lacks: ReadonlyArray<{
        readonly worker: string;
        readonly packages: readonly string[];
      }>;
      /** Where nothing can be installed is among them. */
      readonly tabs?: true;
    }
  /** Only tabs are here, and they would fetch its input for too long. */
  | { readonly kind: "input-too-large" }
  | { readonly kind: "slots-taken"; readonly slots: number; readonly byOthers: number }
  /** The owner has all the slots that it may have. */
  | { readonly kind: "owner-limit"; readonly owner: string; readonly slots: number }
  | {
      readonly kind: "fair-share";
      readonly jobs: number;
      readonly weight: number;
      readonly attempts: number;
    }
  /** Who gets a free slot before it, if all can use it: other owners, and jobs of its owner. */
  | {
      readonly kind: "queue-position";
      readonly owner: string;
      readonly owners: number;
      readonly jobs: number;
    }
  | {
      readonly kind: "worker-lost";
      readonly worker: WorkerId;
      /** Why, and since when; absent at older coordinators. */
      readonly reason?: "bye" | "closed" | "silent";
      readonly isAway?: true;
      readonly forMs?: number;
    }
  | { readonly kind: "worker-paused"; readonly worker: WorkerId; readonly reason: string }
  | {
      readonly kind: "worker-busy";
      readonly worker: WorkerId;
      /** In a slot; at older coordinators with those that were sent ahead. */
      readonly attempts: number;
      readonly slots: number;
      /** Sent ahead, waiting for a slot; absent at older coordinators. */
      readonly ahead?: number;
    }
  | { readonly kind: "worker-free"; readonly worker: WorkerId }
  /** Large messages are lost on the way. */
  | ({ readonly kind: "link-narrow" } & NarrowSummary)
  /** Its outputs go by the coordinator. */
  | ({ readonly kind: "worker-unreached"; readonly worker: WorkerId } & UnreachedSummary)
  | { readonly kind: "nothing-ready"; readonly jobs: number }
  /** A job has ready tasks, but not for this worker. */
  | {
      readonly kind: "not-for-it";
      readonly job: JobId;
      /** What the worker has not; absent = something else. */
      readonly lacks?: "python" | "python-in-tabs";
    };

/** The answer of `GET …/why`. */
export type Why = { readonly reasons: readonly Reason[] };

const pythonInTabs =
  "for Python in tabs run `npm install pyodide@314` where their gateway runs, start it again, " +
  "and reload them";

/** What to do about a worker that others cannot reach. */
export const unreachedFix =
  "open the port of its `tequio join --listen HOST:PORT` for the other workers";

/** What to do about a link that loses packets of full size. */
export const narrowFix =
  "a link on the way drops packets of full size (a VPN or tunnel?): lower the MTU of the " +
  "worker's interface (`ip link set dev eth0 mtu 1280`), or let its ICMP messages pass";

const lostTexts = {
  bye: "it left",
  closed: "its connection closed, and it did not come back in time",
  silent: "no heartbeat arrived from it in time: its machine or the network is down",
} as const;
const awayText =
  "it has not come back since the coordinator started anew: it left meanwhile, or its machine or " +
  "the network is down";

type Lost = Pick<LostSummary, "reason"> & { readonly isAway?: true | undefined };

/** Why a worker is lost. */
export function lostText({ isAway, reason }: Lost): string {
  return isAway === true ? awayText : lostTexts[reason];
}

type Texts = { readonly [K in Reason["kind"]]: (reason: Extract<Reason, { kind: K }>) => string };

function count(n: number, one: string, other = `${one}s`): string {
  return `${n} ${n === 1 ? one : other}`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

const texts: Texts = {
  "job-ended": ({ job, state }) =>
    `${job} ${state === "failed" ? "" : "is "}${state}; nothing is waiting`,
  "job-runs": ({ job, attempts }) =>
    attempts === 0
      ? `no task of ${job} is running`
      : `${count(attempts, "attempt")} of ${job} run${attempts === 1 ? "s" : ""}`,
  "stage-left": ({ done, ready, running, stage, waiting }) =>
    `${stage}: ${running} running, ${ready} ready, ${waiting} waiting, ${done} done`,
  "task-is": ({ attempts, stage, state, task }) => {
    const name = taskName(stage, task);
    if (state === "running") return `${name} is running, attempt ${attempts}`;
    if (attempts === 0) return `${name} is ${state}; no attempt was made so far`;
    const after = `after ${count(attempts, "attempt")}`;
    return state === "failed" ? `${name} failed ${after}` : `${name} is ${state}, ${after}`;
  },
  "attempt-runs": ({ announced, attempt, backup, forMs, worker }) => {
    const which = `attempt ${attempt}${backup ? " (a backup)" : ""}`;
    return announced
      ? `${which} has run on ${worker} for ${seconds(forMs)}`
      : `${which} was assigned to ${worker} ${seconds(forMs)} ago and has not reported its start`;
  },
  "no-limit": () =>
    "the job sets no timeoutMs, so that a call that never ends is waited for, such as a promise " +
    "that never settles; `tequio profile` shows whether it computes",
  "sent-ahead": ({ attempt, worker }) =>
    `attempt ${attempt} was sent ahead to ${worker} and waits for a slot there`,
  "input-missing": ({ left, stage }) =>
    `it waits for the output of ${count(left, `${stage} task`)} more`,
  "input-arriving": ({ tasks }) =>
    `the input of ${count(tasks, "task")} has not arrived yet: its submitter is sending it`,
  "output-lost": ({ stage, tasks }) =>
    `the output of ${count(tasks, `${stage} task`)} was lost with its worker and is recomputed`,
  backoff: ({ forMs, tasks }) =>
    `${count(tasks, "failed task")} wait${tasks === 1 ? "s" : ""} before the next attempt, ` +
    `at most ${seconds(forMs)}`,
  "user-errors": ({ errors, errorsMax, last = "" }) =>
    `${errors} of at most ${count(errorsMax, "attempt")} failed` +
    (last === "" ? "" : `; last: ${last}`),
  "no-worker": () =>
    "no worker is connected: start one with `tequio join`, or `tequio up --workers N`",
  "workers-paused": ({ reason, workers }) =>
    workers === 1
      ? `the worker accepts no tasks now: ${reason}`
      : `all ${workers} workers accept no tasks now: ${reason}`,
  "no-runtime": ({ module = false }) =>
    `no connected worker runs JavaScript${module ? " or WebAssembly" : ""}`,
  "second-opinion": ({ forOwn, tasks }) =>
    `${count(tasks, "result")} of volunteers ${tasks === 1 ? "waits" : "wait"} for a second ` +
    `opinion${forOwn === 0 ? "" : `, ${forOwn} of them by an own worker`}`,
  "not-deterministic": differenceText,
  disputed: disputeText,
  "one-worker": () =>
    "nothing is computed twice: `--trust audit` compares two own workers that are no tabs, and " +
    "there are fewer; start another (`tequio up --workers 2`, or `tequio join`)",
  "no-own-worker": () =>
    "no own worker is here: what volunteers say is compared with other volunteers alone, the " +
    "majority decides, and no one is called a liar; join one (`tequio join`)",
  "only-volunteers": ({ workers }) => {
    const who =
      workers === 1
        ? "the only worker here is a volunteer"
        : `all ${workers} workers here are volunteers`;
    return (
      `${who}, and this job is not shared with them: join an own worker (\`tequio join\`), or ` +
      "submit the job with `--share volunteers`"
    );
  },
  "no-python": ({ tabs, workers }) =>
    "no worker here has Python 3.9 or newer: " +
    (workers.length === 0
      ? "join a machine that has it (`tequio join`)"
      : `install python3 on ${workers.join(", ")}, and start its worker again`) +
    (tabs === true ? `; or ${pythonInTabs}` : ""),
  "other-python": ({ has, wants }) => {
    const each = has.map(({ python, worker }) => `${worker} has ${python}`);
    return `the job runs on ${wants} alone, which no worker here has: ${each.join(", ")}`;
  },
  "lacks-packages": ({ lacks, tabs }) => {
    const each = lacks.map(({ packages, worker }) => `${worker} lacks ${packages.join(", ")}`);
    return (
      `no worker has the packages that the job requires: ${each.join("; ")}; ` +
      (tabs === true
        ? "in browser tabs nothing can be installed: packages that are Python alone travel with " +
          "the job (`tequio run --wheels FOLDER`), compiled ones need a worker whose Python has " +
          "them (`tequio join --python venv/bin/python`)"
        : "install them there, and start the worker again")
    );
  },
  "input-too-large": () =>
    "its input is too large for the connected browser tabs; add a worker: `tequio join`",
  "slots-taken": ({ byOthers, slots }) =>
    (slots === 1
      ? "the only slot of the workers is in use"
      : `all ${slots} slots of the workers are in use`) +
    (byOthers > 0 ? `, ${byOthers} by other jobs` : ""),
  "owner-limit": ({ owner, slots }) =>
    `the jobs of ${owner} take ${count(slots, "slot")}, and no more are for one owner ` +
    "(`tequio up --slots-per-owner`)",
  "fair-share": ({ attempts, jobs, weight }) =>
    `${count(jobs, "job")} share the workers; this one has weight ${weight} and ` +
    `${count(attempts, "attempt")}. Owners share evenly, and jobs of one owner by weight: the ` +
    "next free slot goes to the owner, and there to the job, furthest below its share",
  "queue-position": ({ jobs, owner, owners }) => {
    const others = owners > 0 ? [count(owners, "other owner")] : [];
    const own = jobs > 0 ? [`${count(jobs, "other job")} of ${owner}`] : [];
    const before = [...others, ...own].join(" and ");
    return before === ""
      ? "the next free slot is for this job"
      : `the next free slot is for ${before} first`;
  },
  "worker-lost": ({ forMs, isAway, reason, worker }) => {
    const known = reason === undefined ? null : lostText({ isAway, reason });
    const why = known ?? "it left, or its heartbeat timed out";
    return `${worker} is lost${forMs === undefined ? "" : ` for ${seconds(forMs)}`}: ${why}`;
  },
  "worker-paused": ({ reason, worker }) => `${worker} accepts no tasks now: ${reason}`,
  "worker-busy": ({ ahead = 0, attempts, slots, worker }) =>
    `${worker} runs ${count(attempts, "attempt")} in ${count(slots, "slot")}` +
    (ahead === 0
      ? ""
      : `; ${ahead} more ${ahead === 1 ? "was sent ahead and waits" : "were sent ahead and wait"}`),
  "link-narrow": ({ remote, towards, who }) => {
    const name = who === remote ? `a worker at ${remote}` : `${who} (${remote})`;
    const way = towards === "worker" ? `to ${name} arrive` : `of ${name} arrive`;
    return `small messages ${way} and large ones do not; ${narrowFix}`;
  },
  "worker-unreached": ({ by, count: readers, relayedBytes, worker }) => {
    const others = readers > by.length ? ` and ${readers - by.length} more` : "";
    const sent = `${(relayedBytes / 1e6).toFixed(1)} MB of its outputs went by the coordinator`;
    return `${worker} cannot be reached by ${by.join(", ")}${others}: ${sent}; ${unreachedFix}`;
  },
  "worker-free": ({ worker }) => `${worker} has a free slot`,
  "nothing-ready": ({ jobs }) =>
    jobs === 0 ? "no job is running" : `no task of the ${count(jobs, "running job")} is ready`,
  "not-for-it": ({ job, lacks }) =>
    `${job} has ready tasks, but none that this worker may run` +
    (lacks === undefined ? "" : ": it has no Python") +
    (lacks === "python-in-tabs" ? `; ${pythonInTabs}` : ""),
};

/** What was seen, what it means, and what to do. */
export function differenceText(difference: TaskDifference): string {
  const remedy =
    "so the result depends on who computed it: remove what differs (crypto, the order of sums), " +
    'or say so by `chance: "real"`';
  return `${seenText(difference)}${difference.record === undefined ? "," : ";"} ${remedy}`;
}

/** What was seen, and how it was settled. */
export function disputeText({ isOpen, wrong, ...difference }: DisputeSummary): string {
  const were = wrong.length === 1 ? "result of" : "results of";
  const settled =
    wrong.length === 0 ? "it is settled" : `found wrong: the ${were} ${wrong.join(" and ")}`;
  return `${seenText(difference)}; ${isOpen ? "who is right is not decided" : settled}`;
}

function seenText({ record, stage, task, workers: [first, second] }: TaskDifference): string {
  const seen = `${taskName(stage, task)} gave two results, by ${first} and by ${second}`;
  if (record === undefined) return seen;
  const of = record.partition === undefined ? "" : ` of partition ${record.partition}`;
  const [one, other] = [record.first, record.second].map((text) => text || "no record");
  return `${seen}: record ${record.number}${of} is ${one}, and ${other}`;
}

/** Of a kind that only a newer coordinator knows, its name. */
export function reasonText(reason: Reason): string {
  const text = texts[reason.kind] as ((reason: Reason) => string) | undefined;
  return text?.(reason) ?? reason.kind;
}
