/** Commands of a story about attempts: `worker 1 finishes map 0 of job 1 in 400 ms`. */
import type { AttemptReport } from "../../src/core/event.ts";
import { type AttemptRef, attemptKey } from "../../src/core/ids.ts";
import type { Failure } from "../../src/core/job.ts";
import type { StoryCluster } from "./cluster.ts";
import type { Command, Happened } from "./command.ts";
import { durationOf } from "./specs.ts";

type Holder = ReturnType<StoryCluster["worker"]>;

const what =
  "(everything|\\d+ attempts|(?:map|reduce|task) \\d+(?: of job \\d+)?(?:, attempt \\d+)?)";
const details = "(?: in (\\d+ [a-z]+))?(?: with output (\\S+))?(?: counting (\\w+) (\\d+))?";

function command(rest: string): RegExp {
  return new RegExp(`^worker (\\d+) ${rest}$`);
}

export const attemptCommands: readonly Command[] = [
  [
    command(`starts ${what}`),
    (cluster, [number, which]) => {
      const worker = cluster.worker(number as string);
      const attempts = chosen(cluster, worker, which as string);
      return [cluster.happen({ kind: "attempts-started", worker: worker.id, attempts })];
    },
  ],
  [command(`finishes ${what}${details}`), finishes],
  [
    command(`returns ${what}`),
    (cluster, [number, which]) => report(cluster, { number, which }, { kind: "returned" }),
  ],
  [
    command("returns what it was asked for"),
    (cluster, [number]) => {
      const worker = cluster.worker(number as string);
      const held = new Set(worker.held.map(attemptKey));
      const asked = worker.askedBack.filter((ref) => held.has(attemptKey(ref)));
      return asked.map((ref) => cluster.report(worker.id, ref, { kind: "returned" }));
    },
  ],
  [
    command(`fails ${what}: ([a-z-]+)(?: (.+?))??(?:, missing maps? (.+))?`),
    (cluster, [number, which, code, message = "it failed", missing]) => {
      const failure = { code, message } as Failure;
      const lostTasks = missing?.split(" ").map(Number);
      const lost = lostTasks === undefined ? {} : { lostTasks };
      return report(cluster, { number, which }, { kind: "failed", failure, ...lost });
    },
  ],
];

function finishes(cluster: StoryCluster, found: readonly (string | undefined)[]): Happened {
  const [number, which, time, root, counter, count] = found;
  const counters = counter === undefined ? {} : { counters: { [counter]: Number(count) } };
  const durationMs = time === undefined ? 10 : durationOf(time);
  const repeat = /^(\d+) attempts$/.exec(which as string);
  const happened: Array<Happened[number]> = [];
  // One after the other: each may bring the next.
  for (let left = repeat === null ? 1 : Number(repeat[1]); left > 0; left--) {
    const worker = cluster.worker(number as string);
    const refs =
      repeat === null ? chosen(cluster, worker, which as string) : worker.held.slice(0, 1);
    for (const ref of refs) {
      const output = {
        root: root ?? `${cluster.nounOf(ref)}-${ref.task}-of-job-${ref.job.slice(2)}`,
        sizeBytes: 1,
        records: 1,
      };
      const done = { kind: "done", durationMs, output, ...counters } as const;
      happened.push(cluster.report(worker.id, ref, done));
    }
  }
  return happened;
}

function report(
  cluster: StoryCluster,
  of: { readonly number: string | undefined; readonly which: string | undefined },
  what: Partial<AttemptReport>,
): Happened {
  const worker = cluster.worker(of.number as string);
  const refs = chosen(cluster, worker, of.which as string);
  return refs.map((ref) => cluster.report(worker.id, ref, what));
}

/** What the worker holds of that name; or else the last that it was sent, which is then late. */
function chosen(cluster: StoryCluster, worker: Holder, which: string): AttemptRef[] {
  if (which === "everything") return [...worker.held];
  const parts = /^(map|reduce|task) (\d+)(?: of job (\d+))?(?:, attempt (\d+))?$/.exec(which);
  const [, noun, task, job, attempt] = parts as RegExpExecArray;
  const isIt = (ref: AttemptRef) => {
    if (ref.task !== Number(task) || cluster.nounOf(ref) !== noun) return false;
    if (job !== undefined && ref.job !== `j-${Number(job)}`) return false;
    return attempt === undefined || ref.attempt === Number(attempt);
  };
  const found = worker.held.find(isIt) ?? worker.sent.findLast(isIt);
  if (found === undefined) throw new Error(`worker ${worker.id} was never sent ${which}`);
  return [found];
}
