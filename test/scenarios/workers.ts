/** Commands of a story about workers and browser tabs that come, go and come back. */
import type { CoordinatorEvent } from "../../src/core/event.ts";
import type { AttemptRef, JobId, WorkerId } from "../../src/core/ids.ts";
import { absentMs } from "../../src/core/view.ts";
import type { StoryCluster } from "./cluster.ts";
import type { Command, Happened } from "./command.ts";
import { workerLines, workerName } from "./english.ts";
import { workerSpecsOf } from "./specs.ts";

type Loss = Extract<CoordinatorEvent, { kind: "worker-lost" }>["reason"];

const losses: Readonly<Record<string, Loss>> = {
  leaves: "bye",
  "loses its link": "closed",
  "goes silent": "silent",
};

/** Who starts the workers of the stories. */
const operator = "up";

export const workerCommands: readonly Command[] = [
  [/^(?:a|(\d+)) (worker|tab)s? joins?(?: with (.+))?$/, join],
  [
    /^worker (\d+) (leaves|loses its link|goes silent)$/,
    (cluster, [number, how]) => {
      const worker = cluster.worker(number as string);
      const reason = losses[how as string] as Loss;
      if (reason === "bye") worker.held = [];
      const effects = cluster.happen({ kind: "worker-lost", worker: worker.id, reason });
      return [`${workerName(worker.id)} is lost`, effects];
    },
  ],
  [
    /^(\d+) workers join and go silent, one after the other$/,
    (cluster, [count]) => {
      const happened: Array<Happened[number]> = [];
      for (let n = 0; n < Number(count); n++) {
        join(cluster, ["1", "worker"]);
        const worker: WorkerId = `w-${cluster.workers.size}`;
        const lost = cluster.happen({ kind: "worker-lost", worker, reason: "silent" });
        if (lost.length > 0) happened.push(lost);
      }
      return happened;
    },
  ],
  [
    /^worker (\d+) comes back(?: without its (attempts|outputs|disk)| at (another address))?$/,
    comeBack,
  ],
  [
    /^worker (\d+) pauses: (.+)$/,
    (cluster, [number, reason]) => {
      const worker = cluster.worker(number as string).id;
      return [cluster.happen({ kind: "worker-paused", worker, reason: reason as string })];
    },
  ],
  [
    /^worker (\d+) resumes$/,
    (cluster, [number]) => {
      const worker = cluster.worker(number as string).id;
      return [cluster.happen({ kind: "worker-resumed", worker })];
    },
  ],
  [
    /^worker (\d+) has (\d+) slots? now$/,
    (cluster, [number, slots]) => {
      const worker = cluster.worker(number as string);
      worker.specs = { ...worker.specs, slots: Number(slots) };
      const event = { kind: "worker-resized", worker: worker.id, slots: Number(slots) } as const;
      return [cluster.happen(event)];
    },
  ],
  [/^show workers$/, (cluster) => workerLines(cluster)],
  [
    /^show absences$/,
    (cluster) =>
      [...cluster.workers.keys()].map((worker) => {
        const ms = absentMs(cluster.state, worker);
        return `${workerName(worker)} has been absent for ${ms} ms while a coordinator was up`;
      }),
  ],
];

function join(cluster: StoryCluster, found: readonly (string | undefined)[]): Happened {
  const [count = "1", noun, options = ""] = found;
  const happened: Array<Happened[number]> = [];
  for (let n = 0; n < Number(count); n++) {
    const id: WorkerId = `w-${cluster.workers.size + 1}`;
    const specs = workerSpecsOf(options, noun === "tab");
    const [held, sent, outputs, askedBack] = [[], [], [], []];
    const openJobs = new Set<JobId>();
    cluster.workers.set(id, { specs, held, sent, outputs, openJobs, askedBack });
    const event = { worker: null, owner: operator, specs, holding: [] };
    const effects = cluster.happen({ kind: "worker-joined", ...event });
    happened.push(`${workerName(id)} joins`, effects);
  }
  return happened;
}

/** It names what it holds, what it serves, and which jobs are open there. */
function comeBack(cluster: StoryCluster, found: readonly (string | undefined)[]): Happened {
  const [number, lost, moved] = found;
  const worker = cluster.worker(number as string);
  if (lost === "attempts" || lost === "disk") worker.held = [];
  if (lost === "outputs" || lost === "disk") worker.outputs = [];
  if (moved !== undefined) {
    const { specs } = worker;
    worker.specs = { ...specs, exchangeUrl: `${specs.exchangeUrl}-moved` };
  }
  const serving = [...worker.openJobs].map((job) => ({
    job,
    stage: 0,
    tasks: worker.outputs.filter((ref: AttemptRef) => ref.job === job).map(({ task }) => task),
  }));
  const { id, specs } = worker;
  const event = { worker: id, owner: operator, specs, holding: worker.held, serving };
  const effects = cluster.happen({ kind: "worker-joined", ...event });
  return [`${workerName(id)} is back`, effects];
}
