/** A shared folder, fetched as a tree of files: names that are no harmless paths, or that would be
 *  one file on some systems, are left out and reported. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ClusterError } from "../../../core/error.ts";
import { lockTarget } from "../../../peer/fetch/destination.ts";
import { safeName, twinKey } from "../../../wire/p4/names.ts";
import { bytesText, durationText, plural, rateText } from "../../numbers.ts";
import { oneLine } from "../../text.ts";
import { stateDirOf } from "../master.ts";
import type { FetchContext, FetchTarget } from "./fetch-context.ts";
import type { Planned } from "./small.ts";
import { Tree } from "./tree.ts";

type Folder = FetchTarget & { kind: "folder" };
type Plan = {
  readonly planned: Planned[];
  /** Empty ones. */
  readonly folders: string[];
  readonly problems: string[];
};

export async function getFolder(context: FetchContext, folder: Folder): Promise<void> {
  const { options, screen, signal } = context;
  if (options.output === "-") {
    throw new ClusterError("bad-request", "a folder does not fit into standard output; name one");
  }
  const dir = options.output ?? ".";
  const { planned, folders, problems: unnamed } = plan(folder, dir);
  mkdirSync(dir, { recursive: true });
  const lock = await lockTarget(dir, {
    lockDir: join(stateDirOf(), "locks"),
    signal,
    onWait: () => screen.print("another process downloads to the same folder; waiting"),
  });
  const startedMs = performance.now();
  const tree = new Tree(context, { dir, planned, folders, findMany: folder.findMany });
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

function plan(folder: Folder, dir: string): Plan {
  const problems: string[] = [];
  const planned: Planned[] = [];
  const folders: string[] = [];
  const taken = new Map<string, string>();
  for (const file of folder.files) {
    const name = file.name.slice(folder.prefix.length);
    // The folder that was asked for, which is empty.
    if (name === "") continue;
    const safe = safeName(name.replace(/\/$/, ""));
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
    const target = join(dir, ...safe.parts);
    if (name.endsWith("/")) folders.push(target);
    else planned.push({ ...file, target });
  }
  return { planned, folders, problems };
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
