/** The log of a job over HTTP. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitMaxMs } from "../../../store/testing/patience.ts";
import { opened } from "../../testing/opened.ts";

test("a log that has no line yet is answered at once, and ends with its job", async (t) => {
  const cluster = await opened(t);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const signal = AbortSignal.timeout(waitMaxMs);
  const headers = { authorization: `Bearer ${cluster.coordinator.adminToken}` };
  const url = `${cluster.url}/v1/jobs/${job}/logs?follow=1`;
  const answer = await fetch(url, { headers, signal });
  assert.equal(answer.status, 200);
  await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  assert.equal(await answer.text(), "");
});
