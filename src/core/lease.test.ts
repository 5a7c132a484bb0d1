/** Random lives of coordinators that want one lease: pauses, lost and late answers, clocks of
 *  different speed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  holdsLease,
  type LeaseEffect,
  type LeaseEntry,
  type LeaseEvent,
  type LeaseState,
  newLease,
  nextLeaseWakeMs,
  stepLease,
} from "./lease.ts";
import { Random } from "./random.ts";

const rules = { leaseMs: 3_000, renewMs: 500, isStandby: true };
const lives = 300;
const lifeMs = 120_000;

type Timed = { readonly atMs: number; readonly run: () => void };

/** One register, nodes with clocks of their own, and a queue of what happens when. */
class Life {
  readonly #random: Random;
  readonly #queue: Timed[] = [];
  readonly #nodes: Node[] = [];
  entry: LeaseEntry | null = null;
  nowMs = 0;
  terms = 0;
  releases = 0;
  ledMs = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    for (let index = 0; index < 3; index += 1) this.#nodes.push(this.#newNode(index));
  }

  #newNode(index: number): Node {
    const speed = 1 + (this.#random.fraction() - 0.5) * 0.08;
    return new Node(`n${index}`, { speed, offsetMs: this.#random.fraction() * 1e6 }, this);
  }

  chance(share: number): boolean {
    return this.#random.fraction() < share;
  }

  some(mostMs: number): number {
    return this.#random.fraction() * mostMs;
  }

  later(delayMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.nowMs + delayMs, run });
  }

  run(): void {
    for (const node of this.#nodes) node.post({ kind: "time-passed" });
    this.later(0, () => this.#disturb());
    while (this.nowMs < lifeMs) {
      this.#queue.sort((a, b) => a.atMs - b.atMs);
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (this.#leaders().length === 1) this.ledMs += next.atMs - this.nowMs;
      this.nowMs = next.atMs;
      next.run();
      const leaders = this.#leaders();
      assert.ok(leaders.length <= 1, `two hold the lease: ${leaders.map(({ id }) => id)}`);
    }
  }

  #leaders(): Node[] {
    return this.#nodes.filter((node) => node.holds());
  }

  #restart(index: number, node: Node): void {
    if (node.isGone) return;
    node.isGone = true;
    const next = this.#newNode(index);
    this.#nodes[index] = next;
    next.post({ kind: "time-passed" });
  }

  /** Pauses, ends and restarts a node now and then. */
  #disturb(): void {
    const index = Math.floor(this.#random.fraction() * this.#nodes.length);
    const node = this.#nodes[index] as Node;
    const kind = this.#random.fraction();
    if (kind < 0.4) node.pause(this.some(12_000));
    else if (kind < 0.6) this.#restart(index, node);
    else if (kind < 0.8) {
      this.releases += 1;
      node.post({ kind: "release-asked" });
      this.later(2_000, () => this.#restart(index, node));
    }
    this.later(this.some(8_000), () => this.#disturb());
  }
}

type Clock = { readonly speed: number; readonly offsetMs: number };
type Untimed<E> = E extends LeaseEvent ? Omit<E, "atMs"> : never;

class Node {
  readonly id: string;
  readonly #clock: Clock;
  readonly #life: Life;
  readonly #state: LeaseState;
  isGone = false;
  #pausedUntilMs = 0;

  constructor(id: string, clock: Clock, life: Life) {
    this.id = id;
    this.#clock = clock;
    this.#life = life;
    this.#state = newLease(id, "", rules);
  }

  /** Asked at any moment, also in the middle of a pause: an answer may be under way then. */
  holds(): boolean {
    return !this.isGone && holdsLease(this.#state, this.#nowMs());
  }

  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#life.nowMs + forMs);
  }

  post(event: Untimed<LeaseEvent>): void {
    if (this.isGone) return;
    const waitMs = this.#pausedUntilMs - this.#life.nowMs;
    if (waitMs > 0) {
      this.#life.later(waitMs, () => this.post(event));
      return;
    }
    const atMs = this.#nowMs();
    for (const effect of stepLease(this.#state, { ...event, atMs } as LeaseEvent)) {
      this.#perform(effect);
    }
    const wakeMs = nextLeaseWakeMs(this.#state);
    if (wakeMs === Infinity) return;
    const delayMs = Math.max(1, (wakeMs - atMs) / this.#clock.speed);
    this.#life.later(delayMs, () => this.post({ kind: "time-passed" }));
  }

  #nowMs(): number {
    return this.#life.nowMs * this.#clock.speed + this.#clock.offsetMs;
  }

  #perform(effect: LeaseEffect): void {
    const life = this.#life;
    if (effect.kind === "lead") life.terms += 1;
    if (effect.kind !== "read" && effect.kind !== "swap") return;
    const sentAtMs = this.#nowMs();
    // Late ones reach the register after their sender has given them up.
    const isLost = life.chance(0.1);
    const thereMs = life.chance(0.1) ? life.some(6_000) : life.some(20);
    if (isLost || thereMs > 1_500) {
      life.later(1_500, () => this.post({ kind: "failed" }));
      if (isLost && life.chance(0.5)) return;
    }
    life.later(thereMs, () => {
      const answer = this.#atRegister(effect, sentAtMs);
      if (!isLost && thereMs <= 1_500) life.later(life.some(20), () => this.post(answer));
    });
  }

  #atRegister(
    effect: Extract<LeaseEffect, { kind: "read" | "swap" }>,
    sentAtMs: number,
  ): Untimed<LeaseEvent> {
    const life = this.#life;
    if (effect.kind === "read") return { kind: "read", entry: life.entry };
    const { expected, next } = effect;
    const isDone =
      life.entry?.term === expected?.term &&
      life.entry?.beat === expected?.beat &&
      (life.entry === null) === (expected === null);
    if (isDone) life.entry = next;
    return { kind: "swapped", isDone, sentAtMs };
  }
}

test("X11: in random lives no two coordinators hold the lease at once", () => {
  let terms = 0;
  let releases = 0;
  let ledMs = 0;
  for (let seed = 1; seed <= lives; seed += 1) {
    const life = new Life(seed);
    life.run();
    terms += life.terms;
    releases += life.releases;
    ledMs += life.ledMs;
  }
  assert.ok(terms > 5 * lives, `only ${terms} terms`);
  assert.ok(releases > lives, `only ${releases} releases`);
  const share = ledMs / (lives * lifeMs);
  assert.ok(share > 0.4, `led only ${Math.round(share * 100)} % of the time`);
});

/** A state that has just read what is there. */
function after(entry: LeaseEntry | null, isStandby = true): LeaseState {
  const state = newLease("me", "", { ...rules, isStandby });
  assert.deepEqual(stepLease(state, { kind: "time-passed", atMs: 0 }), [{ kind: "read" }]);
  stepLease(state, { kind: "read", entry, atMs: 10 });
  return state;
}

const other: LeaseEntry = { term: 4, beat: 7, holder: "other", note: "http://other" };

test("a lease that another gave up is taken at once, and one that it renews never", () => {
  const given = after({ ...other, holder: "" });
  assert.deepEqual(given.proposed, { term: 5, beat: 0, holder: "me", note: "" });
  const state = after(other);
  for (let beat = 8; beat < 40; beat += 1) {
    const atMs = 10 + (beat - 7) * 1_000;
    assert.deepEqual(stepLease(state, { kind: "time-passed", atMs }), [{ kind: "read" }]);
    const entry = { ...other, beat };
    assert.deepEqual(stepLease(state, { kind: "read", entry, atMs: atMs + 5 }), []);
  }
});

test("without standby, a node that renews is the end of the wait", () => {
  const state = after(other, false);
  stepLease(state, { kind: "time-passed", atMs: 600 });
  const entry = { ...other, beat: 8 };
  const effects = stepLease(state, { kind: "read", entry, atMs: 610 });
  assert.deepEqual(effects, [{ kind: "refused", by: entry }]);
});

test("an earlier life of the same node is not waited out", () => {
  const state = after({ ...other, holder: "me" });
  assert.equal(state.proposed?.term, 5);
  const effects = stepLease(state, { kind: "swapped", isDone: true, sentAtMs: 10, atMs: 20 });
  assert.deepEqual(effects, [{ kind: "lead", term: 5 }]);
  assert.ok(holdsLease(state, 3_009) && !holdsLease(state, 3_010));
});
