/** One coordinator of a simulated world of several: the production lease, follower and loop over an
 *  engine that they share. */
import { Follower, type Histories } from "../../src/coordinator/leading/follower.ts";
import { takeOver } from "../../src/coordinator/leading/take-over.ts";
import { Loop } from "../../src/coordinator/loop/loop.ts";
import { wasReplaced } from "../../src/coordinator/loop/refusal.ts";
import type { Timers } from "../../src/coordinator/loop/timers.ts";
import { ClusterError } from "../../src/core/error.ts";
import { mapReduceSpec, submission } from "../../src/core/testing/fake-cluster.ts";
import { LeaseKeeper } from "../../src/engine/lease-keeper.ts";
import type { SimClock } from "../world/clock.ts";
import { SimProcess } from "../world/process.ts";
import type { SimEngine } from "./engine.ts";

/** Of one machine: clocks of different speed and origin. */
export type MachineClock = {
  readonly speed: number;
  readonly offsetMs: number;
  wallSkewMs: number;
};

export type NodeOptions = {
  readonly name: string;
  readonly clock: SimClock;
  readonly machine: MachineClock;
  readonly engine: SimEngine;
  readonly leaseMs: number;
  readonly onLeads: (loop: Loop) => void;
  /** It could not write, though no other has become the writer. */
  readonly onBroken: () => void;
};

/** How long one that hands over waits for its lease to be given up, ms. */
const releaseMs = 2_000;

export class SimNode {
  readonly process: SimProcess;
  readonly #options: NodeOptions;
  readonly #keeper: LeaseKeeper;
  readonly #follower: Follower<Histories>;
  #loop: Loop | null = null;

  constructor(options: NodeOptions) {
    const { clock, engine, leaseMs, machine, name } = options;
    this.#options = options;
    this.process = new SimProcess(name, clock);
    const timers = timersOf(this.process, machine);
    this.#keeper = new LeaseKeeper({
      register: engine.lease(this.process),
      self: name,
      note: `http://${name}`,
      rules: { leaseMs, renewMs: leaseMs / 6, isStandby: true },
      timers,
      name: "the engine",
    });
    this.#follower = new Follower<Histories>({
      log: engine.follow(this.process),
      timers,
      newHistories: () => ({ observe() {} }),
      onProblem: () => {},
    });
    void this.#keeper.lost.then(() => this.end());
    void this.#lead(timers);
  }

  /** Whether it claims that no other leads. */
  get holds(): boolean {
    return this.process.life !== "dead" && this.#keeper.holds();
  }

  get loop(): Loop | null {
    return this.#loop;
  }

  /** Like the HTTP API: once acknowledged it is in the log. */
  async submit(key: string): Promise<string> {
    const { job } = await this.#mustLead().post(submission(mapReduceSpec(2, 1), key));
    return job as string;
  }

  /** How many jobs it lists. Like the HTTP API, which confirms that the log is its own when the
   *  lease may be over. */
  async list(): Promise<number> {
    const loop = this.#mustLead();
    if (!this.holds) await loop.confirm();
    return loop.state.jobs.size;
  }

  /** How many it would list without a confirmation; null = it would not. */
  get listedNow(): number | null {
    return this.process.up && this.holds ? (this.#loop?.state.jobs.size ?? null) : null;
  }

  /** Gives the lease up when the loop has ended, as `tequio down --hand-over` does. */
  async handOver(): Promise<void> {
    await this.#loop?.stop();
    await this.#keeper.release(releaseMs);
    this.end();
  }

  end(): void {
    void this.#keeper.stop();
    this.process.kill(true);
  }

  #mustLead(): Loop {
    if (this.#loop === null) throw new ClusterError("unavailable", "it does not lead");
    return this.#loop;
  }

  async #lead(timers: Timers): Promise<void> {
    const { engine, onLeads } = this.#options;
    let writer = 0;
    const fail = (error: unknown) => {
      if (wasReplaced(error) && engine.writers === writer) this.#options.onBroken();
      this.end();
    };
    try {
      const [keeper, follower] = [this.#keeper, this.#follower];
      const openLog = async () => {
        const opened = await engine.openLog(this.process);
        writer = opened.writer;
        return opened.log;
      };
      const { log, warm } = await takeOver({ keeper, follower, openLog }, () => {});
      const end = warm.end;
      this.#loop = await Loop.start({
        log,
        warm: end,
        timers,
        perform: () => {},
        onFatal: fail,
        snapshotRecords: 40,
      });
      onLeads(this.#loop);
    } catch (error) {
      fail(error);
    }
  }
}

function timersOf(process: SimProcess, machine: MachineClock): Timers {
  const monotonicMs = () => process.monotonicMs() * machine.speed + machine.offsetMs;
  return {
    monotonicMs,
    wallMs: () => process.wallMs() + machine.wallSkewMs,
    after: (delayMs, fire) => process.after(delayMs / machine.speed, fire),
    soon: (fire) => process.soon(fire),
  };
}
