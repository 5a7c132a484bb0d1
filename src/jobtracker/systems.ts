/** The file systems that jobs and tasks may be in: our own, those that the user names, and where
 *  there are none of these, those that answer by UDP. */
import type { Listen } from "../link/listen.ts";
import { type AskOptions, askAround } from "../peer/discovery.ts";
import { FileSystem } from "./files/file-system.ts";

export type SystemsOptions = {
  /** First; with what reads it in this process. */
  readonly own: OwnFiles | null;
  readonly named: readonly Listen[];
  /** Where the question goes when there are none; null = nowhere. */
  readonly ask: Pick<AskOptions, "hosts" | "port"> | null;
  /** Ends what is asked of them. */
  readonly signal: AbortSignal;
  /** Silence after which no further answer is waited for, ms. Default 500. */
  readonly quietMs?: number;
};

export type OwnFiles = {
  readonly at: Listen;
  readonly near: (name: string) => AsyncIterable<Uint8Array> | Iterable<Uint8Array> | null;
};

/** How long what was found is taken to be there, ms. */
const foundForMs = 30_000;

export class Systems {
  readonly #options: SystemsOptions;
  readonly #fixed: readonly FileSystem[];
  #found: { readonly atMs: number; readonly systems: Promise<readonly FileSystem[]> } | null = null;

  constructor(options: SystemsOptions) {
    const { named, own, signal } = options;
    this.#options = options;
    this.#fixed = [
      ...(own === null ? [] : [new FileSystem(own.at, { near: own.near, signal })]),
      ...named.map((at) => new FileSystem(at, { signal })),
    ];
  }

  async list(): Promise<readonly FileSystem[]> {
    if (this.#fixed.length > 0) return this.#fixed;
    const nowMs = performance.now();
    if (this.#found === null || nowMs - this.#found.atMs > foundForMs) {
      this.#found = { atMs: nowMs, systems: this.#ask() };
    }
    const systems = await this.#found.systems;
    // One that starts later is found by the next question.
    if (systems.length === 0) this.#found = null;
    return systems;
  }

  async #ask(): Promise<readonly FileSystem[]> {
    const { ask, quietMs = 500, signal } = this.#options;
    if (ask === null) return [];
    const places = await askAround({ ...ask, quietMs }).catch(() => []);
    return places.map((at) => new FileSystem(at, { signal }));
  }
}
