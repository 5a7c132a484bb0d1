/** Writes the field numbers of each `.proto` file of `src/wire` into `numbers.ts` beside it, from
 *  which the tables of messages take them: `node scripts/with-node24.js scripts/build-proto.ts`.
 *  The `.proto` file is the one source; commit both. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const wire = join(import.meta.dirname, "..", "src", "wire");
export const protoFiles = ["manager/manager.proto", "p4/p4.proto"].map((file) => join(wire, file));

/** Messages and enumerations of a `.proto` source: the number of each field or value, by name. The
 *  fields of a oneof belong to its message. */
export function numbersOf(source: string): Map<string, ReadonlyMap<string, number>> {
  const blocks = new Map<string, ReadonlyMap<string, number>>();
  const text = source.replaceAll(/\/\/.*$/gm, "").replaceAll(/oneof \w+ \{([^}]*)\}/g, "$1");
  for (const [, name = "", body = ""] of text.matchAll(/(?:message|enum) (\w+) \{([^}]*)\}/g)) {
    const fields = [...body.matchAll(/(\w+) = (\d+);/g)];
    blocks.set(name, new Map(fields.map(([, field = "", number]) => [field, Number(number)])));
  }
  return blocks;
}

/** The text of `numbers.ts` for a `.proto` source of this name. */
export function numbersModule(name: string, source: string): string {
  const lines = [
    `/** The field numbers of \`${name}\`, made of it by \`scripts/build-proto.ts\`. */`,
  ];
  for (const [block, fields] of numbersOf(source)) {
    if (fields.size === 0) continue;
    const rows = [...fields].map(([field, number]) => `  ${camelCase(field)}: ${number},`);
    lines.push(`export const ${camelCase(block)} = {`, ...rows, "} as const;", "");
  }
  return `${lines.join("\n").trimEnd()}\n`;
}

export function numbersPath(protoFile: string): string {
  return join(protoFile, "..", "numbers.ts");
}

/** `task_id` → `taskId`, `TasksPing` → `tasksPing`; constants keep their names. */
function camelCase(name: string): string {
  if (/^[A-Z_]+$/.test(name)) return name;
  const joined = name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return joined.replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase());
}

if (import.meta.main) {
  for (const file of protoFiles) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    writeFileSync(numbersPath(file), numbersModule(name, readFileSync(file, "utf8")));
  }
}
