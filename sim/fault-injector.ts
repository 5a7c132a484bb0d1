/** Applies the planned faults to the members of a world, and undoes each when its time is over. */
import { Browsers } from "./browsers.ts";
import type { Fault, FaultKind, Undo } from "./faults.ts";
import { clientName } from "./members/client.ts";
import type { MachineDisk } from "./members/machine.ts";
import type { Supervisor } from "./members/supervisor.ts";
import { SimWorker } from "./members/worker.ts";
import type { SimDisk } from "./world/disk.ts";
import { coordinatorName, guessedCredential } from "./world/names.ts";
import type { SimRelay } from "./world/relay.ts";
import type { World } from "./world/world.ts";

/** A machine with the worker that runs there now. */
export type Seat = {
  readonly name: string;
  readonly host: string;
  readonly slots: number;
  readonly isHidden: boolean;
  readonly disk: MachineDisk;
  worker: SimWorker;
  life: number;
};

/** Faults that need a worker as their target. */
const onSeats = /^(worker|link|peers)-/;

/** There are more hosts than three where these would have more workers each. */
const hostWorkersMax = 64;
/** Delay before a machine starts its rejected worker again, ms. */
const turnedAwayMs = 5_000;

/** A worker notices a change of its free disk space within this time, ms. */
const diskLookMs = 500;

/** Undefined = the fault ends at once, null = it had no target. */
type Act = (fault: Fault) => Undo | null | undefined;

export class FaultInjector {
  readonly seats: readonly Seat[];
  readonly browsers: Browsers;
  readonly #world: World;
  readonly #disk: SimDisk;
  readonly #supervisor: Supervisor;
  readonly #undo = new Set<Undo>();
  readonly #acts: Readonly<Record<FaultKind, Act>>;

  constructor(world: World, disk: SimDisk, supervisor: Supervisor) {
    this.#world = world;
    this.#disk = disk;
    this.#supervisor = supervisor;
    const { hidden, slots: slotsOf } = world.shape;
    const hosts = Math.max(3, Math.ceil(slotsOf.length / hostWorkersMax));
    this.seats = slotsOf.map((slots, index) => {
      const machine = {
        name: `worker-${index}`,
        host: `host-${index % hosts}`,
        slots,
        life: 1,
        isHidden: index >= slotsOf.length - hidden,
        disk: { isFull: false, isWatched: true },
      };
      const seat = { ...machine, worker: new SimWorker(world, machine) };
      this.#start(seat);
      return seat;
    });
    this.browsers = new Browsers(world, disk.relay);
    this.#acts = {
      ...this.#onWorkers(),
      ...this.#onLinks(),
      ...this.#onCoordinator(),
      ...this.browsers.acts,
    };
  }

  /** Counted only when it had a target. */
  apply(fault: Fault): void {
    const { clock, count, tell } = this.#world;
    if (this.seats.length === 0 && onSeats.test(fault.kind)) return;
    const undo = this.#acts[fault.kind](fault);
    if (undo === null) return;
    count(fault.kind);
    tell(() => `fault ${fault.number}: ${fault.kind} ${this.#target(fault)} for ${fault.forMs} ms`);
    if (undo === undefined) return;
    this.#undo.add(undo);
    clock.after(fault.forMs, null, () => {
      if (!this.#undo.delete(undo)) return;
      tell(() => `fault ${fault.number} is over`);
      undo();
    });
  }

  /** Undoes everything and restarts what was stopped. */
  heal(): void {
    for (const undo of this.#undo) undo();
    this.#undo.clear();
    for (const seat of this.seats) if (seat.worker.process.life === "dead") this.#replace(seat);
    this.browsers.heal();
    this.#supervisor.release();
  }

  get #isRelayUsed(): boolean {
    const { bare, tabs } = this.browsers;
    return bare.length + tabs.length > 0 || this.seats.some(({ isHidden }) => isHidden);
  }

  #target(fault: Fault): string {
    return onSeats.test(fault.kind) ? this.#seat(fault).name : "";
  }

  #seat(fault: Fault): Seat {
    return this.seats[fault.target % this.seats.length]!;
  }

  /** A new process on the same machine, which knows nothing of the old one. */
  #replace(seat: Seat): void {
    if (seat.worker.process.life !== "dead") return;
    seat.life += 1;
    seat.worker = new SimWorker(this.#world, seat);
    this.#start(seat);
  }

  /** A rejected one is started again, like by an init system. */
  #start(seat: Seat): void {
    const { worker } = seat;
    worker.start();
    void worker.loop.ended.then((failure) => {
      if (failure === null) return;
      this.#world.clock.after(turnedAwayMs, null, () => {
        if (seat.worker === worker) this.#replace(seat);
      });
    });
  }

  /** The machine is copied, with its worker's identity, and the copy is started beside it; or, as
   *  often, while the original is paused. */
  #clone(fault: Fault): Undo | null {
    const { clock, shape } = this.#world;
    const { host, isHidden, life, name, slots, worker } = this.#seat(fault);
    const { credential, workerId } = worker.loop;
    if (!worker.process.up || credential === "") return null;
    const identity = { workerId, credential };
    const copy = { name: `${name}-clone-${fault.number}`, host, slots, life, identity };
    const disk = { isFull: false, isWatched: true };
    const clone = new SimWorker(this.#world, { ...copy, isHidden, disk });
    const stands = fault.draw < 0.5;
    if (stands) worker.process.pause();
    // When it comes before the silence of the other is noticed, it is rejected for good.
    const missedMs = 2.2 * shape.liveness.heartbeatMs;
    clock.after(stands ? Math.min(missedMs, fault.forMs / 2) : 0, null, () => clone.start());
    return () => {
      clone.process.kill(true);
      if (stands) worker.process.resume();
    };
  }

  /** A machine of another owner connects as a worker that has just died, with that worker's
   *  credential; or one of the same owner, with a guessed credential. */
  #intrude(fault: Fault): Undo | null {
    const seat = this.#seat(fault);
    const { credential, workerId } = seat.worker.loop;
    if (!seat.worker.process.up || credential === "") return null;
    const undo = this.#kill(seat, true)!;
    const identity = { workerId, credential: fault.draw < 0.6 ? credential : guessedCredential };
    const name = `${seat.name}-intruder-${fault.number}`;
    const intruder = new SimWorker(this.#world, { ...seat, name, identity, isIntruder: true });
    intruder.start();
    return () => {
      intruder.process.kill(true);
      undo();
    };
  }

  #kill(seat: Seat, said: boolean): Undo | null {
    if (seat.worker.process.life === "dead") return null;
    seat.worker.process.kill(said);
    return () => this.#replace(seat);
  }

  #onWorkers() {
    const { count, random } = this.#world;
    return {
      "worker-crash": (fault: Fault) => this.#kill(this.#seat(fault), true),
      "worker-power": (fault: Fault) => this.#kill(this.#seat(fault), false),
      "worker-pause": (fault: Fault) => {
        const { process } = this.#seat(fault).worker;
        if (!process.up) return null;
        process.pause();
        return () => process.resume();
      },
      "worker-stop": (fault: Fault) => {
        const seat = this.#seat(fault);
        const { worker } = seat;
        if (!worker.process.up) return null;
        // Half of them drain: they serve their outputs for as long.
        void worker.loop.stop(random.below(20_000), fault.draw < 0.5);
        // A paused one ends later; the seat is free only then.
        return () => this.#world.clock.after(60_000, null, () => this.#replace(seat));
      },
      "worker-slow-cpu": (fault: Fault) => {
        const { executor } = this.#seat(fault).worker;
        executor.slowFactor = 4 + fault.draw * 12;
        return () => {
          executor.slowFactor = 1;
        };
      },
      "worker-clone": (fault: Fault) => this.#clone(fault),
      "worker-intruder": (fault: Fault) => this.#intrude(fault),
      "worker-disk-full": (fault: Fault) => {
        const seat = this.#seat(fault);
        const { disk } = seat;
        if (disk.isFull) return null;
        disk.isFull = true;
        // Without a low-water mark only attempts notice it.
        disk.isWatched = fault.draw < 0.6;
        seat.worker.diskChanged(fault.draw * diskLookMs);
        return () => {
          disk.isFull = false;
          seat.worker.diskChanged(fault.draw * diskLookMs);
        };
      },
      "worker-loses-output": (fault: Fault) => {
        return this.#seat(fault).worker.executor.shuffle.lose() ? undefined : null;
      },
      "worker-flips-output": (fault: Fault) => {
        return this.#seat(fault).worker.executor.shuffle.flip(fault.draw) ? undefined : null;
      },
      "all-workers-crash": () => {
        const killed = this.seats.filter((seat) => this.#kill(seat, random.chance(0.7)) !== null);
        if (killed.length > 1) count("several workers at once");
        return () => {
          for (const seat of killed) this.#replace(seat);
        };
      },
    };
  }

  #cut(ways: ReadonlyArray<readonly [from: string, to: string]>, reset: boolean): Undo {
    const { network } = this.#world;
    for (const [from, to] of ways) network.cut(from, to);
    return () => {
      for (const [from, to] of ways) network.heal(from, to, reset);
    };
  }

  #onLinks() {
    const { network } = this.#world;
    const reset = (fault: Fault) => fault.draw < 0.4;
    return {
      "link-cut": (fault: Fault) => {
        const { name } = this.#seat(fault);
        const ways = [[name, coordinatorName] as const, [coordinatorName, name] as const];
        return this.#cut(ways, reset(fault));
      },
      "link-cut-to-coordinator": (fault: Fault) =>
        this.#cut([[this.#seat(fault).name, coordinatorName]], reset(fault)),
      "link-cut-from-coordinator": (fault: Fault) =>
        this.#cut([[coordinatorName, this.#seat(fault).name]], reset(fault)),
      "link-break": (fault: Fault) => {
        return network.breakLinks(this.#seat(fault).name) > 0 ? undefined : null;
      },
      "worker-moves": (fault: Fault) => {
        const { name, worker } = this.#seat(fault);
        if (worker.process.life === "dead") return null;
        worker.address += 1;
        network.breakLinks(name);
        return undefined;
      },
      "link-slow": (fault: Fault) => {
        const { name } = this.#seat(fault);
        network.slow(name, 10 ** (1 + fault.draw * 2));
        return () => network.slow(name, 1);
      },
      "peers-cut": (fault: Fault) => {
        const one = this.#seat(fault).name;
        const other = this.seats[Math.floor(fault.draw * this.seats.length)]!.name;
        return one === other ? null : this.#cut([[one, other]], false);
      },
      "transfer-flips": () => {
        this.#world.flipProbability = 0.3;
        return () => {
          this.#world.flipProbability = 0;
        };
      },
      "client-cut": (fault: Fault) => {
        const way =
          fault.draw < 0.5 ? [clientName, coordinatorName] : [coordinatorName, clientName];
        return this.#cut([way as [string, string]], false);
      },
    };
  }

  #end(said: boolean, fault: Fault): Undo | null {
    if (this.#supervisor.current?.process.up !== true) return null;
    this.#supervisor.current.process.kill(said);
    this.#supervisor.hold(fault.forMs);
    return () => {};
  }

  #onCoordinator() {
    const supervisor = this.#supervisor;
    return {
      "coordinator-crash": (fault: Fault) => this.#end(true, fault),
      "coordinator-power": (fault: Fault) => this.#end(false, fault),
      "coordinator-crash-in-write": (fault: Fault) => this.#crashInWrite(fault, this.#disk),
      "coordinator-crash-in-relay": (fault: Fault) => {
        return this.#isRelayUsed ? this.#crashInWrite(fault, this.#disk.relay) : null;
      },
      "coordinator-pause": () => {
        const process = supervisor.current?.process;
        if (process?.up !== true) return null;
        process.pause();
        return () => process.resume();
      },
      "coordinator-stop": (fault: Fault) => {
        if (!supervisor.up) return null;
        supervisor.hold(fault.forMs);
        void supervisor.current!.stop().then(() => supervisor.hold(1));
        return () => {};
      },
      "coordinator-second": (fault: Fault) => {
        const process = supervisor.current?.process;
        // A coordinator that was active a moment ago is not taken over.
        const { heartbeatMs, tickMs } = this.#world.shape.liveness;
        const missedMs = 1.1 * (heartbeatMs + tickMs);
        if (process?.up !== true || fault.forMs <= missedMs) return null;
        process.pause();
        this.#world.clock.after(missedMs, null, () => supervisor.takeOver(process));
        return () => process.resume();
      },
      "wall-clock-jump": (fault: Fault) => {
        supervisor.wallSkewMs = Math.round((fault.draw - 0.5) * 7_200_000);
        return this.#end(true, fault);
      },
      ...this.#onDisk(),
    };
  }

  #onDisk() {
    const disk = this.#disk;
    return {
      "disk-full": () => {
        disk.full = true;
        return () => {
          disk.full = false;
        };
      },
      "disk-slow": (fault: Fault) => {
        disk.slowFactor = 10 ** (0.5 + fault.draw * 2);
        return () => {
          disk.slowFactor = 1;
        };
      },
      "disk-fails": () => {
        disk.failsNext = true;
        return undefined;
      },
      "disk-bit-flip": (fault: Fault) => {
        if (this.#supervisor.current?.process.up !== true || !disk.flipBit()) return null;
        return this.#end(true, fault);
      },
    };
  }

  /** At a moment between the beginning of the next write and its acknowledgement. */
  #crashInWrite(fault: Fault, to: SimDisk | SimRelay): Undo | null {
    const { process } = this.#supervisor.current ?? {};
    if (process?.up !== true || to.onWrite !== null) return null;
    to.onWrite = (takesMs) => {
      to.onWrite = null;
      this.#world.clock.after(takesMs * fault.draw * 1.3, null, () => this.#end(true, fault));
    };
    return () => {
      to.onWrite = null;
    };
  }
}
