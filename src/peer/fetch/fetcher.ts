/** Fetches files as they were found: verified by root where there is one, from all sources, by
 *  whatever protocol each of them speaks. */
import { ClusterError } from "../../core/error.ts";
import type { Hash } from "../../core/ids.ts";
import { GrpcError, grpcStatus, isConnectionLost } from "../../link/grpc/status.ts";
import { hexOf } from "../../wire/hex.ts";
import { pieceBytesOf } from "../../wire/p4/merkle.ts";
import type { Found, Source } from "../found.ts";
import { HashPool } from "../hashing/pool.ts";
import { Connections, type DialRules } from "./connection.ts";
import { lockTarget, lookAt } from "./destination.ts";
import { Download, type DownloadLimits, defaultDownloadLimits } from "./download.ts";
import { readMany, type SmallFile, type Take } from "./small/many.ts";
import { fetchWhole } from "./whole.ts";

export type FetcherOptions = {
  readonly rules: DialRules;
  readonly lockDir: string;
  readonly signal: AbortSignal;
  readonly limits?: Partial<DownloadLimits>;
};

export type Progress = {
  /** Null until a source has reported it. */
  readonly sizeBytes: number | null;
  readonly doneBytes: number;
  readonly resumedBytes: number;
  readonly sourceCount: number;
};

export type FetchOptions = {
  readonly target: string;
  readonly replaces: boolean;
  /** The target, or a folder around it, is locked already. */
  readonly isLocked?: boolean;
  readonly more?: () => Promise<Found>;
  readonly onProgress?: (progress: Progress) => void;
  readonly onNews?: (text: string) => void;
  /** The partial file is open: it can be served from. */
  readonly onOpen?: (download: Download) => void;
  /** Awaited before the partial file is closed. */
  readonly beforeClose?: () => Promise<void>;
};

export type Fetched = {
  readonly sizeBytes: number;
  readonly receivedBytes: number;
  readonly resumedBytes: number;
  readonly root: Hash | null;
  /** root: against the requested root · owner: against the root that the owner reported · no: not
   *  verified. */
  readonly verified: "root" | "owner" | "no";
  /** The target had this content already. */
  readonly wasThere: boolean;
  readonly sources: ReadonlyArray<{ readonly name: string; readonly receivedBytes: number }>;
};

/** Interval between progress reports, ms. */
const progressMs = 200;

export class Fetcher {
  readonly connections: Connections;
  readonly pool = new HashPool();
  readonly #options: FetcherOptions;
  readonly #limits: DownloadLimits;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#limits = { ...defaultDownloadLimits, ...options.limits };
    this.connections = new Connections(options.rules);
  }

  async close(): Promise<void> {
    await this.connections.close();
    await this.pool.close();
  }

  async fetch(found: Found, options: FetchOptions): Promise<Fetched> {
    const { lockDir, signal } = this.#options;
    if (options.isLocked) return await this.#fetch(found, options);
    const onWait = () => options.onNews?.("another process downloads to the same place; waiting");
    const lock = await lockTarget(options.target, { lockDir, signal, onWait });
    try {
      return await this.#fetch(found, options);
    } finally {
      lock.release();
    }
  }

  /** Files that may come whole and many at once, each from its source; what does not come is left
   *  to `fetch`. */
  readMany<T extends SmallFile>(files: readonly T[], take: Take<T>): Promise<void> {
    const { idleMs, rateMaxBytes } = this.#limits;
    const { connections } = this;
    const { signal } = this.#options;
    return readMany(files, { connections, signal, idleMs, rateMaxBytes }, take);
  }

  async #fetch(found: Found, options: FetchOptions): Promise<Fetched> {
    if (found.root !== null) return this.#verified(found, found.root, options);
    const [source] = found.sources;
    if (source === undefined) throw nobody(found.name);
    const root = await this.#rootOf(source);
    if (root !== null) {
      const fetched = await this.#verified({ ...found, sources: [source] }, root, options);
      return { ...fetched, verified: "owner" };
    }
    return this.#whole(source, options);
  }

  async #verified(found: Found, root: Hash, options: FetchOptions): Promise<Fetched> {
    const { target, replaces, more, onOpen, beforeClose } = options;
    const wanted = { root, sizeBytes: found.sizeBytes, replaces };
    if ((await lookAt(target, wanted, this.pool)) === "there") {
      const sizeBytes = found.sizeBytes ?? 0;
      const none = { receivedBytes: 0, resumedBytes: 0, sources: [] };
      return { ...none, sizeBytes, root, verified: "root", wasThere: true };
    }
    let opened: Download | null = null;
    const tell = () => {
      if (opened !== null) options.onProgress?.(progressOf(opened));
    };
    const timer = setInterval(tell, progressMs);
    try {
      const download = new Download({
        root,
        target,
        replaces,
        sources: found.sources,
        connections: this.connections,
        pool: this.pool,
        limits: this.#limits,
        signal: this.#options.signal,
        ...(beforeClose === undefined ? {} : { beforeClose }),
        ...(more === undefined ? {} : { more: async () => sourcesOf(await more(), root) }),
        onOpen: (one) => {
          opened = one;
          tell();
          onOpen?.(one);
        },
      });
      const downloaded = await download.run();
      tell();
      return { ...downloaded, root, verified: "root", wasThere: false };
    } finally {
      clearInterval(timer);
    }
  }

  /** The root by which the owner itself knows the file; null when it knows no roots. */
  async #rootOf(source: Source): Promise<Hash | null> {
    try {
      const connection = await this.connections.get(source.address);
      const wanted = { fileName: source.fileName, root: new Uint8Array(0) };
      return hexOf((await connection.open(wanted, await source.credential())).root);
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
      const isOld = error instanceof GrpcError && error.status === grpcStatus.unimplemented;
      if (isOld || isConnectionLost(error)) return null;
      throw error;
    }
  }

  async #whole(source: Source, options: FetchOptions): Promise<Fetched> {
    const { target, replaces, onProgress } = options;
    const { sizeBytes } = await fetchWhole(source, {
      target,
      replaces,
      connections: this.connections,
      rules: this.#options.rules,
      maxBytes: this.#limits.wholeMaxBytes,
      limitMs: this.#limits.wholeMs,
      signal: this.#options.signal,
      onBytes: (doneBytes) =>
        onProgress?.({ sizeBytes: null, doneBytes, resumedBytes: 0, sourceCount: 1 }),
    });
    return {
      sizeBytes,
      receivedBytes: sizeBytes,
      resumedBytes: 0,
      root: null,
      verified: "no",
      wasThere: false,
      sources: [{ name: source.name, receivedBytes: sizeBytes }],
    };
  }
}

function progressOf(download: Download): Progress {
  const { sizeBytes } = download.shape;
  const resumedBytes = Math.min(sizeBytes, download.partial.resumed * pieceBytesOf(sizeBytes));
  const { doneBytes, sourceCount } = download;
  return { sizeBytes, doneBytes, resumedBytes, sourceCount };
}

/** By now the same name may stand for other content, so these sources are asked by root. */
function sourcesOf(found: Found, root: Hash): readonly Source[] {
  return found.root === root ? found.sources : [];
}

function nobody(name: string): ClusterError {
  return new ClusterError("download-failed", `no member offers ${name} now; ask again later`);
}
