/** What the page and its controller, a dedicated Worker of the page, say to each other: hidden
 *  pages are throttled, Workers are not, so everything that has a time happens there. */
import type { PythonSpecs } from "../../../core/event.ts";
import type { PartShown } from "./parts.ts";
import type { Identity, Phase } from "./session.ts";

export type ToTab =
  /** First; once. */
  | {
      readonly kind: "start";
      /** Of the gateway, `http://host:port`. */
      readonly origin: string;
      readonly version: string;
      readonly session: string;
      readonly after: string;
      readonly token: string;
      readonly identity: Identity | null;
      readonly name: string;
      readonly slots: number;
      /** Program kinds that this browser can run; none = it only watches. */
      readonly kinds: readonly number[];
      readonly python?: PythonSpecs;
      readonly share: number;
      /** Of inputs that the browser keeps for later jobs; 0 = none. */
      readonly cacheBytes: number;
      readonly limits?: Partial<TabLimits>;
    }
  /** A sandbox is there; its port comes along. */
  | { readonly kind: "sandbox"; readonly slot: number }
  /** Its frame could not be made, or is gone. */
  | { readonly kind: "sandbox-lost"; readonly slot: number }
  | { readonly kind: "slots"; readonly slots: number }
  | { readonly kind: "share"; readonly share: number }
  | { readonly kind: "cache"; readonly cacheBytes: number }
  /** "" = go on. */
  | { readonly kind: "pause"; readonly reason: string }
  /** There is a network again. */
  | { readonly kind: "hurry" }
  | { readonly kind: "leave" };

export type TabLimits = {
  /** Bytes of inputs and outputs that one task may hold. */
  readonly filesMaxBytes: number;
  /** Bytes of code and plans that are kept for the next task. */
  readonly keptMaxBytes: number;
  /** How long data of a task is asked for again and again, ms: as long as a gateway keeps a tab
   *  that is away, and more. */
  readonly patienceMs: number;
  /** A sandbox starts within this, ms. */
  readonly sandboxMs: number;
  /** One that has started, and does not answer for so long, has died, ms. No job code runs in its
   *  frame, so nothing of a job keeps it from answering; but the browser may get no processor, in
   *  which case a replacement would cost the task, and be as slow. */
  readonly silenceMaxMs: number;
};

export const tabLimits: TabLimits = {
  filesMaxBytes: 512 * 1024 * 1024,
  keptMaxBytes: 64 * 1024 * 1024,
  patienceMs: 90_000,
  sandboxMs: 20_000,
  silenceMaxMs: 30_000,
};

export type TaskShown = {
  readonly tid: number;
  readonly job: string;
  readonly jobName: string;
  readonly owner: string;
  readonly kind: "map" | "reduce" | "tasks";
  readonly tasks: number;
  readonly state: "queued" | "fetching" | "computing" | "storing" | "telling";
};

export type TabShown = {
  readonly phase: Phase;
  readonly refusal: string;
  readonly worker: string;
  readonly paused: string;
  readonly speedKbps: number;
  readonly running: readonly TaskShown[];
  /** Jobs of which this tab had tasks, the newest first; at most 20. */
  readonly jobs: readonly PartShown[];
  readonly doneCount: number;
  readonly failedCount: number;
  readonly fetchedBytes: number;
  readonly sentBytes: number;
  /** Of inputs that are kept; null = this browser keeps none. */
  readonly cachedBytes: number | null;
  /** Sum over the slots, ms. */
  readonly busyMs: number;
};

export type FromTab =
  | { readonly kind: "shown"; readonly shown: TabShown }
  /** Wanted: the frame of this slot. An older one is to be removed. */
  | { readonly kind: "sandbox-wanted"; readonly slot: number }
  /** The slot is no longer lent: its frame is to be removed. */
  | { readonly kind: "sandbox-unwanted"; readonly slot: number }
  | { readonly kind: "remember"; readonly identity: Identity | null }
  | { readonly kind: "print"; readonly line: string }
  /** The first task of this life of the page computes. */
  | { readonly kind: "computing" };
