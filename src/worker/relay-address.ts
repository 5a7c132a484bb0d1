/** Where a worker reaches its coordinator for bytes that no other worker can give it. */

/** The coordinator, which keeps the outputs of workers that other workers cannot reach. */
export type RelayAddress = {
  /** Of the one that leads now, of several. */
  readonly url: string;
  /** Aborted when another one leads. */
  readonly moved: AbortSignal;
  readonly fingerprint: string;
  /** The worker's credential now. */
  readonly credential: () => string;
};
