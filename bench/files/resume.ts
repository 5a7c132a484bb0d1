/** A download of 10 GB is killed in the middle; how long until the next one has gone on? */
import { readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchOptions, type Figure, median } from "../case.ts";
import { share, start } from "./peers.ts";
import { noiseFile } from "./place.ts";

const sizeBytes = 10e9;
/** The rest are holes: they have hashes like all pieces, but need no memory. */
const noiseBytes = 1 << 30;
const quickNoiseBytes = 512 << 20;
const rate = "256M";

export async function resumption(options: BenchOptions, dir: string): Promise<Figure[]> {
  options.say("a download of 10 GB, killed in the middle and started again");
  const noise = options.quick ? quickNoiseBytes : noiseBytes;
  const source = noiseFile(dir, noise, "sparse.bin");
  truncateSync(source, sizeBytes);
  const peer = await share([source, "--link", "--limit", rate], dir);
  const took: number[] = [];
  try {
    for (let round = 0; round < 3; round++) {
      took.push(await killedAndResumed({ dir, link: peer.link, noise }));
      options.say(`round ${round + 1}: went on after ${Math.round(took.at(-1)!)} ms`);
    }
  } finally {
    await peer.stop();
  }
  const value = median(took);
  return [{ name: "10 GB killed at 50 %: goes on after", value, unit: "ms", atMost: 2000 }];
}

type Kill = { readonly dir: string; readonly link: string; readonly noise: number };

/** ms from the start of the second command to the first piece that it adds. */
async function killedAndResumed({ dir, link, noise }: Kill): Promise<number> {
  const home = join(dir, "resumed");
  rmSync(home, { recursive: true, force: true });
  const target = join(home, "got");
  const get = () => start(["get", link, "-o", target, "--json"], dir);
  const first = get();
  await until(() => writtenBytes(home) > noise / 2);
  await first.stop("SIGKILL");
  const before = writtenBytes(home);
  const startedMs = performance.now();
  const second = get();
  await until(() => writtenBytes(home) > before);
  const tookMs = performance.now() - startedMs;
  const { code, err, out } = await second.ended;
  if (code !== 0) throw new Error(`the resumed download ended with ${code}: ${err}`);
  const { resumedBytes, receivedBytes } = JSON.parse(out);
  if (resumedBytes < noise / 8 || receivedBytes > noise) {
    throw new Error(`only ${resumedBytes} bytes were kept, ${receivedBytes} fetched again`);
  }
  return tookMs;
}

/** Bytes of the partial file that are no holes. */
function writtenBytes(home: string): number {
  try {
    const part = readdirSync(home).find((name) => name.endsWith(".part"));
    return part === undefined ? 0 : statSync(join(home, part)).blocks * 512;
  } catch {
    return 0;
  }
}

async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error("nothing happened for a minute");
    await delay(2);
  }
}
