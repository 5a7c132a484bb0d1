/** Kinds of jobs that run side by side, and what each reads. A further kind is one more entry: in
 *  JavaScript or in any language that a `BuiltJob` can hold.
 *
 *  Inputs of one kind have the same size and the same keys, and differ in their values: a job that
 *  reads another job's data looks right, except for its sums. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../src/core/random.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import { buildModuleJob } from "../../src/sdk/module-job.ts";
import type { PlanOptions } from "../../src/sdk/plan.ts";
import { repository } from "../fixtures/programs.ts";
import { noPython } from "../python/cluster.ts";

export type JobKind = {
  readonly name: string;
  /** `name` is free in the folder. Called once for all inputs, or for each when `isByInput`. */
  readonly build: (folder: string, name: string, input: number) => Promise<BuiltJob>;
  /** Contents of the input files of one of `inputsEach` inputs, by the names of the inputs. */
  readonly contents: (input: number) => Readonly<Record<string, string>>;
  readonly options: Partial<PlanOptions>;
  readonly isByInput?: true;
  /** Has no job code: one process runs all such jobs of an owner. */
  readonly isOperator?: true;
};

/** Inputs of each kind. */
export const inputsEach = 3;

const twoParts = { reducers: 2, splitBytes: 1_000 };

/** Rows with the same keys, and a value of one digit. */
function csv(input: number, rows: number, keys: number): string {
  const lines = Array.from({ length: rows }, (_, n) => `k${n % keys},${(n + input) % 9}\n`);
  return `k,v\n${lines.join("")}`;
}

function lines(input: number, count: number): string {
  const random = new Random(input + 1);
  const line = () => `${String(random.below(100_000)).padStart(5, "0")} word${random.below(10)}`;
  return `${Array.from({ length: count }, line).join("\n")}\n`;
}

const operator = (code: string) => `import { text } from "tequio";\nexport default ${code};\n`;
const written = (code: string) =>
  `import { mapReduce, tasks, text } from "tequio";\nexport default ${code};\n`;

/** With equal code, except for a comment, `mark`: two codes that do the same. */
const summing = (mark: string) =>
  written(`mapReduce({ input: text.csv(["k", "v"]), // ${mark}
  map(row, emit) { emit(row.k, Number(row.v)); },
  combine: (a, b) => a + b })`);

const spinning = (mark: string) =>
  written(`tasks({ items: [1, 2, 3, 4, 5, 6], params: { input: 0 }, // ${mark}
  run(n, { params }) {
    let spin = n;
    for (let k = 0; k < n * 20_000; k++) spin = (spin * 31 + params.input) % 1_000_003;
    return { n, spin };
  } })`);

/** A job file. */
const file = (code: string) => async (folder: string, name: string) => {
  const path = join(folder, `${name}.ts`);
  writeFileSync(path, code);
  return bundleJob(path);
};

const pythonFile = (code: string) => async (folder: string, name: string) => {
  const path = join(folder, `${name}.py`);
  writeFileSync(path, `from tequio import map_reduce, tasks, text\n${code}\n`);
  return bundleJob(path);
};

const inPython: readonly JobKind[] = [
  {
    name: "map_reduce in Python",
    build: pythonFile(`job = map_reduce(input=text.csv(["k", "v"]),
    map=lambda row, emit: emit(row["k"], int(row["v"])), combine=lambda a, b: a + b)`),
    contents: (input) => ({ default: csv(input, 200, 40) }),
    options: twoParts,
  },
  {
    name: "tasks in Python",
    build: pythonFile(`def run(n, context):
    return {"n": n, "sum": sum(range(n * 1000 + context.params["input"]))}
job = tasks(items=[1, 2, 3, 4], params={"input": 0}, run=run)`),
    contents: () => ({}),
    options: {},
  },
];

const primes = join(repository, "examples/count-primes/primes.wasm");

export const kinds: readonly JobKind[] = [
  {
    name: "sum, an operator",
    build: file(operator('text.csv(["k", "v"]).by("k").sum("v")')),
    contents: (input) => ({ default: csv(input, 200, 40) }),
    options: twoParts,
    isOperator: true,
  },
  {
    name: "count, an operator",
    build: file(operator('text.csv(["k", "v"]).by("v").count()')),
    contents: (input) => ({ default: csv(input, 200, 40 + input) }),
    options: twoParts,
    isOperator: true,
  },
  {
    name: "words, an operator",
    build: file(operator("text.words().count()")),
    contents: (input) => ({ default: lines(input, 100) }),
    options: twoParts,
    isOperator: true,
  },
  {
    name: "sort",
    build: file(operator("text.lines().sort()")),
    contents: (input) => ({ default: lines(input, 150) }),
    options: twoParts,
    isOperator: true,
  },
  {
    name: "join",
    build: file(
      operator('text.csv(["k", "v"]).join(text.csv(["k", "v"]), { on: "k", kind: "inner" })'),
    ),
    contents: (input) => ({ left: csv(input, 60, 30), right: csv(input + 1, 60, 30) }),
    options: twoParts,
    isOperator: true,
  },
  ...["one", "two"].map((mark) => ({
    name: `mapReduce, code ${mark}`,
    build: file(summing(mark)),
    contents: (input: number) => ({ default: csv(input, 200, 40) }),
    options: twoParts,
  })),
  ...["one", "two"].map((mark) => ({
    name: `tasks, code ${mark}`,
    build: file(spinning(mark)),
    contents: () => ({}),
    options: {},
  })),
  {
    name: "wasm",
    build: (_folder, _name, input) => buildModuleJob(primes, ["10", "100", `${1_000 + input}`]),
    contents: () => ({}),
    options: {},
    isByInput: true,
  },
  ...(noPython === false ? inPython : []),
];
