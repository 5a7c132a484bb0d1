/** Which Python a job may have. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PythonSpecs, WorkerSpecs } from "../../event.ts";
import { pythonFits, pythonName, wishesProblem } from "./python.ts";

const worker = (python?: PythonSpecs) => ({ python }) as WorkerSpecs;
const node = worker({ version: "3.11.7", packages: { numpy: "2.1.0" } });
const tab = worker({ version: "3.14.2", packages: {}, engine: "pyodide" });

test("a job gets the engine and the version that it wants, else any", () => {
  const fits = (wishes: Parameters<typeof pythonFits>[1]) =>
    [node, tab].map((one) => pythonFits(one, wishes));
  assert.deepEqual(fits({}), [true, true]);
  // A worker that names no engine has CPython.
  assert.deepEqual(fits({ engine: "cpython" }), [true, false]);
  assert.deepEqual(fits({ engine: "pyodide" }), [false, true]);
  assert.deepEqual(fits({ pythonVersion: "3.14" }), [false, true]);
  assert.deepEqual(fits({ pythonVersion: "3.1" }), [false, false]);
  assert.deepEqual(fits({ pythonVersion: "3.11.7" }), [true, false]);
  assert.deepEqual(fits({ requires: ["numpy>=2"] }), [true, false]);
});

test("wishes that no worker can have are refused", () => {
  assert.equal(wishesProblem({ engine: "pyodide", pythonVersion: "3.14" }), null);
  assert.match(String(wishesProblem({ engine: "jython" as never })), /one of cpython, pyodide/);
  assert.match(String(wishesProblem({ pythonVersion: "2.7" })), /a version of Python/);
  assert.match(String(wishesProblem({ requires: ["numpy => 2"] })), /names packages with versions/);
  assert.equal(pythonName("cpython", "3.11"), "CPython 3.11");
  assert.equal(pythonName(undefined, undefined), "Python");
});
