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
  /** Whether it is also earned for each owner of jobs apart; absent in logs from before. */
  isByOwner: boolean;
  /** By `person\nengine\nowner`. */
  readonly owners: Map<string, Standing>;
  /** By person. */
  readonly caught: Map<string, Caught>;
};

export function noTrust(): Trust {
  const [standings, owners] = [new Map(), new Map()];
  return { seed: 0, drawn: 0, standings, isByOwner: false, owners, caught: new Map() };
}

export type SavedTrust = {
  readonly seed: number;
  readonly drawn: number;
  readonly standings: ReadonlyArray<[string, number]>;
  readonly caught: ReadonlyArray<[string, Caught]>;
  /** Absent where trust is not earned for each owner. */
  readonly owners?: ReadonlyArray<[string, number]>;
};

export function saveTrust({ isByOwner, owners, standings, ...trust }: Trust): SavedTrust {
  const { caught, drawn, seed } = trust;
  const saved = { seed, drawn, standings: saveStandings(standings), caught: [...caught] };
  return isByOwner ? { ...saved, owners: saveStandings(owners) } : saved;
}

function saveStandings(standings: ReadonlyMap<string, Standing>): Array<[string, number]> {
  return [...standings].map(([key, { valid }]) => [key, valid]);
}

function loadStandings(saved: ReadonlyArray<[string, number]>): Map<string, Standing> {
  return new Map(saved.map(([key, valid]) => [key, { valid }]));
}

/** `saved` is absent in snapshots from before there were volunteers. */
export function loadTrust(saved: SavedTrust | undefined): Trust {
  if (saved === undefined) return noTrust();
  const { drawn, owners, seed } = saved;
  return {
    seed,
    drawn,
    standings: loadStandings(saved.standings),
    isByOwner: owners !== undefined,
    owners: loadStandings(owners ?? []),
    caught: new Map(saved.caught),
  };
}
