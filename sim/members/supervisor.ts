/** Keeps the coordinator of a simulated world running, like an init system, on the only disk. */
import { wasReplaced } from "../../src/coordinator/loop/refusal.ts";
import { ClusterError } from "../../src/core/error.ts";
import type { SimDisk } from "../world/disk.ts";
import type { SimProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { SimCoordinator } from "./coordinator.ts";

const restartMs = 2_000;

export class Supervisor {
  /** The newest one; an older one may still be paused. */
  current: SimCoordinator | null = null;
  /** Offset of the wall clock at the next start, ms. */
  wallSkewMs = 0;
  readonly #world: World;
  readonly #disk: SimDisk;
  #heldUntilMs = 0;

  constructor(world: World, disk: SimDisk) {
    this.#world = world;
    this.#disk = disk;
  }

  /** No start before that time. */
  hold(forMs: number): void {
    const { clock } = this.#world;
    this.#heldUntilMs = Math.max(this.#heldUntilMs, clock.nowMs + forMs);
    this.#startLater(forMs);
  }

  release(): void {
    this.#heldUntilMs = 0;
    this.#startLater(0);
  }

  start(): void {
    const coordinator = new SimCoordinator(this.#world, this.#disk, this.wallSkewMs);
    this.current = coordinator;
    this.#world.tell(() => "coordinator: starts");
    void coordinator.start((error) => this.#ended(coordinator, error));
  }

  /** Starts a second one while the first is paused. */
  takeOver(paused: SimProcess): void {
    if (this.current?.process === paused && paused.life === "paused") this.start();
  }

  get up(): boolean {
    return this.current?.process.up === true;
  }

  #startLater(delayMs: number): void {
    const { clock } = this.#world;
    clock.after(delayMs, null, () => {
      const dead = this.current === null || this.current.process.life === "dead";
      if (dead && clock.nowMs >= this.#heldUntilMs) this.start();
    });
  }

  #ended(coordinator: SimCoordinator, error: Error): void {
    const { judge, tell } = this.#world;
    tell(() => `coordinator: ends: ${error.message}`);
    if (!this.#isExpected(coordinator, error)) {
      judge.failed(new Error(`the coordinator ended: ${error.message}`, { cause: error.cause }));
    }
    this.#disk.repair();
    if (coordinator === this.current) this.hold(restartMs);
  }

  #isExpected(coordinator: SimCoordinator, error: Error): boolean {
    if (!(error instanceof ClusterError)) return false;
    if (wasReplaced(error)) return coordinator !== this.current;
    if (error.code === "storage-full") return this.#disk.full;
    return error.code === "storage-failed" && (this.#disk.damaged || this.#disk.failedOnce);
  }
}
