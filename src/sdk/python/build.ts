/** Makes a job of a Python file: asks Python what it declares, and for its code, a zip of the job
 *  file and of the modules beside it that it imports. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseRequirement, requiresMax } from "../../core/cluster/placement/requires.ts";
import { ClusterError } from "../../core/error.ts";
import { buildFailure } from "../build/failure.ts";
import { operatorCode } from "../build/operator-code.ts";
import type { Job, Params } from "../job.ts";
import { type Described, type DescribedOperator, jobOf, type Problem } from "./described.ts";
import { askPython } from "./interpreter.ts";
import { judgePython } from "./judge.ts";

export type PythonJob = {
  /** Of operators, which have no code in Python, what stands for theirs. */
  readonly code: string;
  readonly zip?: Uint8Array;
  readonly hash: string;
  readonly job: Job;
  readonly file: string;
};

/** How long the job file may take to load, in ms: an endless loop at its top has no end. */
export const loadMaxMs = 20_000;
/** The same for the list of its items. */
const itemsMaxMs = 600_000;

/** Errors: `bad-request` for a file that is not there, `unavailable` without Python, `build-failed`
 *  with its place for everything else. `wheels`: folder of packages that may travel with it. */
export async function buildPythonJob(file: string, wheels?: string): Promise<PythonJob> {
  const packages = wheels === undefined ? [] : [resolve(wheels)];
  const path = resolve(file);
  await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === "ENOENT" ? "there is no such file" : cause.message;
    throw new ClusterError("bad-request", `cannot read the job file ${file}: ${why}`, { cause });
  });
  return inFolder(async (folder) => {
    const zip = join(folder, "code.zip");
    const described = await ask<Described | DescribedOperator>(
      path,
      folder,
      ["describe", zip, ...packages],
      loadMaxMs,
    );
    if (described.kind === "operator") return operatorJob(described, path);
    const bytes = await readFile(zip);
    const hash = createHash("sha256").update(bytes).digest("hex");
    checkRequires(described.program.requires ?? [], basename(path));
    const { kind } = described;
    const job = jobOf(described, {
      items: (given) => itemsOf([path, ...packages], given),
      judge: (planned, options) =>
        judgePython({ kind, code: bytes, name: basename(path) }, planned, options),
    });
    return { code: "", zip: bytes, hash, job, file: path };
  });
}

/** The same kernels run it as if it had been written in TypeScript. */
function operatorJob(job: DescribedOperator, file: string): PythonJob {
  const hash = createHash("sha256").update(operatorCode).digest("hex");
  return { code: operatorCode, hash, job, file };
}

function checkRequires(requires: readonly string[], name: string): void {
  if (requires.length > requiresMax) {
    const text = `${name}: requires names ${requires.length} packages, of at most ${requiresMax}`;
    throw new ClusterError("limit-exceeded", text);
  }
  for (const text of requires) parseRequirement(text);
}

function itemsOf(
  [path, ...packages]: readonly [path: string, ...packages: string[]],
  params: Params,
): Promise<Uint8Array> {
  return inFolder(async (folder) => {
    const [lines, given] = [join(folder, "items.ndjson"), join(folder, "params.json")];
    await writeFile(given, JSON.stringify(params));
    await ask(path, folder, ["items", lines, given, ...packages], itemsMaxMs);
    return readFile(lines);
  });
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "tequio-python-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function ask<T>(
  path: string,
  folder: string,
  [mode, ...more]: readonly string[],
  limitMs: number,
): Promise<T> {
  const result = join(folder, "result.json");
  const args = [mode!, path, result, ...more];
  const onLine = (line: string) => console.log(line);
  try {
    await askPython({ script: "_plan/main.py", args, limitMs, onLine });
  } catch (error) {
    throw asBuildFailure(error, basename(path));
  }
  const answer = JSON.parse(await readFile(result, "utf8")) as T & { error?: Problem };
  if (answer.error === undefined) return answer;
  const { code, column = 1, file, line, text } = answer.error;
  if (code !== "build-failed") throw new ClusterError(code, `${basename(path)}: ${text}`);
  const place = file === undefined || line === undefined ? null : { file, line, column };
  const said = place === null ? `${basename(path)}: ${text}` : text;
  throw buildFailure(said, place, dirname(path));
}

function asBuildFailure(error: unknown, name: string): unknown {
  if (!(error instanceof ClusterError) || error.code === "unavailable") return error;
  return new ClusterError("build-failed", `${name} could not be loaded: ${error.text}`);
}
