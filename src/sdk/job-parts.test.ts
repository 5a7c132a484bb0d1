/** The result of a job that has ended, of a coordinator that restarts just then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../core/error.ts";
import { partsOf } from "./job-parts.ts";

test("a coordinator that is away when the result is asked for is asked again", async () => {
  let asked = 0;
  const client = {
    async output() {
      asked++;
      if (asked === 1) throw new ClusterError("unavailable", "it restarts");
      return { parts: [{ task: 0, hash: "", sizeBytes: 0, records: 0 }], badRecords: [] };
    },
  };
  const job = { job: "j-1", output: "ndjson", stages: [{ kind: "reduce" }] };
  const { parts } = await partsOf(client as never, job as never);
  assert.equal(parts.length, 1);
  assert.equal(asked, 2);
  const refused = { output: () => Promise.reject(new ClusterError("not-found", "no such job")) };
  await assert.rejects(partsOf(refused as never, job as never), { code: "not-found" });
});
