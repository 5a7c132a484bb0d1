/** What the members of a simulated world ask of each other for data, beside their links. */
import type { AttemptRef, WorkerId } from "../../src/core/ids.ts";
import type { Server } from "../world/network.ts";
import type { Part } from "../world/sealed.ts";

export type PartitionsAsk = {
  readonly ticket: string;
  /** Who asks. */
  readonly requester: string;
  readonly sources: readonly string[];
  readonly partition: number;
};

/** A worker that others can reach. */
export interface PartitionServer extends Server {
  /** In the order of the sources; null = there is no such output here, for this ticket. */
  partitions(ask: PartitionsAsk): Array<Part | null>;
}

/** The coordinator, as workers ask it over HTTP. */
export interface DataServer extends Server {
  /** Partitions that the relay keeps; null = not there. */
  relayed(ask: Pick<PartitionsAsk, "sources" | "partition">): Array<Part | null>;
  /** Takes a map output of a worker that others cannot reach. Returns its root. */
  relay(worker: WorkerId, ref: AttemptRef, partitions: readonly string[]): Promise<string>;
  /** Returns the content hash. */
  putBlob(text: string): Promise<string>;
  readBlob(hash: string): Promise<string>;
}
