/** The two lists beside the tiles: jobs with their progress, and recent events. */
import type { JobSummary, StageSummary } from "../../src/core/summary.ts";
import { jobSummaries } from "../../src/core/view.ts";
import type { Fleet } from "../fleet.ts";
import type { Sentence } from "./sentences.ts";

/** Jobs that are shown after their end. */
const endedShown = 2;
/** Lines that are kept. */
const linesMax = 120;
/** Lines of one topic within this time are merged, ms of simulated time. */
const togetherMs = 3_000;

export class JobList {
  readonly #place: HTMLElement;
  /** Newest last; they are removed from the state soon after their end. */
  readonly #ended: JobSummary[] = [];
  readonly #known = new Map<string, JobSummary>();
  done = 0;

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  show(fleet: Fleet): void {
    const { judge } = fleet.cluster;
    const live = jobSummaries(judge.state, judge.atMs);
    const running = live.filter(({ state }) => state === "running");
    for (const summary of running) this.#known.set(summary.job, summary);
    for (const [id, last] of this.#known) {
      if (running.some(({ job }) => job === id)) continue;
      this.#known.delete(id);
      this.#end(live.find(({ job }) => job === id) ?? last);
    }
    this.#place.replaceChildren(
      ...running.map((summary) => card(summary)),
      ...this.#ended.toReversed().map((summary) => card(summary)),
    );
  }

  #end(summary: JobSummary): void {
    this.done += 1;
    // Between two refreshes it may have ended and been removed.
    const stages = summary.stages.map((stage) => ({ ...stage, done: stage.taskCount, running: 0 }));
    const state = summary.state === "running" ? "done" : summary.state;
    this.#ended.push({ ...summary, stages, state, atMs: summary.endedAtMs || summary.atMs });
    if (this.#ended.length > endedShown) this.#ended.shift();
  }
}

function card(summary: JobSummary): HTMLElement {
  const { atMs, job, stages, state, submittedAtMs } = summary;
  const item = element("li", "", "");
  const title = element("div", "title", "");
  const seconds = `${Math.round((atMs - submittedAtMs) / 1_000)} s`;
  const name = stages.length > 1 ? `${job} · word count` : `${job} · list of tasks`;
  const how = element("b", state, state === "running" ? seconds : `${state} in ${seconds}`);
  title.append(element("b", "", name), how);
  item.append(title, ...stages.map((stage) => bar(stage)));
  const sum = (of: (stage: StageSummary) => number) =>
    stages.reduce((all, one) => all + of(one), 0);
  const lost = sum((stage) => stage.attemptsLost);
  const failed = sum((stage) => stage.attemptsFailed);
  const backups = sum((stage) => stage.backups);
  const spoiled = `${lost} attempts lost with their worker, ${failed} failed, ${backups} backups`;
  item.append(element("small", "", spoiled));
  return item;
}

function bar({ done, kind, running, taskCount }: StageSummary): HTMLElement {
  const label = element("label", "", "");
  const progress = document.createElement("progress");
  progress.max = taskCount;
  progress.value = done;
  const count = element("span", "", `${done} of ${taskCount}`);
  label.title = `${running} attempts run`;
  label.append(element("span", "", kind), progress, count);
  return label;
}

type Line = {
  readonly atMs: number;
  readonly topic: string;
  readonly more: HTMLElement;
  n: number;
};

export class TraceList {
  readonly #place: HTMLElement;
  #recent: Line[] = [];

  constructor(place: HTMLElement) {
    this.#place = place;
  }

  add(atMs: number, { text, tone, topic }: Sentence): void {
    this.#recent = this.#recent.filter((line) => atMs - line.atMs <= togetherMs);
    const same = this.#recent.find((line) => line.topic === topic);
    if (same !== undefined) {
      same.n += 1;
      same.more.textContent = ` And ${same.n} more.`;
      return;
    }
    const more = element("span", "", "");
    const said = element("span", tone, text);
    said.append(more);
    const item = element("li", "", "");
    item.append(element("time", "", clockText(atMs)), said);
    this.#place.prepend(item);
    this.#recent.push({ atMs, topic, more, n: 0 });
    while (this.#place.childElementCount > linesMax) this.#place.lastElementChild?.remove();
  }

  clear(): void {
    this.#recent = [];
    this.#place.replaceChildren();
  }
}

/** `4:07` of simulated time. */
export function clockText(atMs: number): string {
  const seconds = Math.floor(atMs / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export function element(name: string, className: string, text: string): HTMLElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.textContent = text;
  return made;
}
