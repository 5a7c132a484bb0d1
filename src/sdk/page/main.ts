/** What runs in a Worker of the Try page, in a sandbox: loads the job and does the one thing that
 *  the page wants with it. Built for the page by `scripts/web/try-code.ts`. */
import { shown } from "../../core/thrown.ts";
import { installEnvironment, surround } from "../../environment/install.ts";
import { steadyMs } from "../../environment/steady.ts";
import { strayText } from "../../environment/strays.ts";
import { watchTabStrays } from "../../environment/tab-strays.ts";
import { jobTexts } from "../../environment/thrown.ts";
import type { PageAnswer, PageOrder } from "../../wire/browser/trial.ts";
import type { Job } from "../job.ts";
import { tryJob } from "./judge.ts";
import { failureOf, loadJob } from "./load.ts";
import { lookAt, planHere } from "./planner.ts";
import { loadPython, pythonFailure, type StartPython } from "./python.ts";

type Scope = { onmessage: ((event: MessageEvent) => void) | null };
const scope = globalThis as unknown as Scope;

const logsMax = 1_000;

export function serve(startPython: StartPython): void {
  scope.onmessage = ({ data, ports: [port] }) => {
    scope.onmessage = null;
    const { order } = data as { readonly order: PageOrder };
    void answered(order, startPython).then((answer) => port?.postMessage(answer));
  };
}

async function answered(order: PageOrder, startPython: StartPython): Promise<PageAnswer> {
  const logs: string[] = [];
  const startedMs = steadyMs();
  let beganMs = startedMs;
  const took = () => ({ logs, tookMs: steadyMs() - beganMs });
  const onLog = (line: string) => void (logs.length < logsMax && logs.push(line));
  try {
    if (order.pythonFiles !== undefined) {
      const python = await startPython(order.pythonFiles);
      beganMs = steadyMs();
      const { code, job } = await loadPython(python, order.source, onLog);
      const done = await obeyed(job, code, order, onLog);
      return { ...took(), ...done };
    }
    installEnvironment();
    surround({ frozenAtMs: Date.now() });
    watchTabStrays((stray) =>
      onLog(`after the task had ended, ${strayText(stray)}: ${shown(stray.thrown, jobTexts)}`),
    );
    const done = await obeyed(await loadJob(order), Buffer.from(order.code), order, onLog);
    return { ...took(), ...done };
  } catch (error) {
    const failure = order.pythonFiles === undefined ? failureOf(error) : pythonFailure(error);
    return { ...took(), kind: "failed", failure };
  }
}

function obeyed(job: Job, code: Uint8Array, order: PageOrder, onLog: (line: string) => void) {
  switch (order.kind) {
    case "try":
      return tryJob(job, order.input, onLog);
    case "look":
      return lookAt(job);
    case "plan":
      return planHere(job, code, order);
  }
}
