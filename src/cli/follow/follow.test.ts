/** What a user reads when a coordinator does not come back. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../core/error.ts";
import type { Client } from "../../sdk/client.ts";
import { followJob } from "./follow.ts";

const silence = new ClusterError("unavailable", "no coordinator at http://127.0.0.1:7070");
const summaries = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(silence) }) };
const client = { watch: () => summaries } as unknown as Client;
const options = { quiet: true, watch: false, connection: {} };

test("a coordinator that stays away keeps the job, and the error says how to go on", async () => {
  const detachable = { ...options, detachable: true };
  await assert.rejects(followJob(client, "j-7", detachable), {
    code: "unavailable",
    message: /j-7 is kept, and goes on once `tequio up` .* again with: tequio attach j-7/,
  });
});

test("of a job that ends with its command the error is what it was", async () => {
  const bound = { ...options, detachable: false };
  await assert.rejects(followJob(client, "j-7", bound), /no coordinator at http/);
});
