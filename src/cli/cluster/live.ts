/** The line below `up`'s greeting that shows the state of the cluster, while it is on a
 *  terminal. */
import type { Coordinator } from "../../coordinator/coordinator.ts";
import type { JobSummary, WorkerSummary } from "../../core/summary.ts";
import { countText, plural } from "../numbers.ts";
import { openScreen, type Screen } from "../screen.ts";
import { cut, oneLine } from "../text.ts";
import { localUrl } from "./join-line.ts";

const everyMs = 1000;

/** Draws until it is ended; lines that stay go above. */
export function showCluster(coordinator: Coordinator): Pick<Screen, "live" | "print" | "end"> {
  const screen = openScreen();
  if (!screen.live) return screen;
  const draw = async () => {
    const { connect } = await import("../../sdk/client.ts");
    const { adminToken: token, fingerprint } = coordinator;
    const url = localUrl(coordinator.url);
    const client = await connect({ url, token, fingerprint });
    const [workers, jobs] = await Promise.all([client.workers(), client.jobs()]);
    if (!ended) screen.draw([cut(clusterLine(workers, jobs), screen.width())]);
  };
  let ended = false;
  let drawing = false;
  const timer = setInterval(() => {
    if (drawing) return;
    drawing = true;
    // A line that cannot be drawn now is drawn a second later.
    draw()
      .catch(() => {})
      .finally(() => {
        drawing = false;
      });
  }, everyMs);
  return {
    live: true,
    print: (line) => screen.print(line),
    end() {
      ended = true;
      clearInterval(timer);
      screen.end();
    },
  };
}

export function clusterLine(
  workers: readonly WorkerSummary[],
  jobs: readonly JobSummary[],
): string {
  const live = workers.filter((worker) => worker.state === "live");
  const slots = live.reduce((sum, worker) => sum + worker.slots, 0);
  // Of a tab all that it was sent counts as running.
  const busy = live.reduce((sum, { running, slots }) => sum + Math.min(running, slots), 0);
  const share = `${countText(busy)} of ${plural(slots, "slot")} busy`;
  const head = `${plural(live.length, "worker")}, ${share}`;
  const running = jobs.filter((job) => job.state === "running");
  if (running.length === 0) return `${head}; no job is running`;
  const names = running.map((job) => `${job.job} ${oneLine(job.name)} ${doneShare(job)}`);
  return `${head}; ${names.join(", ")}`;
}

function doneShare(job: JobSummary): string {
  const done = job.stages.reduce((sum, stage) => sum + stage.done, 0);
  const all = job.stages.reduce((sum, stage) => sum + stage.taskCount, 0);
  return all === 0 ? "0 %" : `${Math.floor((done / all) * 100)} %`;
}
