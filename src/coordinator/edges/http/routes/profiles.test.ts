/** Profiles kept with their job, and the graph of a job: who may, what is refused, how long they
 *  stay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testJob, testStage } from "../../../../core/testing/fake-cluster.ts";
import type { JobGraph } from "../../../../wire/api/graph.ts";
import type { ProfileFrame, ProfileKept, Profiles } from "../../../../wire/api/profile.ts";
import { opened } from "../../../testing/opened.ts";

const frames: readonly ProfileFrame[] = [
  [0, "all", "", 0, 100],
  [1, "map", "job.ts:3", 90, 90],
];
const profile = { version: 1, stage: 0, task: 1, samples: 9, frames };

test("a profile is kept with its job, is read by its readers, and goes with it", async (t) => {
  const cluster = await opened(t);
  const ann = await cluster.token("submitter", "ann");
  const reader = await cluster.token("reader", "rita");
  const job = await cluster.submit(await cluster.tasksSpec(2), ann.token);
  const path = `/v1/jobs/${job}/profiles`;
  const kept = await cluster.call("POST", path, { token: ann.token, body: profile });
  assert.equal(kept.status, 200);
  const { hash } = (await kept.json()) as ProfileKept;
  const listed = await cluster.call("GET", path, { token: reader.token });
  const { profiles } = (await listed.json()) as Profiles;
  const [{ atMs, ...one }] = profiles as [Profiles["profiles"][number]];
  assert.ok(atMs > 0);
  assert.deepEqual(one, { stage: 0, task: 1, by: "ann", hash });
  const read = await cluster.call("GET", `/v1/blobs/${hash}`, { token: reader.token });
  assert.deepEqual(await read.json(), profile);

  await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  const removed = await cluster.call("DELETE", `/v1/jobs/${job}`);
  assert.equal(removed.status, 200);
  assert.equal((await cluster.call("GET", `/v1/blobs/${hash}`)).status, 404, "it went with it");
});

test("what is no profile, is too large or of no task is refused, and says why", async (t) => {
  const cluster = await opened(t);
  const job = await cluster.submit(await cluster.tasksSpec(2));
  const large = Array.from({ length: 1_999 }, (): ProfileFrame => [1, "é".repeat(200), "", 0, 0]);
  const deep = Array.from({ length: 202 }, (_, at): ProfileFrame => [at, "f", "", 0, 0]);
  const many = Array.from({ length: 2_000 }, (): ProfileFrame => [1, "f", "", 0, 0]);
  const [whole] = frames as readonly [ProfileFrame];
  for (const [changed, status, said] of [
    [{ task: 2 }, 400, /has no task 2 in stage 0/],
    [{ stage: 1 }, 400, /in stage 1/],
    [{ frames: [] }, 400, /it has no frame/],
    [{ frames: [[0, "all", "", 9, 8]] }, 400, /more time/],
    [{ frames: deep }, 400, /frames\.201/],
    [{ frames: [whole, ...many] }, 400, /frames: /],
    [{ frames: [whole, ...large] }, 413, /at most 262144 are kept/],
    [{ frames: [[0, "x".repeat(201), "", 9, 9]] }, 400, /frames\.0/],
    [{ samples: -1 }, 400, /samples/],
    [{ more: 1 }, 400, /more/],
  ] as const) {
    const body = { ...profile, ...changed };
    const answer = await cluster.call("POST", `/v1/jobs/${job}/profiles`, { body });
    assert.equal(answer.status, status, String(said));
    assert.match(((await answer.json()) as { message: string }).message, said);
  }
  const listed = await cluster.call("GET", `/v1/jobs/${job}/profiles`);
  assert.deepEqual(await listed.json(), { profiles: [] });
});

test("the graph of a join has both inputs, and says what the stages do", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(0, {
    items: null,
    files: ["a.csv", "b.csv", "c.csv"].map((name) => {
      const at = { kind: "path", host: "elsewhere", path: `/${name}`, mtimeMs: 1 } as const;
      return { name, compression: "none", sizeBytes: 10, at };
    }),
    splits: [
      {
        input: "left",
        pieces: [
          [0, 0, 10],
          [1, 0, 4],
        ],
      },
      { input: "left", pieces: [[1, 4, 10]] },
      { input: "right", pieces: [[2, 0, 10]] },
    ],
    reducers: 2,
    operator: {
      inputs: { left: { format: "csv", header: true }, right: { format: "csv", header: true } },
      apply: { operator: "join", on: { left: "id", right: "user" }, kind: "inner" },
      last: null,
      output: "csv",
      badRecords: "fail",
    } as never,
  });
  const stages = [
    testStage({ kind: "map", taskCount: 3, partitionCount: 2 }),
    testStage({ kind: "reduce", taskCount: 2, inputStage: 0 }),
  ];
  const job = await cluster.submit({ ...testJob(stages), ...spec, stages });
  const answer = await cluster.call("GET", `/v1/jobs/${job}/graph`);
  assert.deepEqual(await answer.json(), {
    nodes: [
      { id: "input-0", kind: "input", reads: [], name: "left", files: 2, sizeBytes: 20, tasks: 2 },
      { id: "input-1", kind: "input", reads: [], name: "right", files: 1, sizeBytes: 10, tasks: 1 },
      {
        id: "stage-0",
        kind: "stage",
        reads: ["input-0", "input-1"],
        stage: 0,
        steps: ["read"],
      },
      {
        id: "stage-1",
        kind: "stage",
        reads: ["stage-0"],
        stage: 1,
        steps: ["inner join on id = user"],
      },
      { id: "result", kind: "result", reads: ["stage-1"] },
    ],
    canReplay: false,
  } satisfies JobGraph);
});

test("an operator that is not as it should be leaves a graph without steps", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2, { operator: { apply: { operator: "query" } } as never });
  const job = await cluster.submit(spec);
  const { nodes } = (await (await cluster.call("GET", `/v1/jobs/${job}/graph`)).json()) as JobGraph;
  assert.deepEqual(
    nodes.map(({ id, reads }) => [id, ...reads]),
    [["stage-0"], ["result", "stage-0"]],
  );
});
