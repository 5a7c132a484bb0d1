/** How errors end a command. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClusterError } from "../core/error.ts";
import { exitCodeFor, faultText, Interrupted, JobFailed } from "./faults.ts";

test("bad input, no coordinator, a failed job and Ctrl-C have exit codes of their own", () => {
  assert.equal(exitCodeFor(new ClusterError("bad-request", "x")), 2);
  assert.equal(exitCodeFor(new ClusterError("unavailable", "x")), 3);
  assert.equal(exitCodeFor(new ClusterError("user-error", "x")), 1);
  assert.equal(exitCodeFor(new JobFailed("not-found", "x")), 1);
  assert.equal(exitCodeFor(new Interrupted()), 130);
  assert.equal(exitCodeFor(new TypeError("x")), 1);
});

test("an expected error is its code and text, its stack only with --debug", () => {
  const error = new ClusterError("not-found", "no job j-9", { cause: new Error("404") });
  assert.equal(faultText(error, false), "tequio: not-found: no job j-9");
  assert.match(faultText(error, true), /faults\.test\.ts.*caused by Error: 404/s);
});

test("a foreign text in an error cannot steer the terminal", () => {
  assert.equal(
    faultText(new ClusterError("user-error", "\x1b]0;x"), false).includes("\x1b"),
    false,
  );
});

test("a system error has a plain meaning, any other is called a bug", () => {
  const gone = Object.assign(new Error("ENOENT: …"), { code: "ENOENT", path: "/a" });
  assert.equal(faultText(gone, false), "tequio: not-found: /a does not exist");
  assert.equal(exitCodeFor(gone), 2);
  // A quota, as file servers of a network have one for each user.
  const over = Object.assign(new Error("EDQUOT: …"), { code: "EDQUOT", path: "/a" });
  assert.match(faultText(over, false), /^tequio: storage-full: no space left for \/a; free some/);
  assert.match(faultText(new TypeError("x is not a function"), false), /internal error: .*--debug/);
  assert.equal(faultText(new Interrupted(), true), "");
});
