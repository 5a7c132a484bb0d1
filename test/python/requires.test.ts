/** Workers without Python, or without a package, are given no task that needs it, and `why` lists
 *  what each lacks. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { reasonText } from "../../src/core/why/reasons.ts";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import type { WorkerOptions } from "../../src/worker/node.ts";
import { Cluster, noPython } from "./cluster.ts";

const skip = noPython;

async function opened(t: TestContext, over: Partial<WorkerOptions>): Promise<Cluster> {
  const cluster = new Cluster();
  t.after(() => cluster.close());
  await cluster.open(over);
  return cluster;
}

async function whyOf(cluster: Cluster, requires: readonly string[]): Promise<string> {
  const list = JSON.stringify(requires);
  const code = `from tequio import tasks
job = tasks(items=[0], run=lambda x: x, requires=${list})
`;
  const built = await bundleJob(cluster.file("job.py", code));
  const planned = await planJob(built.job, { inputs: [], params: {}, host: hostId() });
  const id = await submitJob(cluster.client, built, planned, { name: "waits" });
  const { reasons } = await cluster.client.why(id);
  const { waitingFor } = await cluster.client.job(id);
  const said = reasonText(reasons.at(-1)!);
  assert.equal(waitingFor, said);
  return said;
}

test("W8: a worker without Python is given no Python task, and why says so", {
  skip,
}, async (t) => {
  const cluster = await opened(t, { python: null });
  assert.equal(
    await whyOf(cluster, []),
    "no worker here has Python 3.9 or newer: install python3 on snake, and start its worker again",
  );
  const [worker] = await cluster.client.workers();
  assert.equal(worker?.python, undefined);
  // It still runs everything else.
  const job =
    'import { tasks } from "tequio";\nexport default tasks({ items: [1], run: (n) => n });';
  assert.equal((await cluster.run(cluster.file("job.ts", job))).state, "done");
});

test("a package that no worker has is named, with what it has instead", { skip }, async (t) => {
  const cluster = await opened(t, {});
  const [worker] = await cluster.client.workers();
  assert.match(worker?.python ?? "", /^3\.\d+\.\d+$/);
  assert.equal(
    await whyOf(cluster, ["no-such-package>=2"]),
    "no worker has the packages that the job requires: snake lacks no-such-package>=2; install " +
      "them there, and start the worker again",
  );
});

test("an interpreter that is named and does not start is refused", async (t) => {
  const python = join(import.meta.dirname, "no-such-python");
  const message = /^bad-request: .*no-such-python is no Python 3\.9 or newer that starts/;
  await assert.rejects(opened(t, { python }), { message });
});

test("packages of the worker's Python are there, and matched by their versions", {
  skip,
}, async (t) => {
  const { spawnSync } = await import("node:child_process");
  const folder = new Cluster();
  t.after(() => folder.close());
  const venv = join(folder.folder, "venv");
  const made = spawnSync("python3", ["-m", "venv", "--without-pip", venv], { encoding: "utf8" });
  if (made.status !== 0) return t.skip(`python3 -m venv does not work here: ${made.stderr}`);
  const site = spawnSync(
    join(venv, "bin/python"),
    ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
    { encoding: "utf8" },
  ).stdout.trim();
  mkdirSync(join(site, "pet_shop-1.2.dist-info"));
  writeFileSync(join(site, "pet_shop.py"), "ANIMALS = 3\n");
  const cluster = await opened(t, { python: join(venv, "bin/python") });
  assert.match(await whyOf(cluster, ["Pet.Shop>=2"]), /snake lacks Pet\.Shop>=2 \(has 1\.2\)/);
  const code = `from tequio import tasks
def run(item):
    import pet_shop
    return pet_shop.ANIMALS
job = tasks(items=[0], run=run, requires=["pet-shop>=1,<2"])
`;
  const { failure, state } = await cluster.run(cluster.file("job.py", code));
  assert.equal(state, "done", JSON.stringify(failure));
});
