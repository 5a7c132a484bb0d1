/** What is asked of Slurm and of Kubernetes, and how their answers are read. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { KubernetesWorkers } from "./kubernetes.ts";
import type { Ran } from "./ran.ts";
import type { WorkerTerms } from "./scheduler.ts";
import { SlurmWorkers, slurmOptions } from "./slurm.ts";

const terms: WorkerTerms = {
  ...{ url: "https://10.0.0.1:7070", fingerprint: "abcd", token: "mrt_secret" },
  ...{ program: "tequio", slots: 8, drainS: 25, lifetimeS: null, more: ["--no-restart"] },
};

/** A scheduler's commands: what was run, and what is answered to the first word and verb. */
function scripted(answers: Readonly<Record<string, string>>) {
  const asked: Array<{ line: string; input: string; env: Readonly<Record<string, string>> }> = [];
  const run: Ran = async (command, { env = {}, input = "" } = {}) => {
    const line = command.join(" ");
    asked.push({ line, input, env });
    return Object.entries(answers).find(([begin]) => line.startsWith(begin))?.[1] ?? "";
  };
  return { asked, run };
}

test("Slurm gets one array, with the token in the environment alone", async () => {
  const { asked, run } = scripted({});
  const slurm = new SlurmWorkers(terms, { name: "tequio-1", options: ["--time=60"], run });
  await slurm.start(12);
  const [{ env, input, line }] = asked as [(typeof asked)[number]];
  assert.equal(line, "sbatch --parsable");
  assert.deepEqual(env, { TEQUIO_TOKEN: "mrt_secret", SBATCH_EXPORT: "ALL" });
  assert.doesNotMatch(input, /mrt_/);
  for (const directive of [
    "--array=1-12",
    "--cpus-per-task=8",
    "--job-name=tequio-1",
    "--time=60",
  ]) {
    assert.match(input, new RegExp(`^#SBATCH ${directive}$`, "m"));
  }
  assert.match(input, /--name slurm-"\$SLURM_ARRAY_JOB_ID"_"\$SLURM_ARRAY_TASK_ID" --data "\$dir"/);
  assert.equal(spawnSync("sh", ["-n"], { input }).status, 0, "a shell reads it");
  await slurm.start(0);
  assert.equal(asked.length, 1, "an empty array is no array");
});

test("tasks of Slurm are pending, run or leave; those that ended are none", async () => {
  const squeue = "71_1 PD\n71_2 R\n70_3 CG\n70_4 CD\n70_5 F\n";
  const { asked, run } = scripted({ squeue });
  const slurm = new SlurmWorkers(terms, { name: "tequio-1", options: [], run });
  assert.deepEqual(await slurm.units(), [
    { id: "71_1", worker: "slurm-71_1", state: "pending" },
    { id: "71_2", worker: "slurm-71_2", state: "running" },
    { id: "70_3", worker: "slurm-70_3", state: "leaving" },
  ]);
  await slurm.end([{ id: "71_2", worker: "slurm-71_2", state: "running" }]);
  assert.equal(asked.at(-1)?.line, "scancel 71_2");
});

test("a job of Slurm that fails is reported, and others wait longer and longer", async () => {
  let squeue = "70_1 F\n";
  const sent: number[] = [];
  const run: Ran = async ([program]) => {
    if (program === "sbatch") sent.push(1);
    return program === "squeue" ? squeue : "";
  };
  const printed: string[] = [];
  const print = (line: string) => printed.push(line);
  const slurm = new SlurmWorkers(terms, { name: "tequio-1", options: [], run, print });
  assert.deepEqual(await slurm.units(), []);
  await slurm.start(1);
  assert.equal(sent.length, 1, "what failed before is not of this run");
  squeue += "71_1 F\n71_2 F\n72_1 CD\n73_1 CA\n";
  await slurm.units();
  await slurm.units();
  assert.equal(printed.length, 1);
  assert.match(printed[0]!, /^2 jobs of Slurm failed: 71_1; .* --output=/);
  await slurm.start(1);
  assert.equal(sent.length, 1, "not at once");
});

test("options of sbatch stay in their lines", () => {
  assert.deepEqual(slurmOptions(["--partition=short", "--comment=two words"]), [
    "--partition=short",
    "'--comment=two words'",
  ]);
  assert.throws(() => slurmOptions(["short"]), /is no option of sbatch/);
  assert.throws(() => slurmOptions(["--comment=a\nrm -rf x"]), /is no option of sbatch/);
});

const pod = (name: string, phase: string, more = {}) => ({
  metadata: { name, ...more },
  status: { phase },
});

test("Kubernetes gets a Secret and a Deployment, gives back the pods it is asked to", async () => {
  const items = [
    pod("a", "Running"),
    pod("b", "Running"),
    pod("c", "Pending"),
    pod("d", "Running", { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    pod("e", "Failed"),
  ];
  const get = "kubectl --namespace=lab get pods";
  const { asked, run } = scripted({ [get]: JSON.stringify({ items }) });
  const options = { image: "r/tequio:2", options: ["--namespace=lab"], run };
  const pods = new KubernetesWorkers(terms, { name: "tequio-1", ...options });
  const units = await pods.units();
  assert.deepEqual(
    units.map(({ id, state }) => [id, state]),
    [
      ["a", "running"],
      ["b", "running"],
      ["c", "pending"],
      ["d", "leaving"],
    ],
  );
  await pods.start(2);
  const applied = asked.find(({ line }) => line.includes("apply"))!;
  const [secret, deployment] = JSON.parse(applied.input).items;
  assert.equal(secret.stringData.token, "mrt_secret");
  assert.equal(deployment.spec.replicas, 5, "those that are there, and two more");
  const [container] = deployment.spec.template.spec.containers;
  assert.doesNotMatch(JSON.stringify(deployment), /mrt_/);
  assert.deepEqual(deployment.spec.selector.matchLabels, deployment.spec.template.metadata.labels);
  assert.equal(container.env[0].valueFrom.secretKeyRef.name, secret.metadata.name);
  await pods.end([units[1]!]);
  const [annotate, scaled] = asked
    .map(({ line }) => line)
    .filter((line) => !line.includes("get"))
    .slice(-2) as [string, string];
  assert.match(
    annotate,
    /annotate --overwrite pod\/b controller\.kubernetes\.io\/pod-deletion-cost/,
  );
  assert.match(scaled, /scale deployment\/tequio-1 --replicas=2$/);
});
