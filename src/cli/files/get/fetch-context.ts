/** What `tequio get` works with: its options, what was asked for, and what does the work. */
import type { Fetcher } from "../../../peer/fetch/fetcher.ts";
import type { Found } from "../../../peer/found.ts";
import type { Screen } from "../../screen.ts";
import type { MasterOptions } from "../master.ts";
import type { Fetching } from "./changed.ts";

export type GetOptions = MasterOptions & {
  readonly output?: string;
  readonly overwrite?: boolean;
  readonly limit?: number;
  /** Where others are served meanwhile. */
  readonly serve?: string;
  /** Peers without a certificate may be asked in the clear, wherever they are. */
  readonly insecure?: boolean;
  readonly json?: boolean;
};

/** What a name, root or link stands for. */
export type FetchTarget =
  | ({ readonly kind: "file"; readonly again: () => Promise<Found> } & Omit<Fetching, "onNews">)
  | {
      readonly kind: "folder";
      /** Cut off the names. */
      readonly prefix: string;
      readonly files: ReadonlyArray<{
        readonly name: string;
        readonly sizeBytes: number | null;
        readonly find: () => Promise<Found>;
      }>;
    };

export type FetchContext = {
  readonly wanted: FetchTarget;
  readonly fetcher: Fetcher;
  readonly options: GetOptions;
  readonly screen: Screen;
  readonly signal: AbortSignal;
};
