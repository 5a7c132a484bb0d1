/** Which jobs this browser can run. */
import { programKinds } from "../../core/job.ts";
import { type PythonIndex, pythonIndexPath } from "../../wire/browser/python-index.ts";
import type { ToTab } from "../../worker/browser/tab/page-messages.ts";

type Programs = Pick<Extract<ToTab, { kind: "start" }>, "kinds" | "python">;

/** The gateway answers within this, ms; else the tab joins without Python. */
const indexMs = 5_000;

/** JavaScript bundles: those of WebAssembly modules, and the built-in kernels, need WebAssembly, so
 *  a browser without it can run none. And Python, when the gateway has it. */
export async function programsHere(): Promise<Programs> {
  if (typeof WebAssembly === "undefined") return { kinds: [] };
  const { javascript, python } = programKinds;
  const version = await pythonVersion();
  if (version === null) return { kinds: [javascript] };
  return { kinds: [javascript, python], python: { version, packages: {}, engine: "pyodide" } };
}

async function pythonVersion(): Promise<string | null> {
  try {
    const answer = await fetch(pythonIndexPath, { signal: AbortSignal.timeout(indexMs) });
    if (!answer.ok) return null;
    const { version } = (await answer.json()) as PythonIndex;
    return version;
  } catch {
    return null;
  }
}
