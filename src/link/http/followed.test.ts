/** The one place of a coordinator that is followed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Followed, type Place } from "./followed.ts";

test("another port and another certificate are both another place, once", () => {
  const at = (url: string, fingerprint: string): Place => ({ url, fingerprint });
  let now: Place | null = at("https://127.0.0.1:1", "aa");
  const followed = new Followed({ ...now, whereNow: () => now });
  assert.equal(followed.hasMoved(), false);
  for (const next of [at("https://127.0.0.1:2", "aa"), at("https://127.0.0.1:2", "bb")]) {
    now = next;
    assert.equal(followed.hasMoved(), true);
    assert.deepEqual(
      [followed.coordinators.url, followed.fingerprint],
      [next.url, next.fingerprint],
    );
    assert.equal(followed.hasMoved(), false);
  }
  now = null;
  assert.equal(followed.hasMoved(), false, "it is not known where it is");
  const single = new Followed(at("https://127.0.0.1:1,https://127.0.0.1:2", ""));
  assert.equal(single.hasMoved(), false);
  assert.equal(single.coordinators.areSeveral, true);
});
