/** One tile for each worker: its activity, as colour and as shape. */
import type { Fleet } from "../fleet.ts";
import { nameOf } from "./sentences.ts";

/** What a tile can show, with the text of the legend. */
const looks = {
  busy: "computing",
  idle: "idle: waiting for a task",
  slow: "computing, ten times as long",
  away: "cut off or without its link, continuing",
  paused: "paused",
  lost: "dead",
} as const;
type Look = keyof typeof looks;

/** How long a tile shows a change, ms of the viewer's time. */
const flashMs = 1_200;

export class Tiles {
  readonly #place: HTMLElement;
  readonly #tiles: HTMLElement[];
  readonly #shown: string[];
  readonly #counts = new Map<Look, HTMLElement>();

  constructor(place: HTMLElement, legend: HTMLElement, count: number) {
    this.#place = place;
    this.#tiles = Array.from({ length: count }, (_, index) => {
      const tile = document.createElement("i");
      tile.dataset.worker = String(index);
      return tile;
    });
    this.#shown = new Array<string>(count).fill("");
    place.replaceChildren(...this.#tiles);
    legend.replaceChildren(...Object.entries(looks).map(([look, what]) => this.#row(look, what)));
  }

  /** The number of workers of each look. */
  show(fleet: Fleet): Record<Look, number> {
    const counts: Record<Look, number> = { busy: 0, idle: 0, slow: 0, away: 0, paused: 0, lost: 0 };
    for (const [index, tile] of this.#tiles.entries()) {
      const look = lookOf(fleet, index);
      counts[look] += 1;
      if (this.#shown[index] === look) continue;
      this.#shown[index] = look;
      tile.className = look;
    }
    for (const [look, count] of this.#counts) count.textContent = String(counts[look]);
    const { busy, idle, slow, away, paused, lost } = counts;
    const gone = `${away} are without a link, ${paused} are paused, ${lost} are dead`;
    const label = `${busy + slow} workers compute, ${idle} are idle, ${gone}`;
    this.#place.setAttribute("aria-label", label);
    return counts;
  }

  flash(worker: string): void {
    const tile = this.#tiles[Number(worker.slice("worker-".length))];
    tile?.animate?.([{ outlineColor: "var(--ink)" }, { outlineColor: "transparent" }], flashMs);
  }

  #row(look: string, what: string): HTMLElement {
    const row = document.createElement("li");
    const tile = document.createElement("i");
    tile.className = look;
    const count = document.createElement("b");
    this.#counts.set(look as Look, count);
    row.append(tile, count, ` ${what}`);
    return row;
  }
}

function lookOf(fleet: Fleet, index: number): Look {
  const { name, worker } = fleet.cluster.injector.seats[index]!;
  const { executor, loop, process } = worker;
  if (process.life === "dead") return "lost";
  if (process.life === "paused") return "paused";
  if (loop.state.relation.state !== "joined" || fleet.cluster.isCutOff(name)) return "away";
  if (executor.running === 0) return "idle";
  return executor.slowFactor > 1 ? "slow" : "busy";
}

/** A worker's description, in one line. */
export function describe(fleet: Fleet, index: number): string {
  const { name, worker } = fleet.cluster.injector.seats[index]!;
  const { executor, loop, process } = worker;
  const id = loop.workerId === "" ? "" : `, ${loop.workerId} to the coordinator`;
  const runs = executor.runningTasks.map((task) => `runs ${task}`).join(", ") || "runs nothing";
  const joined = loop.state.relation.state === "joined";
  const link = fleet.cluster.isCutOff(name) ? "is cut off" : joined ? "has its link" : "dials";
  const life = process.life === "up" ? `${link}, ${runs}` : looks[lookOf(fleet, index)];
  return `${nameOf(name)}${id}: ${life}, has completed ${loop.tasksDone} tasks.`;
}
