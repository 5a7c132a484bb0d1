/** The error of a result that has no room, or does not arrive: the job keeps it. */
import assert from "node:assert/strict";
import test from "node:test";
import { ClusterError } from "../../core/error.ts";
import { explained } from "./finish.ts";

const job = { job: "j-7" } as const;

function textOf(error: unknown, gone = false): string {
  const told = explained(error, job, { gone });
  assert.ok(told instanceof Error);
  return told.message;
}

test("C4: a result that the disk has no room for names the command that collects it again", () => {
  const full = new ClusterError("storage-full", "no space left to write out; free some");
  const kept = "; the result is kept: `tequio get j-7 -o DIR`";
  assert.equal(textOf(full), `storage-full: no space left to write out; free some${kept}`);
  const raw = Object.assign(new Error("ENOSPC: no space left, mkdir 'out'"), { code: "ENOSPC" });
  assert.equal(textOf(raw), `storage-full: ENOSPC: no space left, mkdir 'out'${kept}`);
  assert.equal(textOf(full, true), full.message);
  // The command is named once.
  const told = new ClusterError(
    "storage-full",
    "no space; free some, then `tequio get j-7 -o DIR`",
  );
  assert.equal(textOf(told), told.message);
  assert.equal(textOf(new ClusterError("data-lost", "damaged")), "data-lost: damaged");
});

test("a coordinator that is away at the end has the result: the error names what gets it", () => {
  const away = new ClusterError("unavailable", "nothing listens at http://127.0.0.1:1");
  assert.match(textOf(away), /; the result is kept: `tequio get j-7 -o DIR`$/);
});
