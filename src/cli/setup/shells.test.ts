/** Completion scripts: each has all commands, and the one of bash is run where there is bash. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { type Completed, shells } from "./shells.ts";

const none = { options: [], choices: [], subcommands: [] };
const data = { flag: "--data", what: "it's a [folder]: any", takesValue: true, choices: [] };
const role = { flag: "--role", what: "role", takesValue: true, choices: ["admin", "reader"] };
const commands: readonly Completed[] = [
  { ...none, name: "up", summary: "start it: here", options: [data] },
  {
    ...none,
    name: "token",
    summary: "tokens",
    subcommands: [{ ...none, name: "create", summary: "", options: [role, data] }],
  },
  { ...none, name: "completion", summary: "this", choices: ["bash", "zsh"] },
];

function hasShell(shell: string): boolean {
  return spawnSync(shell, ["--version"]).status === 0;
}

test("the script of bash completes commands, subcommands, options and their values", (t) => {
  if (!hasShell("bash")) return t.skip("there is no bash");
  const complete = (...words: string[]) => {
    const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tequio; echo "\${COMPREPLY[*]}"`;
    const ran = spawnSync("bash", ["-c", `${shells.bash(commands)}\n${ask}`, "bash", ...words]);
    assert.equal(String(ran.stderr), "");
    return String(ran.stdout).trim();
  };
  assert.equal(complete("tequio", "to"), "token");
  assert.equal(complete("tequio", "token", ""), "create");
  assert.equal(complete("tequio", "token", "create", "--r"), "--role");
  assert.equal(complete("tequio", "token", "create", "--role", "a"), "admin");
  assert.equal(complete("tequio", "completion", ""), "bash zsh");
  assert.equal(complete("tequio", "up", "--"), "--data");
});

test("the scripts of zsh and fish name every command and option, in quotes that hold", (t) => {
  for (const shell of ["zsh", "fish"] as const) {
    const script = shells[shell](commands);
    for (const { name } of commands) assert.match(script, new RegExp(`\\b${name}\\b`));
    assert.match(script, /admin reader/);
    assert.match(script, /it'\\''s a/);
    if (!hasShell(shell)) t.diagnostic(`there is no ${shell} here: its script was not parsed`);
    else assert.equal(spawnSync(shell, ["-n"], { input: script }).status, 0);
  }
});
