/** `tequio workers`: who computes, how much each has done. */
import type { Command } from "commander";
import type { TargetOptions } from "../../client/place.ts";
import type { VolunteerSummary, WorkerSummary } from "../../core/summary.ts";
import { lostText, reasonText } from "../../core/why/reasons.ts";
import { openClient } from "../connection.ts";
import { countText, durationText } from "../numbers.ts";
import { withExamples, withJson, withTarget } from "../options.ts";
import { styled } from "../screen.ts";
import { oneLine, table } from "../text.ts";

type Options = TargetOptions & { readonly json?: boolean; readonly all?: boolean };

const header = "WORKER STATE NAME RUNNING DONE FAILED VERSION PYTHON TRUST".split(" ");

/** How long lost workers are shown without `--all`, ms. */
const lostShownMs = 3_600_000;

export function define(command: Command): void {
  command.option("-a, --all", "include all workers that have left or were lost");
  withExamples(withJson(withTarget(command)), [
    ["tequio workers", "workers that are connected now, and those lost within the hour"],
    ["tequio workers --all", "all workers that ever joined"],
  ]).action(async (options: Options) => {
    const all = await (await openClient(options)).workers();
    const workers = all.filter((worker) => options.all || worker.state === "live");
    if (options.json) console.log(JSON.stringify(workers));
    else {
      const notes = [...pauses(workers), ...onTheWay(all), ...lost(all)];
      console.log([...listed(workers), ...notes].join("\n"));
    }
  });
}

function listed(workers: readonly WorkerSummary[]): string[] {
  if (workers.length === 0) return ["no workers; add this machine with: tequio join <url>"];
  const [first, ...rows] = table(header, workers.map(row), [3, 4, 5]);
  return [styled("bold", first ?? ""), ...rows];
}

/** Those that went without a goodbye lately: when, and why. */
export function lost(workers: readonly WorkerSummary[]): string[] {
  return workers.flatMap(({ lost: loss, name, state, worker }) => {
    if (state === "live" || loss === undefined || loss.reason === "bye") return [];
    if (loss.forMs > lostShownMs) return [];
    const when = `lost ${durationText(loss.forMs)} ago`;
    return [`${worker} (${oneLine(name)}) ${when}: ${lostText(loss)}`];
  });
}

/** What is wrong on the way to them. */
export function onTheWay(workers: readonly WorkerSummary[]): string[] {
  return workers.flatMap(({ narrow, unreached, worker }) => [
    ...(narrow === undefined ? [] : [reasonText({ kind: "link-narrow", ...narrow })]),
    ...(unreached === undefined
      ? []
      : [reasonText({ kind: "worker-unreached", worker, ...unreached })]),
  ]);
}

function pauses(workers: readonly WorkerSummary[]): string[] {
  return workers
    .filter((worker) => worker.state === "live" && worker.paused !== "")
    .map((worker) => `${worker.worker} takes no new tasks: ${oneLine(worker.paused)}`);
}

function row(worker: WorkerSummary): string[] {
  return [
    worker.worker,
    stateOf(worker),
    oneLine(worker.name),
    `${countText(worker.running)}/${countText(worker.slots)}`,
    countText(worker.done),
    countText(worker.failed),
    oneLine(worker.version),
    oneLine([worker.python ?? "-", worker.pythonEngine ?? ""].join(" ").trim()),
    trustText(worker.volunteer),
  ];
}

function stateOf({ paused, state, volunteer }: WorkerSummary): string {
  if (volunteer?.caught !== undefined) return "caught";
  return paused === "" ? state : "paused";
}

/** own · how often a volunteer was confirmed, and how much of it is compared. */
function trustText(volunteer: VolunteerSummary | undefined): string {
  if (volunteer === undefined) return "own";
  const { caught, checkedShare, person, valid } = volunteer;
  const name = oneLine(person);
  if (caught !== undefined) return `${name}: wrong result of ${caught.job} task ${caught.task}`;
  return `${name}: ${countText(valid)} confirmed, ${Math.round(checkedShare * 100)} % checked`;
}
