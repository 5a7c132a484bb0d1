/** How the page checks a plan that comes from the Worker of job code. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultLimits, type JobSpec } from "../../../core/job.ts";
import type { GivenFile } from "../../../wire/browser/trial.ts";
import { refuseOthers } from "./send.ts";

const root = "b".repeat(64);
const chosen: readonly GivenFile[] = [
  { input: "left", name: "a", sizeBytes: 1, at: { kind: "blob", hash: "a", content: { size: 1 } } },
  { input: "right", name: "b", sizeBytes: 1, at: { kind: "shared", root, host: "" } },
];

function check(...places: object[]): void {
  checkPlan({ files: places.map((at) => ({ at })) });
}

function checkPlan(plan: object): void {
  const spec: JobSpec = {
    name: "n",
    codeHash: "c",
    planHash: "p",
    stages: [],
    locality: null,
    limits: defaultLimits,
    backupTasks: true,
    weight: 1,
    output: "ndjson",
  };
  const bytes = new TextEncoder().encode(JSON.stringify(plan));
  refuseOthers({ kind: "planned", spec, blobs: [{ hash: "p", bytes }] }, chosen);
}

test("a plan of the chosen files is submitted", () => {
  check({ kind: "blob", hash: "a" }, { kind: "shared", root, host: "" });
  check();
});

test("a plan that names any other file is refused", () => {
  const others = [
    { kind: "path", host: "h", path: "/etc/passwd", mtimeMs: 1, hash: "a" },
    { kind: "blob", hash: root },
    { kind: "blob", hash: "other" },
    { kind: "shared", root: "a", host: "" },
    { kind: "shared" },
  ];
  for (const other of others) {
    assert.throws(() => check({ kind: "blob", hash: "a" }, other), /not chosen here/);
  }
});

test("so is one whose files are in columns", () => {
  const folders = [["passwd", "/etc/passwd", 1]];
  const columns = { host: "h", folders, names: [""], sizes: [1], times: [1] };
  assert.throws(() => checkPlan({ version: 2, columns, files: [] }), /not chosen here/);
});
