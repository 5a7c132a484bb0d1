/** Each option of `tequio run` has an effect in each of its modes, or is refused there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Command } from "commander";
import { ClusterError } from "../../core/error.ts";
import { flagOf } from "../options.ts";
import { refuseIgnored } from "./ignored-options.ts";
import type { RunOptions } from "./plan-options.ts";
import { define } from "./run.ts";

type Mode = "cluster" | "detach" | "local" | "sequential" | "json" | "elsewhere";
const place = { host: "10.0.0.2", port: 8080 };
const modes: Readonly<Record<Mode, RunOptions>> = {
  cluster: {},
  detach: { detach: true },
  local: { local: true },
  sequential: { sequential: true },
  json: { json: true },
  elsewhere: { filesystem: place },
};
const values: Required<RunOptions> = {
  ...{ data: "d", url: "u", token: "t", tokenFile: "t", fingerprint: "f" },
  ...{ output: "out", merge: "file", overwrite: true, json: true },
  ...{ name: "n", param: { a: "1" }, reducers: 1, splitBytes: 1, key: "k" },
  ...{ allowBasicBrowsers: true, engine: "cpython", priority: "high", watch: true },
  shuffle: "s3",
  ...{ detach: true, local: true, sequential: true, workers: 1, memory: 1 << 30 },
  ...{ filesystem: place, jobtracker: place, timeout: 1_000 },
  ...{ wheels: "wheels", keepGoing: true, share: "volunteers", trust: "audit", quorum: "2/3" },
};
/** In which modes the option has no effect. */
const refusedIn: Readonly<Record<keyof RunOptions, readonly Mode[]>> = {
  data: ["local", "sequential", "elsewhere"],
  url: ["local", "sequential", "elsewhere"],
  token: ["local", "sequential", "elsewhere"],
  tokenFile: ["local", "sequential", "elsewhere"],
  fingerprint: ["local", "sequential", "elsewhere"],
  output: ["detach"],
  merge: ["detach"],
  // Without a place it is refused everywhere.
  overwrite: ["cluster", "detach", "local", "sequential", "json", "elsewhere"],
  json: [],
  name: [],
  param: ["elsewhere"],
  timeout: ["sequential", "elsewhere"],
  shuffle: ["local", "sequential", "elsewhere"],
  reducers: ["elsewhere"],
  splitBytes: ["elsewhere"],
  key: ["local", "sequential", "elsewhere"],
  allowBasicBrowsers: ["local", "sequential", "elsewhere"],
  engine: ["local", "sequential", "elsewhere"],
  wheels: ["elsewhere"],
  keepGoing: ["sequential", "elsewhere"],
  priority: ["local", "sequential", "elsewhere"],
  share: ["local", "sequential", "elsewhere"],
  trust: ["local", "sequential", "elsewhere"],
  quorum: ["local", "sequential", "elsewhere"],
  watch: ["detach", "elsewhere"],
  detach: ["local", "sequential", "elsewhere"],
  local: ["detach", "sequential", "elsewhere"],
  sequential: ["detach", "local", "elsewhere"],
  workers: ["cluster", "detach", "sequential", "json", "elsewhere"],
  memory: ["cluster", "detach", "sequential", "json", "elsewhere"],
  filesystem: ["detach", "local", "sequential"],
  jobtracker: ["detach", "local", "sequential"],
};

test("the table has every option of the command", () => {
  const command = new Command("run");
  define(command);
  const names = command.options.map((option) => option.attributeName());
  assert.deepEqual(names.sort(), Object.keys(refusedIn).sort());
});

for (const [mode, given] of Object.entries(modes) as Array<[Mode, RunOptions]>) {
  test(`an option is refused by its name where it has no effect: ${mode}`, () => {
    for (const name of Object.keys(refusedIn) as Array<keyof RunOptions>) {
      const options: RunOptions = { ...given, [name]: values[name] };
      const isRefused = refusedIn[name].includes(mode);
      let error: unknown = null;
      try {
        refuseIgnored(options);
      } catch (thrown) {
        error = thrown;
      }
      assert.equal(error !== null, isRefused, `${mode} with ${flagOf(name)}: ${error}`);
      if (error === null) continue;
      assert.ok(error instanceof ClusterError && error.code === "bad-request");
      assert.ok(error.text.includes(flagOf(name)), error.text);
    }
  });
}

test("options that --detach cannot honour are refused with the command that does it later", () => {
  const detached = { detach: true } as const;
  assert.throws(() => refuseIgnored({ ...detached, output: "out" }), /`tequio get j-N -o DIR`/);
  assert.throws(() => refuseIgnored({ ...detached, watch: true }), /`tequio attach j-N --watch`/);
  assert.doesNotThrow(() => refuseIgnored({ output: "out", overwrite: true }));
});
