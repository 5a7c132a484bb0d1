/** Members and tickets over the production loop, in simulated time: peers register, publish, send
 *  heartbeats and crash, the coordinator is paused and restarts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SimClock } from "../../sim/world/clock.ts";
import { openSimLog, SimDisk } from "../../sim/world/disk.ts";
import { SimProcess } from "../../sim/world/process.ts";
import { Loop } from "../../src/coordinator/loop/loop.ts";
import { Members } from "../../src/coordinator/members/members.ts";
import { Tickets } from "../../src/coordinator/members/tickets.ts";
import { ClusterError } from "../../src/core/error.ts";
import { Random } from "../../src/core/random.ts";

const ttlMs = 30_000;
/** How much the coordinator's own pauses may extend a member's life: they stop its clock. */
const slackMs = 6_000;

type Peer = { readonly name: string; token: string; heardAtMs: number; isUp: boolean };

class Master {
  readonly process: SimProcess;
  readonly tickets = new Tickets({ ttlMs: 20_000 });
  members: Members | null = null;

  constructor(clock: SimClock, disk: SimDisk) {
    this.process = new SimProcess("coordinator", clock);
    void this.#start(disk);
  }

  async #start(disk: SimDisk): Promise<void> {
    const timers = this.process;
    const log = openSimLog(disk, timers);
    const loop = await Loop.start({
      log,
      timers,
      perform() {},
      onFatal: (error) => assert.fail(error),
      snapshotRecords: 20,
    });
    this.members = new Members({ loop, timers });
  }
}

class Life {
  readonly clock = new SimClock();
  readonly random: Random;
  readonly disk: SimDisk;
  master: Master;
  /** Periods in which the coordinator was paused or down, ms. */
  readonly away: Array<readonly [fromMs: number, untilMs: number]> = [];
  readonly peers: Peer[];
  readonly redeemed = new Set<string>();
  tickets: Array<{ text: string; source: string; from: Master }> = [];
  counts = { offered: 0, silent: 0, redeemed: 0, refused: 0, restarts: 0 };

  constructor(seed: number) {
    this.random = new Random(seed);
    this.disk = new SimDisk({ random: this.random, writeMs: 5, count() {}, onDurable() {} });
    this.master = new Master(this.clock, this.disk);
    this.peers = Array.from({ length: 6 }, (_, index) => {
      return { name: `p${index}`, token: "", heardAtMs: Number.NEGATIVE_INFINITY, isUp: true };
    });
  }

  async live(forMs: number): Promise<void> {
    for (let atMs = 1_000; atMs < forMs; atMs += 1_000) {
      await this.clock.run(atMs);
      const dice = this.random.below(100);
      if (dice === 0) this.#restart();
      else if (dice === 1) this.#pause();
      for (const peer of this.peers) this.#step(peer);
      this.#look();
    }
  }

  #restart(): void {
    this.master.process.kill(this.random.chance(0.5));
    const fromMs = this.clock.nowMs;
    const forMs = 100 + this.random.below(20_000);
    this.away.push([fromMs, fromMs + forMs]);
    this.counts.restarts++;
    this.clock.after(forMs, null, () => {
      if (this.master.process.life !== "dead") return;
      this.master = new Master(this.clock, this.disk);
    });
  }

  #pause(): void {
    const { process } = this.master;
    if (!process.up) return;
    process.pause();
    const forMs = 100 + this.random.below(60_000);
    this.away.push([this.clock.nowMs, this.clock.nowMs + forMs]);
    this.clock.after(forMs, null, () => process.resume());
  }

  #step(peer: Peer): void {
    const { members, process, tickets } = this.master;
    if (this.random.chance(0.01)) peer.isUp = !peer.isUp;
    if (!peer.isUp || members === null || !process.up) return;
    if (members.peerOf(peer.token) === null) {
      if (this.random.chance(0.3)) void this.#register(peer, members);
      return;
    }
    if (this.random.chance(0.2) && members.touch(peer.name)) peer.heardAtMs = this.clock.nowMs;
    const terms = { source: peer.name, fileName: "f", root: null, requester: "ann" };
    const text = tickets.issue(terms, this.clock.nowMs);
    this.tickets.push({ text, source: peer.name, from: this.master });
  }

  async #register(peer: Peer, members: Members): Promise<void> {
    const { name } = peer;
    const address = { host: "10.0.0.1", port: 1 };
    const file = { name: `of ${name}`, description: "", root: null, sizeBytes: null };
    try {
      peer.token = await members.registerPeer({ name, owner: "a", admittedBy: "", address, ttlMs });
      peer.heardAtMs = this.clock.nowMs;
      await members.publish(name, [file], "replace");
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
    }
  }

  #look(): void {
    const { members, process } = this.master;
    if (members === null || !process.up) return;
    const nowMs = this.clock.nowMs;
    for (const name of members.names()) {
      const peer = this.peers.find((one) => name === `of ${one.name}`)!;
      const limitMs = peer.heardAtMs + ttlMs + this.#awayMs(peer.heardAtMs) + slackMs;
      assert.ok(nowMs <= limitMs, `I11: ${name} is offered ${nowMs - limitMs} ms too long`);
      this.counts.offered++;
    }
    this.counts.silent += this.peers.length - members.names().length;
    for (const ticket of this.tickets) if (this.random.chance(0.05)) this.#redeem(ticket);
    this.tickets = this.tickets.slice(-100);
  }

  /** After a start every member has one whole TTL. */
  #awayMs(sinceMs: number): number {
    const over = this.away.filter(([, untilMs]) => untilMs > sinceMs);
    const restarts = over.length > 0 ? ttlMs * over.length : 0;
    return over.reduce((sum, [from, until]) => sum + until - Math.max(from, sinceMs), restarts);
  }

  #redeem({ from, source, text }: Life["tickets"][number]): void {
    const found = this.master.tickets.redeem(text, source, this.clock.nowMs);
    if (found === null) {
      this.counts.refused++;
      return;
    }
    this.counts.redeemed++;
    assert.ok(!this.redeemed.has(text), "I13: a ticket is redeemed twice");
    assert.equal(from, this.master, "I13: a ticket has outlived its coordinator");
    this.redeemed.add(text);
  }
}

test("I11, I13: no member is offered past its TTL, no ticket is valid twice or later", async () => {
  const sums = { offered: 0, silent: 0, redeemed: 0, refused: 0, restarts: 0 };
  for (let seed = 1; seed <= 10; seed++) {
    const life = new Life(seed);
    await life.live(1_200_000);
    for (const key of Object.keys(sums) as Array<keyof typeof sums>) sums[key] += life.counts[key];
  }
  for (const [what, count] of Object.entries(sums)) assert.ok(count >= 50, `${what}: ${count}`);
});
