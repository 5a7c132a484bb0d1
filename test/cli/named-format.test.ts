/** The format of a result by the name of its file. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Place } from "../fixtures/place.ts";

const words = `import { mapReduce } from "tequio";
export default mapReduce({
  map: (line, emit) => emit(line, 1),
  combine: (a, b) => a + b,
});
`;

test("a job without a format of its own makes what the name of the file says", async (t) => {
  const place = new Place(t, {
    "words.ts": words,
    "tasks.ts": `import { tasks } from "tequio";
export default tasks({ items: [{ n: 2 }, { n: 3 }], run: ({ n }) => ({ square: n * n }) });\n`,
    "count.ts": `import { text } from "tequio";\nexport default text.words().count();\n`,
    "table.ts": `import { sum, text } from "tequio";
export default text.csv(["city", "n"]).by("city").aggregate({ n: sum("n") });\n`,
    "in.csv": "city,n\nOaxaca,1\nOaxaca,2\n",
    "in.txt": "b\na\nb\n",
  });
  const runs = [
    { job: "words.ts", inputs: ["in.txt"], csv: "key,value\na,1\nb,2\n" },
    { job: "tasks.ts", inputs: [], csv: "n,square\n2,4\n3,9\n" },
    { job: "table.ts", inputs: ["in.csv"], csv: "city,n\nOaxaca,3\n" },
    { job: "count.ts", inputs: ["in.txt"], csv: "word,count\na,1\nb,2\n" },
  ];
  for (const { csv, inputs, job } of runs) {
    for (const how of ["--sequential", "--local"]) {
      const ran = await place.run("run", how, job, ...inputs, "-o", "x.csv", "--overwrite");
      assert.equal(ran.code, 0, ran.err);
      assert.equal(place.read("x.csv"), csv, `${job} ${how}`);
    }
  }
  const merged = await place.run("run", "--sequential", "words.ts", "in.txt", "--merge", "m.csv");
  assert.equal(merged.code, 0, merged.err);
  assert.equal(place.read("m.csv"), "key,value\na,1\nb,2\n");
  const arrow = await place.run("run", "--sequential", "count.ts", "in.txt", "-o", "x.arrow");
  assert.equal(arrow.code, 0, arrow.err);
  assert.equal(place.read("x.arrow").slice(0, 6), "ARROW1");
});

test("a format that the job sets is kept, and refused under the name of another", async (t) => {
  const output = words.replace("map:", 'output: "ndjson",\n  map:');
  const place = new Place(t, { "words.ts": output, "in.txt": "a\n" });
  const { code, err } = await place.run("run", "--sequential", "words.ts", "in.txt", "-o", "x.csv");
  assert.equal(code, 2);
  assert.match(err, /x\.csv is csv by its name, and the result of the job is ndjson/);
  place.write("table.ts", output.replace("ndjson", "csv"));
  const lines = ["table.ts", "in.txt", "-o", "x.ndjson.gz"];
  const table = await place.run("run", "--sequential", ...lines);
  assert.equal(table.code, 2);
  assert.match(table.err, /x\.ndjson\.gz is ndjson by its name, and the result of the job is csv/);
});
