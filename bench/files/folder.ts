/** How fast is a folder of many small files fetched from a peer, each verified, against rsync and
 *  tar, which verify nothing? */
import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchOptions, type Contestant, type Figure, takeTurns } from "../case.ts";
import { share, tequio } from "./peers.ts";
import { isPresent, type Rival, rsyncFolder } from "./rivals.ts";

const fileBytes = 4096;
const filesPerFolder = 100;

/** `dir` is in memory, where the system has a place for that. */
export async function folderOfMany(options: BenchOptions, dir: string): Promise<Figure[]> {
  const count = options.quick ? 1_000 : 10_000;
  const name = "many";
  const source = join(dir, name);
  options.say(`making ${count} files of ${fileBytes} bytes`);
  makeFiles(source, count);
  // Files that were written a moment ago are hashed for each reader.
  await delay(2_500);
  const peer = await share([source, "--link"], dir);
  const target = join(dir, "got-many");
  const mine: Contestant = {
    name: "tequio",
    run: async () => {
      rmSync(target, { recursive: true, force: true });
      await tequio(["get", peer.link, "-o", target], dir);
    },
  };
  const rivals: Array<Contestant & Partial<Rival>> = [];
  if (isPresent("rsync")) rivals.push(await rsyncFolder(source, dir));
  else options.say("rsync: left out, rsync is not installed");
  if (isPresent("tar")) rivals.push(tarPipe(dir, name));
  try {
    const times = await takeTurns([mine, ...rivals], options);
    execFileSync("diff", ["-r", source, join(target, name)]);
    return figuresOf(times, count);
  } finally {
    await peer.stop();
    for (const rival of rivals) await rival.stop?.();
  }
}

function makeFiles(source: string, count: number): void {
  const bytes = Buffer.alloc(fileBytes);
  for (let n = 0; n < count; n++) {
    const folder = join(source, String(Math.floor(n / filesPerFolder)));
    if (n % filesPerFolder === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${n}`), randomFillSync(bytes));
  }
}

function tarPipe(dir: string, name: string): Contestant {
  const target = join(dir, "got-tar");
  return {
    name: "tar | tar",
    isRival: true,
    run: async () => {
      rmSync(target, { recursive: true, force: true });
      mkdirSync(target);
      execFileSync("sh", ["-c", `tar -C "${dir}" -cf - ${name} | tar -C "${target}" -xf -`]);
    },
  };
}

function figuresOf(times: ReadonlyMap<string, number>, count: number): Figure[] {
  const mine = times.get("tequio") as number;
  const title = `Fetching ${count} files of 4 KiB over loopback`;
  const figures: Figure[] = [...times].map(([name, ms]) => {
    const isOurs = name === "tequio";
    const bar = { title, label: isOurs ? "Tequio, verified" : name, isOurs };
    const figure = isOurs ? "a folder, verified" : `a folder by ${name}`;
    return { name: figure, value: count / (ms / 1000), unit: "files/s", bar };
  });
  for (const [name, ms] of times) {
    if (name === "tequio") continue;
    figures.push({ name: `a folder as fast as ${name}`, value: ms / mine, unit: "×" });
  }
  return figures;
}
