/** A worker of the simulated world: the production loop and talk, around a simulated executor. */

import { defaultRules } from "../../core/worker.ts";
import { programKinds } from "../../wire/manager/messages.ts";
import { WorkerLoop } from "../../worker/run.ts";
import type { Server } from "../world/network.ts";
import { SimProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import { coordinatorName } from "./coordinator.ts";
import { SimExecutor } from "./executor.ts";

export class SimWorker implements Server {
  readonly process: SimProcess;
  readonly loop: WorkerLoop;
  readonly executor: SimExecutor;

  constructor(world: World, name: string, slots: number, life: number) {
    const { clock, network, random } = world;
    const process = new SimProcess(name, clock);
    this.process = process;
    let executor: SimExecutor | null = null;
    this.loop = new WorkerLoop({
      rules: { ...defaultRules, slots },
      timers: process,
      chance: () => random.fraction(),
      dial: (credential) =>
        network.dial(process, coordinatorName, credential === "" ? "join" : credential),
      specs: {
        name,
        host: `host-${Number(name.slice(7)) % 3}`,
        slots,
        memoryBytes: 1e9,
        kinds: [programKinds.javascript],
        exchangeUrl: `http://${name}/`,
        version: "simulated",
        session: `${name} life ${life}`,
      },
      executor: (events) => {
        executor = new SimExecutor(world, process, events);
        return executor;
      },
      onNews: (text) => world.tell(() => `${name}: ${text}`),
    });
    this.executor = executor!;
    network.listen(name, this);
    void this.loop.ended.then((failure) => {
      if (process.life !== "dead") world.judge.workerEnded(name, failure);
      process.kill(true);
    });
  }

  start(): void {
    this.process.soon(() => this.loop.start());
  }

  /** See `SimExecutor.partition`. */
  partition(secret: string, source: string, partition: number): string | null {
    return this.executor.partition(secret, source, partition);
  }
}
