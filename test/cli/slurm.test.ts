/** `tequio scale slurm` with the real programs of Slurm on loopback. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { polled } from "../../src/store/testing/polled.ts";
import { Place, type Running } from "../fixtures/place.ts";
import { programFile } from "../fixtures/programs.ts";
import { Slurm, noSlurm as skip } from "../fixtures/slurm.ts";

type Cluster = { readonly place: Place; readonly slurm: Slurm; readonly url: string };

async function clusterOf(t: TestContext): Promise<Cluster> {
  const slurm = await Slurm.during(t);
  const place = new Place(t);
  const up = place.start("up", "--workers", "0", "--listen", "127.0.0.1:0", "--json");
  await up.said("}\n");
  return { place, slurm, url: JSON.parse(place.read("data/endpoint.json")).url };
}

function scale({ place, slurm, url }: Cluster, ...more: readonly string[]): Running {
  const program = ["--program", `'${process.execPath}' '${programFile("tequio")}'`];
  const quick = ["--every", "100ms", "--hold", "500ms", "--within", "1s", "--json"];
  const args = ["slurm", "--join", url, "--max", "4", ...program, ...quick, ...more];
  return place.startBy(["env", slurm.environment], "scale", ...args);
}

test("Ctrl-C takes back what waits in Slurm and what runs there", { skip }, async (t) => {
  const cluster = await clusterOf(t);
  const { place, slurm } = cluster;
  const scaling = scale(cluster, "--min", "4", "--slots", "2");
  await polled(
    () => slurm.asked("squeue", "--noheader", "--array", "--format=%t"),
    (text) => text.split(/\s+/).filter(Boolean).toSorted().join(" ") === "PD PD R R",
  );
  scaling.child.kill("SIGINT");
  const ended = await scaling.ended;
  assert.equal(ended.code, 0, ended.err);
  assert.deepEqual(await slurm.jobs(), []);
  assert.deepEqual(place.leftovers(), []);
});

test("sbatch accepts the script of --dry-run", { skip }, async (t) => {
  const cluster = await clusterOf(t);
  const { place, slurm } = cluster;
  const dry = scale(cluster, "--dry-run", "--", "--time=5", "--comment=two words");
  const { code, err, out } = await dry.ended;
  assert.equal(code, 0, err);
  const file = place.write("script.sh", out);
  assert.match(readFileSync(file, "utf8"), /^#SBATCH --time=5$/m);
  await slurm.asked("sbatch", "--test-only", file);
});
