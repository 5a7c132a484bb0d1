/** A worker of the simulated world: the production loop and protocol, around a simulated
 *  executor. */

import { defaultRules } from "../../src/core/worker.ts";
import { programKinds } from "../../src/wire/manager/messages.ts";
import { WorkerLoop, type WorkerLoopOptions } from "../../src/worker/loop.ts";
import type { WatchedWorker } from "../judges/watched.ts";
import { coordinatorName, guessedCredential, intruderToken, joinToken } from "../world/names.ts";
import { SimProcess } from "../world/process.ts";
import type { Part } from "../world/sealed.ts";
import type { SimLink } from "../world/sim-link.ts";
import type { World } from "../world/world.ts";

import type { PartitionServer, PartitionsAsk } from "./calls.ts";
import { SimExecutor } from "./executor.ts";
import type { MachineDisk } from "./machine.ts";

export type SimWorkerOptions = {
  /** Of the machine. */
  readonly name: string;
  readonly host: string;
  readonly slots: number;
  /** Counts the processes on the machine. */
  readonly life: number;
  /** Unreachable: the coordinator relays its outputs. */
  readonly isHidden: boolean;
  readonly disk: Readonly<MachineDisk>;
  /** Taken from another process. */
  readonly identity?: WorkerLoopOptions["identity"];
  /** Belongs to another owner, and presents the identity of a worker that is not its own. */
  readonly isIntruder?: boolean;
};

export class SimWorker implements PartitionServer, WatchedWorker {
  readonly process: SimProcess;
  readonly loop: WorkerLoop;
  readonly executor: SimExecutor;
  /** Where others reach it: changes when it moves to another network. */
  address = 1;
  /** When it last tried to connect to the coordinator, ms. */
  dialledAtMs = 0;
  readonly #disk: Readonly<MachineDisk>;
  readonly #isIntruder: boolean;
  readonly #links = new Set<SimLink>();
  #heardAtMs = Number.NEGATIVE_INFINITY;

  constructor(world: World, options: SimWorkerOptions) {
    const { clock, network, random } = world;
    const { disk, identity, isHidden, name, host, slots, life } = options;
    const process = new SimProcess(name, clock);
    this.process = process;
    this.#disk = disk;
    this.#isIntruder = options.isIntruder ?? false;
    let executor: SimExecutor | null = null;
    this.loop = new WorkerLoop({
      rules: { ...defaultRules, slots },
      timers: process,
      chance: () => random.fraction(),
      dial: (credential) => this.#dial(world, credential),
      specs: () => ({
        name,
        host,
        slots,
        memoryBytes: 1e9,
        kinds: [programKinds.javascript],
        exchangeUrl: isHidden ? "" : `grpc://${name}:${this.address}`,
        version: "simulated",
        python: null,
        session: `${name} life ${life}`,
      }),
      ...(identity === undefined ? {} : { identity }),
      executor: (events) => {
        const pausedFor = () => this.loop.state.pausedFor;
        const workerId = () => this.loop.workerId;
        const machine = { workerId, pausedFor, isHidden, disk, files: world.filesOf(host) };
        executor = new SimExecutor(world, process, events, machine);
        return executor;
      },
      onNews: ({ kind, text }) => {
        world.tell(() => `${name}: ${text}`);
        if (kind !== "joined") return;
        if (this.#isIntruder) world.judge.intruderJoined(this, identity!.workerId);
        world.judge.identities.joined(this);
      },
    });
    this.executor = executor!;
    network.listen(name, this);
    void this.loop.ended.then((failure) => {
      if (process.life !== "dead" && !this.#isIntruder) world.judge.workerEnded(this, failure);
      process.kill(true);
    });
  }

  start(): void {
    this.process.soon(() => this.loop.start());
    if (this.#disk.isFull) this.diskChanged(0);
  }

  /** Its disk has changed. The worker checks it after this time, if at all. */
  diskChanged(looksAfterMs: number): void {
    this.process.after(looksAfterMs, () => {
      const reason = this.#disk.isFull && this.#disk.isWatched ? "its disk is full" : "";
      if (reason !== this.loop.state.pausedFor) this.loop.diskChanged(reason);
    });
  }

  /** When its last message arrived at the coordinator, ms. */
  get heardAtMs(): number {
    for (const link of this.#links) {
      this.#heardAtMs = Math.max(this.#heardAtMs, link.peer.heardAtMs);
      if (!link.peer.isOpen) this.#links.delete(link);
    }
    return this.#heardAtMs;
  }

  /** See `SimExecutor.partitions`. */
  partitions(ask: PartitionsAsk): Array<Part | null> {
    return this.executor.partitions(ask);
  }

  /** An intruder has a token of its own: of another owner, or of this one when it guesses a
   *  credential. */
  #token(credential: string): string {
    if (!this.#isIntruder) return credential;
    return credential === guessedCredential ? joinToken : intruderToken;
  }

  async #dial({ clock, judge, network }: World, credential: string): Promise<SimLink> {
    this.dialledAtMs = clock.nowMs;
    judge.identities.asks(this);
    const token = credential === "" ? joinToken : this.#token(credential);
    const link = await network.dial(this.process, coordinatorName, token);
    this.#links.add(link);
    return link;
  }
}
