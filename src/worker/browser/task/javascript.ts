/** A task's Worker of a job in JavaScript, or of operators: it loads the job once, and runs tasks
 *  of it. */
import { installEnvironment } from "../../../environment/install.ts";
import { steadyMs } from "../../../environment/steady.ts";
import { hasTimersLeft } from "../../../environment/strays.ts";
import { watchTabStrays } from "../../../environment/tab-strays.ts";
import { Counters } from "../../../wire/content/counters.ts";
import { failureOf } from "../../process/failure.ts";
import type { LoadedJob } from "../../process/loaded-job.ts";
import { consoleToLog, Reporter } from "../../process/reporter.ts";
import { checkedPlan, installRuntime } from "../../task/job.ts";
import { strayError } from "../../task/thrown.ts";
import type { FromTaskWorker, TaskOrder } from "../contract.ts";
import { clearFiles, limitFiles } from "../node-shims/fs.ts";
import { loadJob } from "./load.ts";
import { narrow } from "./narrow.ts";
import { Pace } from "./pace.ts";
import { runTask } from "./run.ts";

export class JavaScriptWorker {
  #loaded: LoadedJob | null = null;
  /** Of the task at hand, or the last. */
  #reporter = new Reporter(() => true);
  #hasFailed = false;

  constructor() {
    watchTabStrays((stray) => this.#reporter.late(null, strayError(stray).text));
    narrow();
    installEnvironment();
    consoleToLog((line) => this.#reporter.log(line));
  }

  async serve(order: TaskOrder, share: number, port: MessagePort): Promise<void> {
    const say = (message: FromTaskWorker, handedOver: Transferable[] = []) => {
      if (message.kind === "reports") {
        this.#hasFailed ||= message.reports.some(({ kind }) => kind === "failed");
      }
      port.postMessage(message, handedOver);
    };
    clearFiles();
    limitFiles(order.filesMaxBytes);
    const counters = new Counters();
    const pace = new Pace(share, (ms) => say({ kind: "resting", ms }));
    const reporter = new Reporter((message) => {
      say(message);
      // Asks `drained` after each report, else.
      return pace.isFull;
    });
    this.#reporter = reporter;
    const count = (counter: string, by: number) => counters.add(counter, by);
    installRuntime(pace.runtime({ count, log: (line) => reporter.log(line) }));
    try {
      this.#loaded ??= await loadJob(order);
      const { job } = this.#loaded;
      const paced = job.kind === "tasks" ? job : pace.paced(job);
      const loaded = { ...this.#loaded, job: paced, plan: checkedPlan(order.plan) };
      await runTask({ order, loaded, counters, reporter, say, pace });
      reporter.flush(steadyMs());
      // What a failed task or a timer may still do must not meet the next task.
      say({ kind: "over", isReusable: !this.#hasFailed && !hasTimersLeft() });
    } catch (error) {
      say({ kind: "load-failed", failure: failureOf(error, "") });
    }
  }
}
