/** How fast is a file fetched from a peer, verified, against a BitTorrent client and against plain
 *  HTTP? How fast does a killed download go on, and do several slow sources add up? */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BenchOptions, type Case, type Contestant, type Figure, takeTurns } from "../case.ts";
import { folderOfMany } from "./folder.ts";
import { manySources } from "./many-sources.ts";
import { share, tequio } from "./peers.ts";
import { bigDirectory, noiseFile, sameContent } from "./place.ts";
import { resumption } from "./resume.ts";
import { presentServers } from "./rivals.ts";

const fullBytes = 1 << 30;
const quickBytes = 128 << 20;

export const files: Case = {
  name: "files",
  question: "Fetching a file over loopback, every piece verified, against aria2, nginx and rsync",
  run,
};

async function run(options: BenchOptions): Promise<Figure[]> {
  const sizeBytes = options.quick ? quickBytes : fullBytes;
  const place = bigDirectory();
  try {
    options.say(`making ${sizeBytes >> 20} MiB of noise in ${place.kind}`);
    const source = noiseFile(place.path, sizeBytes);
    // A file that was written a moment ago is hashed for each reader.
    await delay(2_500);
    const figures = [
      ...(await transfers(options, { dir: place.path, source, sizeBytes })),
      ...(await folderOfMany(options, place.path)),
      ...(await manySources(options, place.path)),
      ...(await resumption(options, place.path)),
    ];
    return figures;
  } finally {
    place.remove();
  }
}

const byTls = "tequio by TLS";
const ours: Readonly<Record<string, { readonly figure: string; readonly label: string }>> = {
  tequio: { figure: "fetched and verified", label: "Tequio, verified" },
  [byTls]: { figure: "fetched and verified, by TLS", label: "Tequio, verified, by TLS" },
};

type Transfer = { readonly dir: string; readonly source: string; readonly sizeBytes: number };

async function transfers(options: BenchOptions, of: Transfer): Promise<Figure[]> {
  const { dir, source, sizeBytes } = of;
  const peer = await share([source, "--link"], dir);
  // As between machines: the link names this one by an outer address, and a certificate.
  const guarded = await share([source, "--link", "--listen", "0.0.0.0:0"], dir);
  const rivals = await presentServers(source, dir, options);
  const target = join(dir, "got-tequio");
  const mine = [
    { name: "tequio", link: peer.link },
    { name: byTls, link: guarded.link },
  ].map(
    ({ name, link }): Contestant => ({
      name,
      run: async () => {
        rmSync(target, { force: true });
        await tequio(["get", link, "-o", target], dir);
      },
    }),
  );
  try {
    const contestants = [...mine, ...rivals];
    // The first round of each warms the page cache.
    const times = await takeTurns(contestants, options);
    for (const { fetched } of rivals) {
      if (!sameContent(source, fetched)) throw new Error(`${fetched} is not the file`);
    }
    if (!sameContent(source, target)) throw new Error("what was fetched is not the file");
    return figuresOf(times, sizeBytes);
  } finally {
    await peer.stop();
    await guarded.stop();
    for (const rival of rivals) await rival.stop();
  }
}

function figuresOf(times: ReadonlyMap<string, number>, sizeBytes: number): Figure[] {
  const mine = times.get("tequio")!;
  const rate = (ms: number) => sizeBytes / 1e6 / (ms / 1000);
  const promised: Readonly<Record<string, number>> = { aria2: 2.5, "nginx + curl": 0.55 };
  const title = "Fetching a file over loopback";
  const figures: Figure[] = [...times].map(([name, ms]) => {
    const { figure, label } = ours[name] ?? { figure: `fetched by ${name}`, label: name };
    const bar = { title, label, isOurs: name in ours };
    return { name: figure, value: rate(ms), unit: "MB/s", bar };
  });
  for (const [name, ms] of times) {
    if (name in ours) continue;
    const atLeast = promised[name];
    figures.push({
      name: `as fast as ${name}`,
      value: ms / mine,
      unit: "×",
      ...(atLeast === undefined ? {} : { atLeast }),
    });
  }
  figures.push({ name: "by TLS: as fast as without", value: mine / times.get(byTls)!, unit: "×" });
  return figures;
}
