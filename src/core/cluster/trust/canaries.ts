/** What is remembered of tasks whose result is known and that volunteers are given: data only. */

/** An attempt of a task whose result is known, at a volunteer; see `canary.ts`. */
export type Canary = {
  readonly job: number;
  readonly stage: number;
  readonly task: number;
  readonly attempt: number;
};

/** A task for which an own worker vouches, and who was asked for its result since. */
export type KnownTask = { readonly task: number; readonly persons: string[] };

export type Canaries = {
  /** Share of the tasks that a volunteer is given, 0 to 1. */
  share: number;
  /** By worker. */
  readonly running: Map<number, Canary[]>;
};

export type SavedCanaries = {
  readonly share: number;
  readonly running: ReadonlyArray<[number, readonly Canary[]]>;
};

export function saveCanaries({ running, share }: Canaries): SavedCanaries {
  return { share, running: [...running] };
}

/** `saved` is absent in snapshots from before there were any. */
export function loadCanaries(saved: SavedCanaries = { share: 0, running: [] }): Canaries {
  const running = saved.running.map(([worker, all]): [number, Canary[]] => [worker, [...all]]);
  return { share: saved.share, running: new Map(running) };
}
