/** A shared file as a master, a link or a coordinator names it: its content and its sources. */
export type PeerAddress = {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of its certificate, hex; "" = it has none: it is asked in the clear or not at all. */
  readonly fingerprint: string;
};

export type Source = {
  /** For people, and to distinguish sources. */
  readonly name: string;
  readonly address: PeerAddress;
  /** The source's own name for it; "" = it is asked by root alone. */
  readonly fileName: string;
  /** An unused ticket, or a link's secret; "" = none is known. */
  credential(): Promise<string>;
};

export type Found = {
  readonly name: string;
  /** Null: not reported by any member, so nothing can be verified. */
  readonly root: string | null;
  readonly sizeBytes: number | null;
  readonly sources: readonly Source[];
};
