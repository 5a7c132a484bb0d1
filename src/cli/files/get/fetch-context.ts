/** What `tequio get` works with: its options, what was asked for, and what does the work. */
import type { Hash } from "../../../core/ids.ts";
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
      /** A name that ends with `/` is an empty folder. */
      readonly files: readonly FolderFile[];
      readonly findMany: FindMany;
    };

export type FolderFile = {
  readonly name: string;
  readonly root: Hash | null;
  readonly sizeBytes: number | null;
  readonly find: () => Promise<Found>;
};

/** In their order: null, or nothing, for those that are gone or can be found one by one only. */
export type FindMany = (files: readonly FolderFile[]) => Promise<ReadonlyArray<Found | null>>;

export type FetchContext = {
  readonly wanted: FetchTarget;
  readonly fetcher: Fetcher;
  readonly options: GetOptions;
  readonly screen: Screen;
  readonly signal: AbortSignal;
};
