/** The clock of job code stands still, whichever way it is read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { steadyMs } from "../steady.ts";
import { useClock } from "./clock.ts";

test("a frozen clock says one time in all its ways, and runs again for the next job", () => {
  const atMs = Date.UTC(2026, 2, 7, 10, 30);
  const real = new Date();
  useClock(atMs);
  try {
    assert.equal(Date.now(), atMs);
    assert.equal(new Date().toISOString(), "2026-03-07T10:30:00.000Z");
    assert.equal(Date(), new Date(atMs).toString());
    assert.equal(performance.now(), 0);
    const format = new Intl.DateTimeFormat("en-US", { timeZone: "UTC", dateStyle: "short" });
    assert.equal(format.format(), "3/7/26");
    assert.equal(format.formatToParts()[0]?.value, "3");
    assert.equal(format.format(new Date(0)), "1/1/70");
    assert.equal(new Date(5).getTime(), 5);
    assert.equal(Date.UTC(1970, 0, 1, 0, 0, 1), 1_000);
    assert.ok(real instanceof Date && new Date() instanceof Date);
    assert.equal(new Date().constructor, Date);
    class Day extends Date {}
    assert.equal(new Day().getTime(), atMs);
    assert.ok(new Day() instanceof Day);
    assert.ok(steadyMs() > 0, "the product's own durations go on");
  } finally {
    useClock(null);
  }
  assert.ok(Date.now() >= real.getTime());
  assert.ok(performance.now() > 0);
});
