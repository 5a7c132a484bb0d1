/** `manager.proto` and the tables of `schema.ts` agree: every message, every field, every
 *  number. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import type { Field, Schema } from "../protobuf/schema.ts";
import { nodeTypes, programKinds } from "./messages.ts";
import * as tables from "./schema.ts";

type Numbers = Readonly<Record<string, number>>;

/** Messages and enumerations by name; the fields of a oneof count to their message. */
function parseProto(source: string): Map<string, Numbers> {
  const blocks = new Map<string, Numbers>();
  const text = source.replaceAll(/\/\/.*$/gm, "").replaceAll(/oneof \w+ \{([^}]*)\}/g, "$1");
  for (const [, name, body] of text.matchAll(/(?:message|enum) (\w+) \{([^}]*)\}/g)) {
    const fields = [...body!.matchAll(/(\w+) = (\d+);/g)].map(([, field, n]) => [field, Number(n)]);
    blocks.set(name!, Object.fromEntries(fields));
  }
  return blocks;
}

const proto = parseProto(readFileSync(new URL("manager.proto", import.meta.url), "utf8"));

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
  });
  const names = tables.errorKinds.map((kind, n) => [kind.toUpperCase().replace("-", "_"), n]);
  assert.deepEqual(proto.get("TaskErrorKind"), Object.fromEntries(names));
});
