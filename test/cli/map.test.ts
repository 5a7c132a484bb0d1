/** `tequio map`: a function as a filter between pipes. */
import assert from "node:assert/strict";
import test from "node:test";
import { Place } from "../fixtures/place.ts";

const source = `import { offset } from "./offset.ts";
export default (line: string, { params }: { params: { power: number } }) => {
  if (line === "bad") throw new Error("not a number");
  return line === "json" ? { line } : String(Number(line) ** params.power + offset);
};
`;
const files = { "f.ts": source, "offset.ts": "export const offset = 1;\n" };

test("a line is printed before the next one is read, and an error names its line", async (t) => {
  const place = new Place(t, files);
  const map = place.start("map", "--local", "--workers", "1", "f.ts", "--param", "power=3");
  map.child.stdin?.write("2\n");
  assert.equal(await map.said("9\n"), "9\n");
  map.child.stdin?.write("3\r\njson\n");
  assert.equal(await map.said("{"), '9\n28\n{"line":"json"}\n');
  map.child.stdin?.write("bad\n");
  const { code, err, out } = await map.ended;
  assert.equal(code, 1);
  assert.equal(err, "tequio: user-error: Error: not a number (f.ts:3), for item 3\n");
  assert.equal(out, '9\n28\n{"line":"json"}\n');
  assert.deepEqual(place.leftovers(), []);
});

test("blank lines are no items; one that is no JSON ends it behind earlier results", async (t) => {
  const area = "export default ({ a, b }: { a: number; b: number }) => a * b;\n";
  const place = new Place(t, { "area.ts": area });
  for (const more of [[], ["--unordered"], ["--chunk", "10"]]) {
    const map = place.start("map", "--local", "--workers", "1", "--ndjson", "area.ts", ...more);
    const given = ['{"a":2,"b":3}', "", '{"a":4,"b":5}', '{"a":', '{"a":6,"b":7}', ""];
    map.child.stdin?.end(given.join("\n"));
    const { code, err, out } = await map.ended;
    assert.equal(code, 2, err);
    assert.match(err, /^tequio: bad-request: line 4 of standard input is no JSON/);
    assert.deepEqual(out.split("\n").sort(), ["", "20", "6"]);
  }
});

test("its reader may go away before all lines have come", async (t) => {
  const place = new Place(t, files);
  const map = place.start("map", "--local", "--workers", "1", "f.ts", "--param", "power=2");
  map.child.stdin?.on("error", () => {});
  map.child.stdin?.write("1\n");
  await map.said("2\n");
  map.child.stdout?.destroy();
  map.child.stdin?.write("2\n".repeat(2_000));
  assert.partialDeepStrictEqual(await map.ended, { code: 0, out: "2\n", err: "" });
  assert.deepEqual(place.leftovers(), []);
});
