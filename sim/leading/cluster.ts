/** Several coordinators on one engine in a simulated world, with its faults and its laws. The same
 *  seed gives the same run. */
import { replay } from "../../src/coordinator/loop/journal.ts";
import { saveState } from "../../src/core/coordinator.ts";
import { Random } from "../../src/core/random.ts";
import { type LogContents, openMemoryLog } from "../../src/store/log/memory.ts";
import { SimClock } from "../world/clock.ts";
import { onUnhandled } from "../world/host.ts";
import { SimProcess } from "../world/process.ts";
import { SimEngine } from "./engine.ts";
import { type MachineClock, SimNode } from "./node.ts";

export const leadingLaws = [
  "one coordinator leads",
  "what is acknowledged stays, under its id",
  "an answer has all that was acknowledged before it",
  "a deposed coordinator appends nothing",
  "a state that was followed is that of the log",
  "another coordinator leads soon",
] as const;

export const leadingFaults = [
  "killed",
  "paused",
  "hands over",
  "cut off from the engine",
  "engine without a leader",
  "engine slow",
  "wall clock set",
] as const;

export type LeadingResult = {
  readonly seed: number;
  readonly broken: Error | null;
  readonly events: number;
  readonly counts: ReadonlyMap<string, number>;
};

type Fault = (typeof leadingFaults)[number];

const lifeMs = 240_000;
const leaseMs = 3_000;
const nodeCount = 3;
/** Between two calls of the client, and its longest wait for an answer, ms. */
const callMs = 200;
const answerMs = 2_000;
/** When all is well again: until one must have led, ms. */
const soonMs = 30_000;

export async function simulateLeading(seed: number): Promise<LeadingResult> {
  const cluster = new LeadingCluster(seed);
  return cluster.run();
}

class LeadingCluster {
  readonly #seed: number;
  readonly #clock = new SimClock();
  readonly #random: Random;
  readonly #engine: SimEngine;
  readonly #client: SimProcess;
  readonly #machines: MachineClock[] = [];
  readonly #nodes: SimNode[] = [];
  readonly #counts = new Map<string, number>();
  /** Ids of acknowledged jobs, by their key. */
  readonly #acknowledged = new Map<string, string>();
  #calls = 0;
  #asked = 0;
  #broken: Error | null = null;
  #isHealed = false;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    const clock = this.#clock;
    this.#client = new SimProcess("client", clock);
    this.#engine = new SimEngine({
      clock,
      random: new Random(seed + 1e9),
      count: (what) => this.#count(what),
      onDurable: (_, writer) => {
        this.#check("a deposed coordinator appends nothing", writer === this.#engine.writers);
      },
    });
    for (let index = 0; index < nodeCount; index += 1) {
      const speed = 1 + (this.#random.fraction() - 0.5) * 0.08;
      this.#machines.push({ speed, offsetMs: this.#random.fraction() * 1e6, wallSkewMs: 0 });
      this.#start(index);
    }
    clock.onEvent = () => this.#look();
  }

  async run(): Promise<LeadingResult> {
    const forget = onUnhandled((error) => this.#fail(error));
    this.#clock.after(0, null, () => this.#call());
    this.#clock.after(0, null, () => this.#disturb());
    try {
      await this.#clock.run(lifeMs);
      this.#heal();
      const before = this.#acknowledged.size;
      await this.#clock.run(lifeMs + soonMs);
      if (this.#broken === null) {
        this.#check("another coordinator leads soon", this.#acknowledged.size > before);
        await this.#judgeLog();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      forget();
    }
    const { count: events } = this.#clock;
    return { seed: this.#seed, broken: this.#broken, events, counts: this.#counts };
  }

  #start(index: number): void {
    const node = new SimNode({
      name: `n${index}`,
      clock: this.#clock,
      machine: this.#machines[index]!,
      engine: this.#engine,
      leaseMs,
      onLeads: (loop) => void this.#took(node, loop.position),
      onBroken: () => this.#check("a state that was followed is that of the log", false),
    });
    this.#nodes[index] = node;
    node.process.onDeath.push(() => {
      const delayMs = 200 + this.#random.below(8_000);
      this.#clock.after(delayMs, null, () => this.#start(index));
    });
  }

  /** Asked between any two events, also in the middle of a pause. */
  #look(): void {
    const leaders = this.#nodes.filter(({ holds }) => holds);
    this.#check("one coordinator leads", leaders.length <= 1);
    for (const node of leaders) {
      const { listedNow } = node;
      if (listedNow === null) continue;
      const isWhole = listedNow >= this.#acknowledged.size;
      this.#check("an answer has all that was acknowledged before it", isWhole);
    }
  }

  /** Submits, or lists, at the node that answered last or the one after it; tries again under the
   *  same key. */
  #call(): void {
    const node = this.#nodes[this.#asked % nodeCount]!;
    const isListing = this.#random.chance(0.3);
    const key = `k${this.#calls}`;
    const known = this.#acknowledged.size;
    const calling = isListing
      ? node.list().then((found) => {
          const isWhole = found >= known;
          this.#check("an answer has all that was acknowledged before it", isWhole);
        })
      : node.submit(key).then((job) => {
          // Meanwhile it may have been answered late to an earlier try.
          const before = this.#acknowledged.get(key) ?? job;
          this.#check("what is acknowledged stays, under its id", before === job);
          this.#acknowledged.set(key, job);
          if (key === `k${this.#calls}`) this.#calls += 1;
        });
    let isOver = false;
    const next = (isAnswered: boolean) => {
      if (isOver) return;
      isOver = true;
      late.fire = null;
      if (!isAnswered) this.#asked += 1;
      this.#clock.after(callMs, null, () => this.#call());
    };
    const late = this.#clock.after(answerMs, this.#client, () => next(false));
    calling.then(
      () => next(true),
      () => next(false),
    );
  }

  #disturb(): void {
    if (this.#isHealed) return;
    const fault = leadingFaults[this.#random.below(leadingFaults.length)]!;
    const leading = this.#nodes.findIndex(({ holds }) => holds);
    const isOther = leading === -1 || this.#random.chance(0.3);
    const index = isOther ? this.#random.below(nodeCount) : leading;
    const forMs = 200 + this.#random.below(12_000);
    this.#count(fault);
    this.#inject(fault, index, forMs);
    this.#clock.after(this.#random.below(10_000), null, () => this.#disturb());
  }

  #inject(fault: Fault, index: number, forMs: number): void {
    const node = this.#nodes[index]!;
    const { process } = node;
    const engine = this.#engine;
    const undo = (act: () => void) => void this.#clock.after(forMs, null, act);
    if (fault === "killed") node.end();
    else if (fault === "hands over") void node.handOver();
    else if (fault === "wall clock set") {
      this.#machines[index]!.wallSkewMs = (this.#random.fraction() - 0.5) * 7_200_000;
    } else if (fault === "paused") {
      process.pause();
      undo(() => process.resume());
    } else if (fault === "cut off from the engine") {
      engine.cut.add(process);
      undo(() => engine.cut.delete(process));
    } else if (fault === "engine without a leader") {
      engine.isDown = true;
      undo(() => {
        engine.isDown = false;
      });
    } else {
      engine.slowFactor = 10 ** (1 + this.#random.fraction() * 1.5);
      undo(() => {
        engine.slowFactor = 1;
      });
    }
  }

  #heal(): void {
    this.#isHealed = true;
    this.#engine.isDown = false;
    this.#engine.slowFactor = 1;
    this.#engine.cut.clear();
    for (const { process } of this.#nodes) process.resume();
  }

  /** The loop of a new leader has just begun: nothing else has been written since. */
  async #took(node: SimNode, position: number): Promise<void> {
    this.#count("took over");
    const { loop } = node;
    const { contents } = this.#engine;
    if (loop === null || loop.position !== position) return;
    if (contents.trimmed + contents.records.length !== position) return;
    const live = JSON.stringify(saveState(loop.state));
    const again = await replay(openMemoryLog(copyOf(contents)));
    const isSame = JSON.stringify(saveState(again.state)) === live;
    this.#check("a state that was followed is that of the log", isSame);
  }

  async #judgeLog(): Promise<void> {
    const { state } = await replay(openMemoryLog(copyOf(this.#engine.contents)));
    const ids = new Map([...state.jobs.values()].map(({ key, number }) => [key, `j-${number}`]));
    for (const [key, job] of this.#acknowledged) {
      this.#check("what is acknowledged stays, under its id", ids.get(key) === job);
    }
  }

  #check(law: (typeof leadingLaws)[number], holds: boolean): void {
    this.#count(law);
    if (!holds) this.#fail(new Error(law));
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #fail(error: unknown): void {
    this.#broken ??= error instanceof Error ? error : new Error(String(error));
    this.#clock.stop();
  }
}

/** A handle of its own: another opening of the same contents would fence the writer. */
function copyOf({ generation, records, snapshot, trimmed }: LogContents): LogContents {
  return { generation, records: [...records], snapshot, trimmed };
}
