/** Requests for data between the members of a simulated world, beside their links. */
import type { AttemptRef, WorkerId } from "../../src/core/ids.ts";
import type { Server } from "../world/network.ts";
import type { Part } from "../world/sealed.ts";

export type PartitionsAsk = {
  readonly ticket: string;
  /** Name of the requester. */
  readonly requester: string;
  readonly sources: readonly string[];
  readonly partition: number;
};

/** A reachable worker. */
export interface PartitionServer extends Server {
  readonly address: number;
  /** In the order of the sources; null = there is no such output here, or not for this ticket. */
  partitions(ask: PartitionsAsk): Array<Part | null>;
}

/** The coordinator, as workers see it over HTTP. */
export interface DataServer extends Server {
  /** Partitions that the relay keeps; null = missing. */
  relayed(ask: Pick<PartitionsAsk, "sources" | "partition">): Array<Part | null>;
  /** What a worker that leaves is to hand over. */
  needed(worker: WorkerId): Promise<readonly AttemptRef[]>;
  /** Stores a map output of a worker that is unreachable, or leaves. Returns its root. */
  relay(worker: WorkerId, ref: AttemptRef, partitions: readonly string[]): Promise<string>;
  /** Returns the content hash. */
  putBlob(text: string): Promise<string>;
  readBlob(hash: string): Promise<string>;
}
