/** The options of `tequio join`, as the command line parses them. */

export type JoinOptions = {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly fingerprint?: string;
  readonly slots: number;
  readonly memory?: number;
  readonly scratch?: number;
  readonly lowWater?: number;
  readonly name: string;
  readonly data?: string;
  readonly store?: string;
  readonly record?: string;
  readonly restart: boolean;
  readonly supervised?: boolean;
  readonly listen: string;
  readonly sandbox: "auto" | "strict" | "basic";
  /** A path, or `none`. */
  readonly python?: string;
  readonly dialTimeout: number;
  readonly giveUp: number;
  readonly json?: boolean;
};
