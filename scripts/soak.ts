/** `npm run soak`: a cluster on a disk of 512 MB, a job a second and a kill every 20 s, for 30
 *  minutes or `--minutes N`. Needs root on Linux, to mount the disk. */
import { parseArgs } from "node:util";
import { newFolder, removeFolder } from "../src/store/testing/at-end.ts";
import { soak } from "../test/soak/soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
  },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write("npm run soak -- [--minutes 30] [--seed 1]\n");
  process.exit(2);
}
const place = newFolder("tequio-soak-");
try {
  const report = await soak({
    place,
    durationMs: minutes * 60_000,
    diskMebi: 512,
    jobEveryMs: 1_000,
    killEveryMs: 20_000,
    seed,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const failed = "skip" in report || report.wrong.length > 0;
  process.exitCode = failed ? 1 : 0;
} finally {
  removeFolder(place);
}
