/** What is remembered of volunteers over all jobs; see `standing.ts` for what it means. */

export type Standing = { valid: number };

/** Why a person's results are refused. */
export type Caught = {
  readonly atMs: number;
  readonly job: number;
  readonly stage: number;
  readonly task: number;
};

export type Trust = {
  /** The secret of the draws; see `draw`. */
  seed: number;
  drawn: number;
  /** By `person\nengine`. */
  readonly standings: Map<string, Standing>;
  /** By person. */
  readonly caught: Map<string, Caught>;
};

export function noTrust(): Trust {
  return { seed: 0, drawn: 0, standings: new Map(), caught: new Map() };
}

export type SavedTrust = {
  readonly seed: number;
  readonly drawn: number;
  readonly standings: ReadonlyArray<[string, number]>;
  readonly caught: ReadonlyArray<[string, Caught]>;
};

export function saveTrust({ caught, drawn, seed, standings }: Trust): SavedTrust {
  const valid = [...standings].map(([key, one]): [string, number] => [key, one.valid]);
  return { seed, drawn, standings: valid, caught: [...caught] };
}

/** `saved` is absent in snapshots from before there were volunteers. */
export function loadTrust(saved: SavedTrust | undefined): Trust {
  if (saved === undefined) return noTrust();
  const standings = saved.standings.map(([key, valid]): [string, Standing] => [key, { valid }]);
  const { drawn, seed } = saved;
  return { seed, drawn, standings: new Map(standings), caught: new Map(saved.caught) };
}
