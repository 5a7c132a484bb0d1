/** The picture of a job's way in ARCHITECTURE.md: all that it names is there under that name. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const picture = (() => {
  const [, after = ""] = read("ARCHITECTURE.md").split("## A job's way through the system");
  return /```text\n([\s\S]*?)```/.exec(after)?.[1] ?? "";
})();
/** What the picture names below `src`, and below the folders of its columns. */
const bases = ["src", "src/coordinator", "src/worker"];

function named(pattern: RegExp): string[] {
  return [...new Set([...picture.matchAll(pattern)].map(([, name]) => name as string))];
}

test("every file and folder of the picture is there", () => {
  const places = named(/(?<![\w/:])([a-z]+(?:\/[a-z-]+)+)/g);
  assert.ok(places.length >= 15, places.join(" "));
  const missing = places.filter((place) => {
    const paths = bases.flatMap((base) => [`${base}/${place}`, `${base}/${place}.ts`]);
    return !paths.some((path) => existsSync(join(root, path)));
  });
  assert.deepEqual(missing, []);
});

test("every call, event, effect and message of the picture exists", () => {
  const calls = named(/(?:GET|POST) (\/v1\/[a-z0-9:/-]+)/g);
  assert.ok(calls.length >= 4, calls.join(" "));
  const api = read("docs/http-api.md");
  assert.deepEqual(
    calls.filter((call) => !api.includes(call)),
    [],
  );
  const kinds = ["core/event", "core/effect", "wire/manager/messages"];
  const known = kinds.map((file) => read(`src/${file}.ts`)).join("\n");
  const words = [
    ...named(/(?:event|effects) ([a-z]+-[a-z]+)/g),
    ...named(/\b([a-z]+(?:Open|Execute|Statuses|Sources))\b/g),
  ];
  assert.ok(words.length >= 7, words.join(" "));
  assert.deepEqual(
    words.filter((word) => !known.includes(`"${word}"`)),
    [],
  );
});
