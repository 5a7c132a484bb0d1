/** What a simulated worker that leaves needs to hand its map outputs over: the production code does
 *  it, by calls of the same meaning over the simulated network. */
import type { AttemptRef, WorkerId } from "../../src/core/ids.ts";
import type { HandOverParts } from "../../src/worker/shuffle/hand-over.ts";
import type { Output } from "../../src/worker/shuffle/outputs.ts";
import { coordinatorName } from "../world/names.ts";
import type { SimProcess } from "../world/process.ts";
import type { World } from "../world/world.ts";
import type { DataServer } from "./calls.ts";
import type { SimShuffle } from "./shuffle.ts";

export type Leaving = {
  readonly world: World;
  readonly process: SimProcess;
  readonly shuffle: SimShuffle;
  readonly worker: () => WorkerId;
};

const askTimeoutMs = 5_000;

export function partsOf({ process, shuffle, worker, world }: Leaving): HandOverParts {
  const ask = <T>(work: (server: DataServer) => Promise<T>): Promise<T> =>
    world.network.ask(process, coordinatorName, { timeoutMs: askTimeoutMs, work });
  return {
    blobs: {
      needed: () => ask((server) => server.needed(worker())),
      relay: async (output: Output) => {
        const partitions = shuffle.textsOf(output) ?? [];
        await ask((server) => server.relay(worker(), output.ref, partitions));
        world.count("leaving: output handed over");
      },
    },
    outputs: { get: (ref: AttemptRef) => shuffle.output(ref) },
    wait: (ms: number) => process.sleep(ms),
  };
}
