/** What runs in a task's Worker, inside the sandbox: one task, with the very code of a task
 *  process, on files in memory. Contract: `contract.ts`. */
import "../node-shims/install.ts";
import { installEnvironment } from "../../../environment/install.ts";
import { steadyMs } from "../../../environment/steady.ts";
import { watchTabStrays } from "../../../environment/tab-strays.ts";
import { Counters } from "../../../wire/content/counters.ts";
import { failureOf } from "../../process/failure.ts";
import { consoleToLog, Reporter } from "../../process/reporter.ts";
import { installRuntime } from "../../task/job.ts";
import { strayError } from "../../task/thrown.ts";
import type { FromTaskWorker, TaskOrder, ToPythonWorker, ToTaskWorker } from "../contract.ts";
import { limitFiles } from "../node-shims/fs.ts";
import { loadJob } from "./load.ts";
import { narrow } from "./narrow.ts";
import { Pace } from "./pace.ts";
import { servePython } from "./python/serve.ts";
import { runTask } from "./run.ts";

/** What a dedicated Worker has of its own. */
type Scope = {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, handedOver: Transferable[]): void;
  addEventListener(kind: string, listener: (event: never) => void): void;
};
const scope = globalThis as unknown as Scope;

/** The one message that this Worker is for, unless it runs Python. It may come while the task
 *  before it computes. */
scope.onmessage = (event: MessageEvent<TaskOrder | ToPythonWorker>) => {
  scope.onmessage = null;
  const [port] = event.ports;
  if (event.data.kind === "order") {
    servePython(scope, event as MessageEvent<ToPythonWorker>);
    return;
  }
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<ToTaskWorker>) => {
    port.onmessage = null;
    void start(event.data as TaskOrder, data.share, port);
  };
};

async function start(order: TaskOrder, share: number, port: MessagePort): Promise<void> {
  const say = (message: FromTaskWorker, handedOver: Transferable[] = []) =>
    port.postMessage(message, handedOver);
  watchTabStrays((stray) => reporter.late(null, strayError(stray).text));
  narrow();
  installEnvironment();
  limitFiles(order.filesMaxBytes);
  const counters = new Counters();
  const pace = new Pace(share, (ms) => say({ kind: "resting", ms }));
  const reporter = new Reporter((message) => {
    say(message);
    // Asks `drained` after each report, else.
    return pace.isFull;
  });
  installRuntime(
    pace.runtime({
      count: (counter, by) => counters.add(counter, by),
      log: (line) => reporter.log(line),
    }),
  );
  consoleToLog((line) => reporter.log(line));
  try {
    const loaded = await loadJob(order, pace);
    await runTask({ order, loaded, counters, reporter, say, pace });
    reporter.flush(steadyMs());
    say({ kind: "over" });
  } catch (error) {
    say({ kind: "load-failed", failure: failureOf(error, "") });
  }
}
