/** The schema of `tequio.config.json`, made from the commands, so that editors complete it. */
import type { Command, Option } from "commander";
import { named, settableOptions } from "./settings.ts";

type Schema = Readonly<Record<string, unknown>>;

export function configSchema(commands: readonly Command[]): Schema {
  const all: Record<string, Schema> = {};
  const properties: Record<string, Schema> = { $schema: { type: "string" } };
  for (const { command, name } of named(commands)) {
    const own: Record<string, Schema> = {};
    for (const option of settableOptions(command)) {
      own[option.attributeName()] = schemaOf(option);
      all[option.attributeName()] ??= schemaOf(option);
    }
    if (Object.keys(own).length === 0) continue;
    properties[name] = section(`Options of \`tequio ${name}\`.`, own);
  }
  return {
    $schema: "https://json-schema.org/draft-07/schema#",
    title: "Options of tequio that are not on its command line",
    type: "object",
    additionalProperties: false,
    properties: { ...properties, all: section("Of every command that has the option.", all) },
  };
}

function section(description: string, properties: Readonly<Record<string, Schema>>): Schema {
  return { description, type: "object", additionalProperties: false, properties };
}

function schemaOf({ argChoices, description, optional, required }: Option): Schema {
  if (!required && !optional) return { description, type: "boolean" };
  const one = argChoices === undefined ? { type: ["string", "number"] } : { enum: argChoices };
  return { description, anyOf: [one, { type: "array", items: { type: ["string", "number"] } }] };
}
