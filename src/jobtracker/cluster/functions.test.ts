/** Jobs of functions as jobs of the cluster: the same parts make the same job. */
import assert from "node:assert/strict";
import test from "node:test";
import type { Plan } from "../../wire/block/plan.ts";
import { buildFunctions, type FunctionJob } from "./functions.ts";

const part = (name: string, sizeBytes: number) => ({ name, hash: "0".repeat(64), sizeBytes });
const job: FunctionJob = {
  name: "words",
  form: "whole_job",
  functions: Buffer.from("def mapper(k, v): return []\n"),
  jobUrl: "./j1",
  tasks: [[part("a", 3), part("b", 0)], [part("c", 5)]],
  reducers: 2,
};

test("the same functions and parts make the same code, plan and job", () => {
  assert.deepEqual(buildFunctions(job), buildFunctions({ ...job }));
  const other = buildFunctions({ ...job, functions: Buffer.from("# other\n") });
  assert.notEqual(other.spec.codeHash, buildFunctions(job).spec.codeHash);
});

test("each group of parts is a map task that reads all of them", () => {
  const { plan, spec } = buildFunctions(job);
  const { files, params, splits } = JSON.parse(Buffer.from(plan).toString()) as Plan;
  assert.deepEqual(
    files.map(({ name }) => name),
    ["a", "b", "c"],
  );
  assert.deepEqual(
    splits.map(({ pieces }) => pieces),
    [
      [
        [0, 0, 3],
        [1, 0, 0],
      ],
      [[2, 0, 5]],
    ],
  );
  assert.deepEqual(params, { jobUrl: "./j1" });
  const stages = spec.stages.map(({ kind, taskCount }) => [kind, taskCount]);
  assert.deepEqual(stages, [
    ["map", 2],
    ["reduce", 2],
  ]);
});
