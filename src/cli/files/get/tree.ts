/** The files of a folder on their way: small ones many at once, the others one by one, a few at a
 *  time. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import type { Fetched } from "../../../peer/fetch/fetcher.ts";
import { Landing } from "../../../peer/fetch/small/landing.ts";
import { wayTo } from "../../../sdk/named-file.ts";
import { placeFailure } from "../../../store/failure.ts";
import { plural } from "../../numbers.ts";
import { oneLine } from "../../text.ts";
import { Speedometer, transferLine } from "../../transfer-line.ts";
import { fetchCurrent } from "./changed.ts";
import type { FetchContext, FindMany } from "./fetch-context.ts";
import { getSmall, type Planned } from "./small.ts";

/** Larger files fetched at once. */
const filesAtOnce = 4;
/** Shortest time between two drawings, ms. */
const drawMs = 100;

export type TreeOptions = {
  readonly dir: string;
  readonly planned: readonly Planned[];
  /** Empty ones, to be made. */
  readonly folders: readonly string[];
  readonly findMany: FindMany;
};

export class Tree {
  readonly problems: string[] = [];
  readonly fetched: Array<Fetched & { readonly path: string }> = [];
  readonly #context: FetchContext;
  readonly #options: TreeOptions;
  /** Null = of some file it is not known. */
  readonly #sizeBytes: number | null;
  readonly #speed = new Speedometer();
  /** Of files under way, by target. */
  readonly #under = new Map<string, number>();
  readonly #folders = new Set<string>();
  #doneBytes = 0;
  #drawnAtMs = 0;

  constructor(context: FetchContext, options: TreeOptions) {
    this.#context = context;
    this.#options = options;
    this.#sizeBytes = options.planned.reduce<number | null>(
      (sum, file) => (sum === null || file.sizeBytes === null ? null : sum + file.sizeBytes),
      0,
    );
  }

  async fetch(): Promise<void> {
    this.#makeEmpty();
    const left = await this.#small();
    const waiting = left.values();
    const lane = async () => {
      for (const next of waiting) {
        this.#context.signal.throwIfAborted();
        await this.#one(next);
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: filesAtOnce }, lane));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  }

  #makeEmpty(): void {
    for (const folder of this.#options.folders) {
      try {
        this.#make(folder);
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        this.problems.push(`${oneLine(folder)}: ${error.message}`);
      }
    }
  }

  /** Returns the files that are left. */
  async #small(): Promise<ReadonlySet<Planned>> {
    const { dir, findMany, planned } = this.#options;
    const left = new Set(planned);
    const landing = new Landing(dir);
    try {
      await getSmall(planned, {
        findMany,
        fetcher: this.#context.fetcher,
        landing,
        prepare: (target) => this.#make(dirname(target)),
        onDone: (file, fetched) => {
          left.delete(file);
          this.#done(file, fetched);
        },
      });
      await landing.finish();
    } finally {
      landing.close();
    }
    return left;
  }

  #make(folder: string): void {
    if (this.#folders.has(folder)) return;
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw placeFailure(error, folder);
    }
    this.#folders.add(folder);
  }

  async #one(file: Planned): Promise<void> {
    const { name, target, find } = file;
    const { fetcher, options, screen, signal } = this.#context;
    const onNews = (text: string) => screen.print(oneLine(text));
    try {
      refuseSpecial(target);
      this.#make(dirname(target));
      const wanted = { found: await find(), byName: find, isRoot: false, onNews };
      const fetched = await fetchCurrent(wanted, (found) =>
        fetcher.fetch(found, {
          target,
          replaces: options.overwrite ?? false,
          isLocked: true,
          more: find,
          onProgress: ({ doneBytes }) => {
            this.#under.set(target, doneBytes);
            this.#draw();
          },
        }),
      );
      this.#done(file, fetched);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClusterError) || error.code === "storage-full") throw error;
      this.problems.push(`${oneLine(name)}: ${error.message}`);
    } finally {
      this.#under.delete(target);
      this.#draw();
    }
  }

  #done({ target }: Planned, fetched: Fetched): void {
    this.#doneBytes += fetched.sizeBytes;
    this.fetched.push({ ...fetched, path: target });
    this.#draw();
  }

  #draw(): void {
    const { screen } = this.#context;
    const nowMs = performance.now();
    if (!screen.live || nowMs - this.#drawnAtMs < drawMs) return;
    this.#drawnAtMs = nowMs;
    const under = [...this.#under.values()].reduce((sum, bytes) => sum + bytes, 0);
    const doneBytes = this.#doneBytes + under;
    this.#speed.add(nowMs, doneBytes);
    const note = `${this.fetched.length} of ${plural(this.#options.planned.length, "file")}`;
    const transfer = { label: "folder", doneBytes, sizeBytes: this.#sizeBytes, note };
    screen.draw([transferLine(transfer, this.#speed.bytesPerS, screen.width())]);
  }
}

/** Only regular files are replaced, and what has a name among others is no pipe to write into. */
function refuseSpecial(target: string): void {
  if (wayTo(target, true) === "file") return;
  throw new ClusterError("bad-request", `${target} is no regular file, and is not replaced`);
}
