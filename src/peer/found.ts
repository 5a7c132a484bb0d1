/** A shared file as a master, a link or a coordinator names it: its content and its sources. */
export type PeerAddress = {
  readonly host: string;
  readonly port: number;
  /** Of its certificate, hex; "" = it has none, and is asked in the clear or not at all. */
  readonly fingerprint: string;
};

export type Source = {
  /** For people, and to tell sources apart. */
  readonly name: string;
  readonly address: PeerAddress;
  /** As it calls the file; "" = it is asked by root alone. */
  readonly fileName: string;
  /** A ticket that was not used yet, or a link's secret; "" = none is known. */
  credential(): Promise<string>;
};

export type Found = {
  readonly name: string;
  /** Null: nobody said it, so nothing can be verified. */
  readonly root: string | null;
  readonly sizeBytes: number | null;
  readonly sources: readonly Source[];
};
