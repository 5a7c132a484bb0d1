/** Whether what a job file exports is a job: authors of plain JavaScript have no compiler that
 *  checks it. */
import { ClusterError } from "../../core/error.ts";
import { outputFormats } from "../../core/job.ts";
import type { FormatSpec } from "../format.ts";
import type { Job } from "../job.ts";

type Fields = Readonly<Record<string, unknown>>;
const formats: ReadonlyArray<FormatSpec["format"]> = [
  "lines",
  "records",
  "words",
  "match",
  "file",
  "ndjson",
  "json",
  "csv",
];
const ofAll = "name output rows timeoutMs attempts backupTasks share trust".split(" ");
const ofCode = "params math seed clock chance".split(" ");
const ofMaps = "reducers badRecords".split(" ");
const optionNames: Readonly<Record<Job["kind"], readonly string[]>> = {
  "map-reduce": ["combine", "reduce", "partition", "sort", ...ofMaps, ...ofCode, ...ofAll],
  tasks: ["items", "run", ...ofCode, ...ofAll],
  operator: [...ofMaps, ...ofAll],
};

/** The job, or `build-failed` saying which option is wrong. `file` leads the message. */
export function checkJob(value: unknown, file: string): Job {
  const wrong = problemOf(value);
  if (wrong !== null) throw new ClusterError("build-failed", `${file}: ${wrong}`);
  return value as Job;
}

function problemOf(value: unknown): string | null {
  if (!isFields(value) || !isKind(value.kind)) {
    const forgot = typeof value === "object" && value !== null && "count" in value;
    const hint = forgot ? "; a source becomes one by an operator: `text.words().count()`" : "";
    const said =
      "the default export is not a job: write `export default mapReduce({…})` or `tasks({…})`";
    return `${said}${hint}`;
  }
  const options = value.options;
  if (!isFields(options)) return "the job has no options";
  const known = optionNames[value.kind];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) return `unknown option "${unknown}"; known are ${known.join(", ")}`;
  return optionProblem(options) ?? problems[value.kind](value);
}

function isKind(kind: unknown): kind is Job["kind"] {
  return typeof kind === "string" && Object.hasOwn(problems, kind);
}

const problems: Readonly<Record<Job["kind"], (job: Fields) => string | null>> = {
  "map-reduce": inputProblem,
  tasks: taskProblem,
  operator: operatorProblem,
};

function operatorProblem({ operator }: Fields): string | null {
  const isWhole = isFields(operator) && isFields(operator.inputs) && isFields(operator.apply);
  return isWhole ? null : "the operator says nothing: write `text.words().count()`";
}

function taskProblem(job: Fields): string | null {
  const options = job.options as Fields;
  if (typeof options.run !== "function") return "`run` must be a function";
  const { items } = options;
  const isList = Array.isArray(items) || typeof items === "function";
  return isList ? null : "`items` must be an array, or a function of the parameters that makes one";
}

function inputProblem(job: Fields): string | null {
  const { inputs } = job;
  if (!isFields(inputs) || Object.keys(inputs).length === 0) {
    return "`inputs` must name at least one input";
  }
  for (const [name, input] of Object.entries(inputs)) {
    const map = name === "default" ? "`map`" : `\`map\` of the input "${name}"`;
    if (!isFields(input) || typeof input.map !== "function") return `${map} must be a function`;
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name)) {
      return `"${name}" cannot name an input: a letter, then letters, digits, - and _`;
    }
    const format = input.input as Fields | undefined;
    if (format !== undefined && !formats.includes(format?.format as FormatSpec["format"])) {
      return "`input` must be a format, such as `text.lines()`";
    }
  }
  return null;
}

function optionProblem(options: Fields): string | null {
  for (const name of ["combine", "reduce", "partition"]) {
    const isFunction = typeof options[name] === "function" || options[name] === undefined;
    if (!isFunction) return `\`${name}\` must be a function`;
  }
  if (options.params !== undefined && !isFields(options.params)) {
    return "`params` must be an object of defaults by name";
  }
  return (
    choiceProblem(options, "sort", ["ascending", "descending"]) ??
    choiceProblem(options, "output", outputFormats) ??
    badProblem(options.badRecords) ??
    choiceProblem(options, "math", ["exact", "native"]) ??
    choiceProblem(options, "clock", ["frozen", "real"]) ??
    choiceProblem(options, "chance", ["real"]) ??
    choiceProblem(options, "share", ["volunteers"]) ??
    choiceProblem(options, "trust", ["own", "audit", "quorum"]) ??
    seedProblem(options.seed)
  );
}

function badProblem(policy: unknown): string | null {
  if (policy === undefined || policy === "fail" || policy === "keep") return null;
  const share = isFields(policy) ? policy.keepUpTo : undefined;
  if (typeof share === "number" && share >= 0 && share <= 1) return null;
  const shown = JSON.stringify(policy);
  const choices = '"fail", "keep" or { keepUpTo: a share from 0 to 1 }';
  return `\`badRecords\` is ${shown}; it must be ${choices}`;
}

function seedProblem(seed: unknown): string | null {
  if (seed === undefined || typeof seed === "string" || Number.isFinite(seed)) return null;
  return "`seed` must be a text or a number";
}

function choiceProblem(options: Fields, name: string, choices: readonly string[]): string | null {
  const value = options[name];
  if (value === undefined || choices.includes(value as string)) return null;
  return `\`${name}\` is ${JSON.stringify(value)}; it must be one of ${choices.join(", ")}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
