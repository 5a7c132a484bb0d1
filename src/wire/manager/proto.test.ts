/** The tables of `schema.ts` hold every message and field of `manager.proto`, whose numbers are in
 *  `numbers.ts`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { numbersModule, numbersOf, numbersPath, protoFiles } from "../../../scripts/build-proto.ts";
import type { Field, Schema } from "../protobuf/schema.ts";
import { nodeTypes, programKinds } from "./messages.ts";
import * as tables from "./schema.ts";

type Numbers = Readonly<Record<string, number>>;

for (const file of protoFiles) {
  const name = file.slice(file.lastIndexOf("/") + 1);
  it(`numbers.ts is what ${name} gives`, () => {
    const made = numbersModule(name, readFileSync(file, "utf8"));
    assert.equal(readFileSync(numbersPath(file), "utf8"), made, "node scripts/build-proto.ts");
  });
}

const source = readFileSync(new URL("manager.proto", import.meta.url), "utf8");
const proto = new Map(
  [...numbersOf(source)].map(([name, fields]) => [name, Object.fromEntries(fields)] as const),
);

/** Where a property has another name than the field of existing implementations. */
const renamed: Readonly<Record<string, string>> = {
  memory: "memory_kb",
  network_speed: "network_kbps",
  supported_program_kinds: "program_kinds",
  timeout: "timeout_s",
  max_network_usage: "network_usage_max",
};

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function tableOf(schema: Schema<never>): Numbers {
  const rows = Object.entries(schema.fields as Readonly<Record<string, Field<unknown>>>);
  return Object.fromEntries(
    // A oneof has many numbers; they are compared separately.
    rows.flatMap(([name, { numbers }]) =>
      numbers.length === 1 ? [[snake(name), numbers[0]!] as const] : [],
    ),
  );
}

function protoOf(name: string, without: readonly number[] = []): Numbers {
  const fields = Object.entries(proto.get(name) ?? assert.fail(`no message ${name}`));
  return Object.fromEntries(
    fields
      .filter(([, number]) => !without.includes(number))
      .map(([field, number]) => [renamed[field] ?? field, number]),
  );
}

it("the wrapper has exactly the messages, by name and number", () => {
  const cases = Object.entries(tables.messageCases).map(([kind, { number }]) => [
    snake(kind),
    number,
  ]);
  const ids = { request_id: 100, answer_to: 101 };
  assert.deepEqual(protoOf("WorkerMsgWrapper"), { ...Object.fromEntries(cases), ...ids });
  assert.deepEqual(tableOf(tables.wrapper as Schema<never>), ids);
});

const parts = {
  ...tables.schemas,
  taskExecute: tables.taskExecute,
  nodeDescription: tables.nodeDescription,
  welcome: tables.welcome,
};
for (const [kind, schema] of Object.entries(parts)) {
  const name = kind[0]!.toUpperCase() + kind.slice(1);
  it(`${name} has the same fields in both`, () => {
    assert.deepEqual(tableOf(schema as Schema<never>), protoOf(name));
  });
}

it("TaskStatus has the same fields in both, its oneof too", () => {
  const table = tables.taskStatus;
  const oneof = (table.fields as Record<string, Field<never>>).data!.numbers;
  assert.deepEqual(tableOf(table as Schema<never>), protoOf("TaskStatus", oneof));
  const { pending, start_time, error, result, unknown } = protoOf("TaskStatus");
  assert.deepEqual(oneof, [pending, start_time, error, result, unknown]);
});

it("messages without fields have none in the file either", () => {
  for (const name of ["NotMine", "Ack", "ManagerBye", "ManagerPing", "ManagerPong", "Null"]) {
    assert.deepEqual(protoOf(name), {});
  }
});

it("enumerations have the same numbers in both", () => {
  assert.deepEqual(proto.get("NodeType"), { MANAGER: nodeTypes.manager, WORKER: nodeTypes.worker });
  assert.deepEqual(proto.get("ProgramKind"), {
    WASM0m1n0: programKinds.wasm,
    JAVASCRIPT: programKinds.javascript,
    PYTHON: programKinds.python,
  });
  const names = tables.errorKinds.map((kind, n) => [kind.toUpperCase().replace("-", "_"), n]);
  assert.deepEqual(proto.get("TaskErrorKind"), Object.fromEntries(names));
});
