/** A shared folder, fetched as a tree of files: names that are no harmless paths, or that would be
 *  one file on some systems, are left out and reported. */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import { lockTarget } from "../../../peer/fetch/destination.ts";
import type { Fetched } from "../../../peer/fetch/fetcher.ts";
import { wayTo } from "../../../sdk/named-file.ts";
import { safeName, twinKey } from "../../../wire/p4/names.ts";
import { bytesText, durationText, plural, rateText } from "../../numbers.ts";
import { oneLine } from "../../text.ts";
import { stateDirOf } from "../master.ts";
import { Speedometer, transferLine } from "../transfer-line.ts";
import { fetchCurrent } from "./changed.ts";
import type { FetchContext, FetchTarget } from "./fetch-context.ts";

type Folder = FetchTarget & { kind: "folder" };
type Listed = Folder["files"][number];
type Planned = Listed & { readonly target: string };

/** Files fetched at once: small ones wait for the network more than they use it. */
const filesAtOnce = 4;

export async function getFolder(context: FetchContext, folder: Folder): Promise<void> {
  const { options, screen, signal } = context;
  if (options.output === "-") {
    throw new ClusterError("bad-request", "a folder does not fit into standard output; name one");
  }
  const dir = options.output ?? ".";
  const { planned, problems: unnamed } = plan(folder, dir);
  mkdirSync(dir, { recursive: true });
  const lock = await lockTarget(dir, {
    lockDir: join(stateDirOf(), "locks"),
    signal,
    onWait: () => screen.print("another process downloads to the same folder; waiting"),
  });
  const startedMs = performance.now();
  const tree = new Tree(context, planned);
  try {
    await tree.fetch();
  } finally {
    lock.release();
  }
  screen.draw([]);
  const problems = [...unnamed, ...tree.problems];
  const tookMs = performance.now() - startedMs;
  tell(tree, { dir, tookMs, problems, isJson: options.json ?? false });
  if (problems.length > 0) process.exitCode = 1;
}

function plan(folder: Folder, dir: string): { planned: Planned[]; problems: string[] } {
  const problems: string[] = [];
  const planned: Planned[] = [];
  const taken = new Map<string, string>();
  for (const file of folder.files) {
    const safe = safeName(file.name.slice(folder.prefix.length));
    if ("problem" in safe) {
      problems.push(`${oneLine(file.name)}: its name ${safe.problem}`);
      continue;
    }
    const key = twinKey(safe.parts);
    const twin = taken.get(key);
    if (twin !== undefined) {
      problems.push(
        `${oneLine(file.name)}: would be the same file as ${oneLine(twin)} on some systems`,
      );
      continue;
    }
    taken.set(key, file.name);
    planned.push({ ...file, target: join(dir, ...safe.parts) });
  }
  return { planned, problems };
}

class Tree {
  readonly problems: string[] = [];
  readonly fetched: Array<Fetched & { readonly path: string }> = [];
  readonly #context: FetchContext;
  readonly #planned: readonly Planned[];
  readonly #speed = new Speedometer();
  /** Of files under way, by target. */
  readonly #under = new Map<string, number>();
  #doneBytes = 0;

  constructor(context: FetchContext, planned: readonly Planned[]) {
    this.#context = context;
    this.#planned = planned;
  }

  async fetch(): Promise<void> {
    const waiting = [...this.#planned];
    const lane = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        this.#context.signal.throwIfAborted();
        await this.#one(next);
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: filesAtOnce }, lane));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  }

  async #one({ name, target, find }: Planned): Promise<void> {
    const { fetcher, options, screen, signal } = this.#context;
    const onNews = (text: string) => screen.print(oneLine(text));
    try {
      refuseSpecial(target);
      mkdirSync(dirname(target), { recursive: true });
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
      this.#doneBytes += fetched.sizeBytes;
      this.fetched.push({ ...fetched, path: target });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ClusterError) || error.code === "storage-full") throw error;
      this.problems.push(`${oneLine(name)}: ${error.message}`);
    } finally {
      this.#under.delete(target);
      this.#draw();
    }
  }

  #draw(): void {
    const { screen } = this.#context;
    const under = [...this.#under.values()].reduce((sum, bytes) => sum + bytes, 0);
    const doneBytes = this.#doneBytes + under;
    const sizeBytes = this.#planned.reduce<number | null>(
      (sum, file) => (sum === null || file.sizeBytes === null ? null : sum + file.sizeBytes),
      0,
    );
    this.#speed.add(performance.now(), doneBytes);
    const note = `${this.fetched.length} of ${plural(this.#planned.length, "file")}`;
    const transfer = { label: "folder", doneBytes, sizeBytes, note };
    screen.draw([transferLine(transfer, this.#speed.bytesPerS, screen.width())]);
  }
}

/** Only regular files are replaced, and what has a name among others is no pipe to write into. */
function refuseSpecial(target: string): void {
  if (wayTo(target, true) === "file") return;
  throw new ClusterError("bad-request", `${target} is no regular file, and is not replaced`);
}

type End = {
  readonly dir: string;
  readonly tookMs: number;
  readonly problems: readonly string[];
  readonly isJson: boolean;
};

function tell(tree: Tree, { dir, tookMs, problems, isJson }: End): void {
  if (isJson) {
    const took = { tookMs: Math.round(tookMs) };
    console.log(JSON.stringify({ folder: dir, files: tree.fetched, problems, ...took }));
    return;
  }
  for (const problem of problems) console.error(`left out: ${problem}`);
  const size = tree.fetched.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const received = tree.fetched.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  const speed = `${durationText(tookMs)}, ${rateText(received / Math.max(0.001, tookMs / 1000))}`;
  const how = tree.fetched.every(({ wasThere }) => wasThere) ? "all there already" : speed;
  const unverified = tree.fetched.filter(({ verified }) => verified === "no").length;
  const trust = unverified === 0 ? "verified" : `${plural(unverified, "file")} not verified`;
  const files = plural(tree.fetched.length, "file");
  console.log(`${files}, ${bytesText(size)} in ${dir}, ${how}; ${trust}`);
}
