/** The protocol's document agrees with the code: frames, answers and limits are compared. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { answersTo, type RequestKind, rules } from "./legality.ts";
import * as limits from "./limits.ts";
import { messageCases } from "./schema.ts";
import { foreignTaskId, oldFrames, ourFrames, toHex } from "./testdata/golden.ts";

const text = readFileSync(new URL("../../../docs/protocols/manager.md", import.meta.url), "utf8");

/** The cells of the table below a heading. */
function rowsBelow(heading: string): string[][] {
  const section = text.split(`${heading}\n`)[1]?.split("\n#")[0] ?? assert.fail(heading);
  return [...section.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row]) => row!.split(" | ").map((cell) => cell.trim()))
    .slice(2);
}

it("every golden frame of the document is tested, and all old ones are there", () => {
  const shown = rowsBelow("## Golden frames").map(([, hex]) =>
    hex!.replaceAll("`", "").replaceAll("T", toHex(foreignTaskId)),
  );
  const known = new Set([...oldFrames, ...ourFrames].map(({ hex }) => hex));
  assert.deepEqual(
    shown.filter((hex) => !known.has(hex)),
    [],
  );
  assert.deepEqual(
    oldFrames.filter(({ hex }) => !shown.includes(hex)),
    [],
  );
});

it("the document's table of messages is the table in legality.ts", () => {
  const kindOf = (name: string) => `${name[0]!.toLowerCase()}${name.slice(1)}`;
  const shown = rowsBelow("## Messages").map(([number, name, from, answers]) => ({
    kind: kindOf(name!),
    number: Number(number),
    // ManagerRequest is a worker's message, though a worker accepts it, too.
    from:
      name === "ManagerRequest" ? "either" : { "M W": "either", M: "manager", W: "worker" }[from!],
    answers: answers!.split(", ").map((answer) => kindOf(answer.split(" ")[0]!)),
  }));
  const known = Object.entries(rules).map(([kind, { from }]) => ({
    kind,
    number: messageCases[kind as RequestKind].number,
    from,
    answers: [...answersTo[kind as RequestKind]],
  }));
  const byNumber = (a: { number: number }, b: { number: number }) => a.number - b.number;
  assert.deepEqual(shown.sort(byNumber), known.sort(byNumber));
});

it("the limits of the document are those of the code", () => {
  const shown = rowsBelow("## Frames").map(([, value]) => value);
  const number = (value: number) => value.toLocaleString("en");
  assert.deepEqual(shown.slice(0, 6), [
    `${limits.frameBytesMax / 2 ** 20} MiB`,
    number(limits.messagesPerFrameMax),
    number(limits.tasksPerMessageMax),
    `${limits.textBytesMax / 1024} KiB`,
    `${limits.taskIdBytesMax} bytes`,
    `${limits.programAddressesMax} / ${limits.programKindsMax}`,
  ]);
});
