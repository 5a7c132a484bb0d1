/** The jobs of a simulated world: word counts and lists of tasks over tiny inputs, with their
 *  expected results, and the errors of their own code. */
import type { JobSpec, StageSpec } from "../src/core/job.ts";
import type { Random } from "../src/core/random.ts";
import { digestOf } from "./world/digest.ts";

/** What an execution of a task does instead of succeeding. */
export type Trouble = "throw" | "crash" | "hang";

export type SimJob = {
  /** Idempotency key; also identifies the job in the trace. */
  readonly key: string;
  /** Its owner: three owners take turns. */
  readonly owner: string;
  /** Its code as text; two of three jobs have the same. */
  readonly code: string;
  readonly spec: JobSpec;
  readonly submitAtMs: number;
  /** When its owner cancels it; Infinity = never. */
  readonly cancelAtMs: number;
  /** The text of each task of the first stage. */
  readonly inputs: readonly string[];
  /** Mean time of an attempt, ms. */
  readonly meanMs: number;
  /** `stage/task` → errors of its executions, in order; after these it succeeds. */
  readonly troubles: ReadonlyMap<string, readonly Trouble[]>;
  /** Some task never succeeds. */
  readonly isDoomed: boolean;
  /** Expected outputs of the last stage, in task order, computed sequentially. */
  readonly expected: readonly string[];
  readonly expectedWords: number;
};

const vocabulary =
  "tequio village day work maize market road bridge school water council feast river stone".split(
    " ",
  );

const owners = ["ann", "bob", "cleo"];

/** Few enough that no task reaches its limit of user errors. */
const troublesMax = 3;

export type JobTerms = {
  readonly number: number;
  readonly submitAtMs: number;
  /** Whether basic browsers may have its tasks. */
  readonly bareBrowsers: boolean;
  /** Factor on the duration of tasks. */
  readonly slowness: number;
};

export function makeJob(random: Random, terms: JobTerms): SimJob {
  const { bareBrowsers, number, slowness, submitAtMs } = terms;
  const kind = random.below(10);
  const taskCount = 1 + random.below(random.chance(0.2) ? 24 : 8);
  const reducers = kind < 6 ? 1 + random.below(5) : 0;
  const timeoutMs = random.chance(0.2) ? 600_000 * slowness : 0;
  const stages = stagesOf(kind, taskCount, reducers, timeoutMs);
  const inputs = Array.from({ length: taskCount }, () => text(random));
  const isDoomed = random.chance(0.04);
  const meanMs = [20, 300, 4_000, 30_000, 120_000][random.below(5)]! * slowness;
  const troubles = troublesOf(random, stages, isDoomed);
  const expected = reference(kind, inputs, reducers);
  return {
    key: `key-${number}`,
    owner: ownerOf(number),
    code: codeOf(number),
    spec: { ...specOf(random, number, stages), ...(bareBrowsers ? { bareBrowsers } : {}) },
    submitAtMs,
    cancelAtMs: random.chance(0.12) ? submitAtMs + random.below(300_000) : Infinity,
    inputs,
    meanMs,
    troubles,
    isDoomed,
    expected,
    expectedWords: inputs.reduce((sum, one) => sum + one.split(" ").length, 0),
  };
}

export type JobShape = {
  readonly number: number;
  readonly submitAtMs: number;
  readonly taskCount: number;
  /** 0 = a list of tasks. */
  readonly reducers: number;
  readonly meanMs: number;
  readonly backupTasks: boolean;
};

/** A job of this shape whose own code has no errors. */
export function plainJob(random: Random, shape: JobShape): SimJob {
  const { backupTasks, meanMs, number, reducers, submitAtMs, taskCount } = shape;
  const kind = reducers > 0 ? 0 : 8;
  const spec = specOf(random, number, stagesOf(kind, taskCount, reducers, 0));
  const limits = { ...spec.limits, workersKilledMax: 100 };
  const inputs = Array.from({ length: taskCount }, () => text(random));
  return {
    key: `key-${number}`,
    owner: ownerOf(number),
    code: codeOf(number),
    spec: { ...spec, limits, locality: null, backupTasks, weight: 1 },
    submitAtMs,
    cancelAtMs: Infinity,
    inputs,
    meanMs,
    troubles: new Map(),
    isDoomed: false,
    expected: reference(kind, inputs, reducers),
    expectedWords: inputs.reduce((sum, one) => sum + one.split(" ").length, 0),
  };
}

function stagesOf(kind: number, tasks: number, reducers: number, timeoutMs: number): StageSpec[] {
  const common = { timeoutMs, inputBytes: 0 };
  if (kind >= 8) {
    return [{ ...common, kind: "tasks", taskCount: tasks, inputStage: null, partitionCount: 0 }];
  }
  const map: StageSpec = {
    ...common,
    kind: "map",
    taskCount: tasks,
    inputStage: null,
    partitionCount: reducers,
  };
  if (reducers === 0) return [map];
  return [
    map,
    { ...common, kind: "reduce", taskCount: reducers, inputStage: 0, partitionCount: 0 },
  ];
}

function specOf(random: Random, number: number, stages: readonly StageSpec[]): JobSpec {
  const taskCount = stages[0]!.taskCount;
  const hosts = ["host-0", "host-1", "host-2"];
  const taskHost = Array.from({ length: taskCount }, () => random.below(4) - 1);
  return {
    name: `job ${number}`,
    codeHash: digestOf(codeOf(number)),
    planHash: digestOf(`plan ${number}`),
    stages,
    locality: random.chance(0.5) ? { hosts, taskHost } : null,
    limits: {
      userErrorMax: 4,
      workersKilledMax: random.chance(0.15) ? 3 : 100,
      backoffMs: 100,
      backoffMaxMs: 10_000,
    },
    backupTasks: random.chance(0.8),
    weight: 1 + random.below(3),
  };
}

function ownerOf(number: number): string {
  return owners[number % owners.length]!;
}

function codeOf(number: number): string {
  return number % 3 === 0 ? `code ${number}` : "code of many jobs";
}

function troublesOf(
  random: Random,
  stages: readonly StageSpec[],
  isDoomed: boolean,
): Map<string, Trouble[]> {
  const troubles = new Map<string, Trouble[]>();
  for (const [index, stage] of stages.entries()) {
    for (let task = 0; task < stage.taskCount; task++) {
      const list: Trouble[] = [];
      while (list.length < troublesMax && random.chance(0.06)) {
        const hang = stage.timeoutMs > 0 && random.chance(0.3);
        list.push(hang ? "hang" : random.chance(0.6) ? "throw" : "crash");
      }
      if (list.length > 0) troubles.set(`${index}/${task}`, list);
    }
  }
  if (isDoomed) {
    const task = random.below(stages[0]!.taskCount);
    troubles.set(`0/${task}`, new Array<Trouble>(100).fill("throw"));
  }
  return troubles;
}

function text(random: Random): string {
  const words = Array.from({ length: 1 + random.below(12) }, () => {
    return vocabulary[random.below(vocabulary.length)]!;
  });
  return words.join(" ");
}

export function partitionOf(word: string, partitions: number): number {
  let hash = 0;
  for (let i = 0; i < word.length; i++) hash = (hash * 31 + word.charCodeAt(i)) >>> 0;
  return hash % partitions;
}

// What workers compute, task by task.

/** Partitions of one map task, each as text. */
export function mapTask(input: string, partitions: number): string[] {
  const counts = Array.from({ length: partitions }, () => new Map<string, number>());
  for (const word of input.split(" ")) {
    const into = counts[partitionOf(word, partitions)]!;
    into.set(word, (into.get(word) ?? 0) + 1);
  }
  return counts.map(lines);
}

/** Merges one partition of every map task, in task order. */
export function reduceTask(partitions: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const partition of partitions) {
    for (const line of partition.split("\n")) {
      if (line === "") continue;
      const [word, count] = line.split(" ") as [string, string];
      counts.set(word, (counts.get(word) ?? 0) + Number(count));
    }
  }
  return lines(counts);
}

/** A map task without reducers, or a task of a list. */
export function plainTask(input: string): string {
  return JSON.stringify(input.toUpperCase());
}

function lines(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, count]) => `${word} ${count}\n`)
    .join("");
}

/** The expected result: computed at once, without partitions of map tasks. */
function reference(kind: number, inputs: readonly string[], reducers: number): string[] {
  if (kind >= 6) return inputs.map((input) => JSON.stringify(input.toUpperCase()));
  const total: Record<string, number> = {};
  for (const word of inputs.join(" ").split(" ")) total[word] = (total[word] ?? 0) + 1;
  const outputs = new Array<string>(reducers).fill("");
  for (const word of Object.keys(total).toSorted()) {
    outputs[partitionOf(word, reducers)] += `${word} ${total[word]}\n`;
  }
  return outputs;
}
