/** Four sources that each send slowly, against one of them. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "../../test/fixtures/cluster.ts";
import { type BenchOptions, type Figure, takeTurns } from "../case.ts";
import { type Sharing, share, tequio } from "./peers.ts";
import { noiseFile } from "./place.ts";

const sourceCount = 4;
const sizeBytes = 128 << 20;
const rate = "50M";

export async function manySources(options: BenchOptions, dir: string): Promise<Figure[]> {
  options.say(`${sourceCount} sources of ${rate}B/s each against one`);
  const source = noiseFile(dir, sizeBytes, "shared.bin");
  const cluster = await startCluster(1);
  const peers: Sharing[] = [];
  try {
    const target = join(dir, "got-many");
    const from = async (what: string) => {
      rmSync(target, { force: true });
      await tequio(["get", what, "-o", target, "--data", cluster.dataDir], dir);
    };
    for (let n = 0; n < sourceCount; n++) {
      const where = ["--data", cluster.dataDir, "--as", `source-${n}`, "--limit", rate, "--link"];
      peers.push(await share([source, ...where], dir));
    }
    const [first] = peers as [Sharing];
    const contestants = [
      { name: "four", run: () => from(first.root) },
      { name: "one", run: () => from(first.link) },
    ];
    const times = await takeTurns(contestants, { ...options, rounds: 3 });
    const value = times.get("one")! / times.get("four")!;
    return [{ name: "four slow sources: as fast as one", value, unit: "×", atLeast: 2.5 }];
  } finally {
    for (const peer of peers) await peer.stop();
    await cluster.stop();
  }
}
