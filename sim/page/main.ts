/** The page: a cluster of a thousand workers that runs in this tab, and the viewer's controls. */
import { Fleet, stepMs } from "../fleet.ts";
import { simulate } from "../simulate.ts";
import type { TraceLine } from "../trace-log.ts";
import { clockText, element, JobList, TraceList } from "./lists.ts";
import { sentenceOf } from "./sentences.ts";
import { describe, Tiles } from "./tiles.ts";

/** Time budget of a frame, ms; the rest of the time is the browser's. */
const frameMs = 24;
/** The same where the browser takes long to draw a frame: the simulation has half of the time, but
 *  buttons answer within this, ms. */
const slowFrameMs = 250;
/** Largest lag of the simulated time before it is dropped, because the machine is too slow, ms. */
const debtMaxMs = 2_000;

const find = <E extends HTMLElement = HTMLElement>(id: string) =>
  document.getElementById(id) as E | null as E;

const query = new URLSearchParams(location.search);
const workers = Number(query.get("workers") ?? 1_000);
/** How many jobs are kept running. */
const jobsWanted = Number(query.get("jobs") ?? 3);
const seedField = find<HTMLInputElement>("seed");
const mishaps = find<HTMLInputElement>("mishaps");
const story = new TraceList(find("story"));
seedField.value = query.get("seed") ?? seedField.value;
mishaps.checked = query.get("mishaps") !== "0";
find("size").textContent = workers.toLocaleString("en");

let tiles = new Tiles(find("tiles"), find("legend"), workers);
let jobs = new JobList(find("jobs"));
let fleet = begin();
let isPaused = false;
let pointed = -1;
/** Speed reached recently. */
let reached = 0;

function begin(): Fleet {
  story.clear();
  jobs = new JobList(find("jobs"));
  tiles = new Tiles(find("tiles"), find("legend"), workers);
  const seed = Number(seedField.value);
  const made = new Fleet({ seed, workers, jobs: jobsWanted, told });
  made.mishaps = mishaps.checked;
  return made;
}

function told(line: TraceLine): void {
  const sentence = sentenceOf(line);
  if (sentence === null) return;
  story.add(line.atMs, sentence);
  if (sentence.worker !== null) tiles.flash(sentence.worker);
}

const injections: Record<string, () => void> = {
  kill: () => fleet.injectSome("worker-crash", 0.12, 30_000),
  slow: () => fleet.injectSome("worker-slow-cpu", 0, 300_000),
  partition: () => fleet.injectSome("link-cut", 1 / 3, 40_000),
  pause: () => fleet.injectSome("worker-pause", 0.1, 30_000),
  coordinator: () => fleet.cluster.inject("coordinator-crash", { forMs: 4_000 }),
};

for (const button of document.querySelectorAll<HTMLElement>("[data-fault]")) {
  button.addEventListener("click", () => injections[button.dataset.fault!]!());
}
find("submit").addEventListener("click", () => fleet.submit());
mishaps.addEventListener("change", () => {
  fleet.mishaps = mishaps.checked;
});
find("restart").addEventListener("click", () => {
  fleet = begin();
});
find("play").addEventListener("click", () => {
  isPaused = !isPaused;
  find("play").textContent = isPaused ? "Resume" : "Pause";
  find("play").setAttribute("aria-pressed", String(!isPaused));
});
find("tiles").addEventListener("pointerover", (event) => {
  const index = (event.target as HTMLElement).dataset.worker;
  if (index !== undefined) pointed = Number(index);
});

async function live(): Promise<never> {
  let lastMs = performance.now();
  let workedMs = 0;
  let debtMs = 0;
  for (;;) {
    await new Promise(requestAnimationFrame);
    const nowMs = performance.now();
    const passedMs = Math.min(1_000, nowMs - lastMs);
    const drawnMs = nowMs - lastMs - workedMs;
    const budgetMs = Math.max(frameMs, Math.min(slowFrameMs, drawnMs));
    lastMs = nowMs;
    workedMs = 0;
    if (isPaused) continue;
    const speed = Number(find<HTMLSelectElement>("speed").value);
    debtMs = Math.min(debtMaxMs * speed, debtMs + passedMs * speed);
    const beforeMs = fleet.cluster.nowMs;
    while (debtMs >= stepMs && performance.now() - nowMs < budgetMs) {
      await fleet.step();
      debtMs -= stepMs;
    }
    workedMs = performance.now() - nowMs;
    if (workedMs >= budgetMs) debtMs = Math.min(debtMs, stepMs);
    reached += 0.03 * (Math.max(0, fleet.cluster.nowMs - beforeMs) / passedMs - reached);
    show();
  }
}

function show(): void {
  tiles.show(fleet);
  jobs.show(fleet);
  if (pointed >= 0) find("pointed").textContent = describe(fleet, pointed);
  const { judge, nowMs, supervisor } = fleet.cluster;
  const life = supervisor.current?.process.life ?? "dead";
  const isUp = life === "up" && supervisor.current?.loop !== null;
  const coordinator = isUp ? "up" : life === "up" ? "replaying its log" : life;
  const laws = judge.broken === null ? "all laws hold" : judge.broken.message;
  find("figures").replaceChildren(
    figure("Simulated time", `${clockText(nowMs)} (${reached.toFixed(1)} ×)`),
    figure("Coordinator", `${coordinator}, start ${judge.state.epoch}`, isUp ? "" : "bad"),
    figure("Log", `${judge.position.toLocaleString("en")} records`),
    figure("Jobs done", String(jobs.done)),
    figure("Judge", laws, judge.broken === null ? "good" : "bad"),
  );
}

function figure(what: string, value: string, tone = ""): HTMLElement {
  const span = element("span", "", `${what}: `);
  span.append(element("b", tone, value));
  return span;
}

async function trace(seed: number): Promise<{ trace: string; events: number; broken: string }> {
  const { broken, events, trace } = await simulate({ seed });
  return { trace, events, broken: broken?.message ?? "" };
}

const traceSeed = find<HTMLInputElement>("trace-seed");
traceSeed.addEventListener("input", () => {
  find("trace-command").textContent = `npm run simulate -- --seed ${traceSeed.value}`;
});
find("trace").addEventListener("click", async () => {
  find("trace-result").textContent = "runs …";
  const { broken, events, trace: hash } = await trace(Number(traceSeed.value));
  const laws = broken === "" ? "all laws held" : broken;
  const result = `trace ${hash} after ${events.toLocaleString("en")} events, ${laws}`;
  find("trace-result").textContent = result;
});

/** For tests, and for use in the browser's console. */
const simulation = {
  trace,
  now: () => ({
    nowMs: fleet.cluster.nowMs,
    jobsDone: jobs.done,
    broken: fleet.cluster.judge.broken?.message ?? "",
    ...tiles.show(fleet),
  }),
};
Object.assign(globalThis, { simulation });
void live();
