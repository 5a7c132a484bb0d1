/** What a story says of a new job or a new worker: `2 maps and 1 reduce, weight 3, key "k"`. */
import type { WorkerSpecs } from "../../src/core/event.ts";
import { defaultLimits, type JobSpec, type Priority, type StageSpec } from "../../src/core/job.ts";
import { testJob, testSpecs, testStage } from "../../src/core/testing/fake-cluster.ts";

type Clause<T> = readonly [pattern: RegExp, apply: (found: readonly string[], to: T) => void];

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type NewJob = {
  key: string | null;
  timeoutMs: number;
  /** Of the first stage. */
  inputBytes: number;
  isArriving: boolean;
  over: Partial<Writable<JobSpec>>;
};

const jobClauses: ReadonlyArray<Clause<NewJob>> = [
  [/^key "(.+)"$/, ([key], job) => Object.assign(job, { key })],
  [/^named (.+)$/, ([name], { over }) => Object.assign(over, { name })],
  [/^weight (\d+)$/, ([weight], { over }) => Object.assign(over, { weight: Number(weight) })],
  [
    /^(high|normal|low) priority$/,
    ([priority], { over }) => {
      over.priority = priority as Priority;
    },
  ],
  [/^no backups$/, (_, { over }) => Object.assign(over, { backupTasks: false })],
  [/^limit (\d+) ms$/, ([ms], job) => Object.assign(job, { timeoutMs: Number(ms) })],
  [/^input on its way$/, (_, job) => Object.assign(job, { isArriving: true })],
  [/^(\d+) MB of input$/, ([mb], job) => Object.assign(job, { inputBytes: Number(mb) * 1e6 })],
  [
    /^(\d+) lost workers? at most$/,
    ([most], { over }) => {
      over.limits = { ...defaultLimits, workersKilledMax: Number(most) };
    },
  ],
  [
    /^inputs on (.+)$/,
    ([list = ""], { over }) => {
      const places = list.split(" ");
      const hosts = [...new Set(places)].filter((place) => place !== "any");
      over.locality = { hosts, taskHost: places.map((place) => hosts.indexOf(place)) };
    },
  ],
];

type NewWorker = Partial<Writable<WorkerSpecs>>;

const workerClauses: ReadonlyArray<Clause<NewWorker>> = [
  [/^(\d+) slots?$/, ([slots], specs) => Object.assign(specs, { slots: Number(slots) })],
  [/^host (\w+)$/, ([host], specs) => Object.assign(specs, { host })],
  [/^no address$/, (_, specs) => Object.assign(specs, { exchangeUrl: "" })],
  [/^(\d+) KB\/s$/, ([kbps], specs) => Object.assign(specs, { inputKbps: Number(kbps) })],
];

function applyAll<T>(text: string, clauses: ReadonlyArray<Clause<T>>, to: T): void {
  for (const clause of text.split(", ").filter((one) => one !== "")) {
    const known = clauses.find(([pattern]) => pattern.test(clause));
    if (known === undefined) throw new Error(`no such option: ${clause}`);
    known[1]((known[0].exec(clause) as RegExpExecArray).slice(1), to);
  }
}

/** What is submitted. */
export type Submission = {
  readonly spec: JobSpec;
  readonly key: string | null;
  readonly arriving?: true;
};

/** `3 tasks` or `2 maps and 1 reduce`, and after a comma its options. */
export function jobOf(text: string): Submission {
  const [what = "", ...options] = text.split(", ");
  const job: NewJob = { key: null, timeoutMs: 0, inputBytes: 0, isArriving: false, over: {} };
  applyAll(options.join(", "), jobClauses, job);
  const { inputBytes, timeoutMs } = job;
  const stages = stagesOf(what).map((stage, at) => {
    return testStage({ ...stage, timeoutMs, ...(at === 0 ? { inputBytes } : {}) });
  });
  const { isArriving, key, over } = job;
  return { spec: testJob(stages, over), key, ...(isArriving ? { arriving: true } : {}) };
}

function stagesOf(what: string): Array<Partial<StageSpec>> {
  const list = /^(\d+) tasks?$/.exec(what);
  if (list !== null) return [{ taskCount: Number(list[1]) }];
  const found = /^(\d+) maps? and (\d+) reduces?$/.exec(what);
  if (found === null) throw new Error(`no job: ${what}`);
  const [maps, reduces] = [Number(found[1]), Number(found[2])];
  return [
    { kind: "map", taskCount: maps, partitionCount: reduces },
    { kind: "reduce", taskCount: reduces, inputStage: 0 },
  ];
}

export function workerSpecsOf(text: string, isTab: boolean): WorkerSpecs {
  const over: NewWorker = isTab ? { tab: true, exchangeUrl: "" } : {};
  applyAll(text, workerClauses, over);
  return testSpecs(over);
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** `300 ms`, `5 s`, `7 days`, in ms. */
export function durationOf(text: string): number {
  const [, amount, unit] = /^(\d+) (ms|s|minute|hour|day)s?$/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`no time: ${text}`);
  return Number(amount) * (units[unit as string] as number);
}
