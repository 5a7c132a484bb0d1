/** Whether the Python of a worker is one that a job may have. */
import { ClusterError } from "../../error.ts";
import type { PythonSpecs, WorkerSpecs } from "../../event.ts";
import { type JobSpec, pythonEngines } from "../../job.ts";
import { isRequirement, lacking, requiresMax } from "./requires.ts";

type PythonWishes = Pick<JobSpec, "engine" | "pythonVersion" | "requires">;

export function pythonFits(specs: WorkerSpecs, wishes: PythonWishes): boolean {
  return isWanted(specs.python, wishes) && lacking(specs, wishes.requires ?? []).length === 0;
}

/** By engine and version, whatever is installed there. A worker of an older version, which does not
 *  say what it has, has CPython. */
export function isWanted(
  python: PythonSpecs | undefined,
  { engine, pythonVersion }: PythonWishes,
): boolean {
  if (engine !== undefined && (python?.engine ?? "cpython") !== engine) return false;
  if (pythonVersion === undefined) return true;
  const { version = "" } = python ?? {};
  return version === pythonVersion || version.startsWith(`${pythonVersion}.`);
}

/** For people: `CPython 3.11.7`, `Pyodide 3.14`, `Python 3`. */
export function pythonName(engine: string | undefined, version: string | undefined): string {
  const name = { cpython: "CPython", pyodide: "Pyodide" }[engine ?? ""] ?? "Python";
  return version === undefined ? name : `${name} ${version}`;
}

/** Null when the job may wish so. */
export function wishesProblem(wishes: PythonWishes): ClusterError | null {
  const { engine, pythonVersion, requires = [] } = wishes;
  const bad = (text: string) => new ClusterError("bad-request", text);
  if (engine !== undefined && !pythonEngines.includes(engine)) {
    return bad(`engine is one of ${pythonEngines.join(", ")}`);
  }
  if (pythonVersion !== undefined && !/^3\.\d{1,3}(\.\d{1,3})?$/.test(pythonVersion)) {
    return bad('pythonVersion is a version of Python, as "3.14"');
  }
  if (requires.length > requiresMax) {
    const text = `requires: ${requires.length}, of at most ${requiresMax}`;
    return new ClusterError("limit-exceeded", text);
  }
  return requires.every(isRequirement)
    ? null
    : bad('requires names packages with versions, as "numpy>=2"');
}
