/** `npm run together`: 5,000 jobs of all kinds and several owners at once, each compared with the
 *  judge. `npm run together -- 20000 7`: so many jobs, with that seed. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { caches } from "../test/fixtures/caches.ts";
import { chromium, ensureTools } from "./suite/debian-tools.ts";

const [jobs = "5000", seed = String(Math.floor(Math.random() * 1e6))] = process.argv.slice(2);
ensureTools([chromium]);
const file = join(import.meta.dirname, "../test/together/together.test.ts");
const env = { ...caches, ...process.env, TOGETHER_JOBS: jobs, TOGETHER_SEED: seed };
const args = ["--test", "--test-reporter=spec", file];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit", env }).status ?? 1;
