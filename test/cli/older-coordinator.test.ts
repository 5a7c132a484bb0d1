/** A client that is newer than its coordinator says so, where the coordinator refuses what it does
 *  not know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSubmit } from "../../src/coordinator/edges/http/bodies.ts";
import type { ClusterError } from "../../src/core/error.ts";
import { testJob, testStage } from "../../src/core/testing/fake-cluster.ts";
import { submitting } from "../../src/sdk/client/submitting.ts";
import type { Submit } from "../../src/wire/api/messages.ts";

const spec = testJob([testStage({ kind: "map", taskCount: 1 })]);

/** What the caller of the client gets when the coordinator checks such a job. */
function refusalOf(over: object): Promise<ClusterError> {
  const submission = { key: "k", spec: { ...spec, ...over } } as Submit;
  return submitting(submission, async (sent) => parseSubmit(JSON.parse(JSON.stringify(sent)))).then(
    () => assert.fail("it was taken"),
    (error: ClusterError) => error,
  );
}

test("what an older coordinator does not know of a job names the upgrade as the way", async () => {
  const unknown: ReadonlyArray<readonly [object, RegExp]> = [
    [{ shape: { of: "newer" } }, /\(spec\.shape\.of: Invalid /],
    [{ shape: { of: "lines", newer: 1 } }, /\(spec\.shape: Unrecognized key: "newer"\)/],
    [{ newer: 1 }, /\(spec: Unrecognized key: "newer"\)/],
    [{ output: "newer" }, /\(spec\.output: Invalid option: /],
  ];
  for (const [over, what] of unknown) {
    const { code, text } = await refusalOf(over);
    assert.equal(code, "version-mismatch", text);
    assert.match(text, what);
    assert.match(text, /older than this client; upgrade the coordinator, or submit with a client/);
  }
});

test("what is wrong in itself is refused as the coordinator says it", async () => {
  const { code, text } = await refusalOf({ weight: "heavy" });
  assert.equal(code, "bad-request");
  assert.match(text, /^this is not a submission: spec\.weight: /);
});
