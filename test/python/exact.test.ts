/** `exact=True`: the mathematics of Python jobs gives the bits of that of TypeScript jobs, on
 *  CPython and in Pyodide. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { compiledNames, exactFunctions } from "../../src/environment/math/functions.ts";
import { pyodideFolder } from "../../src/gateway/tab-python.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const folder = newFolder("tequio-exact-");
after(() => removeFolder(folder));
const cluster = clusterForTests();
const library = join(import.meta.dirname, "../../python");
const script = join(import.meta.dirname, "exact.py");
const names = [...compiledNames, "pow", "exp2"];

/** Of all sizes and signs, near whole numbers and multiples of pi, and those that are special. */
function numbers(): Float64Array {
  const special = [0, -0, 1, -1, 0.5, -0.5, Infinity, -Infinity, NaN, 5e-324, -1e-310, 2 ** 1023];
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const words = new Uint32Array(2);
  const anyBits = () => {
    words[0] = random() * 2 ** 32;
    words[1] = random() * 2 ** 32;
    return new Float64Array(words.buffer)[0]!;
  };
  const made = Array.from({ length: 3000 }, (_, i) => {
    if (i % 4 === 0) return anyBits();
    if (i % 4 === 1) return random() * 2 - 1;
    if (i % 4 === 2) return (random() - 0.5) * 1500;
    return Math.round(random() * 100) * (Math.PI / 4) * (1 + (random() - 0.5) * 1e-15);
  });
  return Float64Array.from([...special, ...made]);
}

const given = numbers();
const numbersPath = join(folder, "numbers");
writeFileSync(numbersPath, given);

function ofCPython(): Uint8Array {
  const results = join(folder, "results");
  const args = ["-B", script, library, numbersPath, results, ...names];
  const run = spawnSync("python3", args, { encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  return readFileSync(results);
}

test("functions of math have the bits of those of JavaScript jobs", { skip }, () => {
  const found = new BigUint64Array(Uint8Array.from(ofCPython()).buffer);
  const functions = exactFunctions();
  const bits = (value: number) => new BigUint64Array(Float64Array.of(value).buffer)[0]!;
  for (const [at, name] of compiledNames.entries()) {
    for (const [index, x] of given.entries()) {
      const expected = functions[name]!(x, given.at(-1 - index)!);
      const got = found[at * given.length + index]!;
      const isNan = Number.isNaN(new Float64Array(BigUint64Array.of(got).buffer)[0]);
      if (Number.isNaN(expected) && isNan) continue;
      assert.equal(got, bits(expected), `${name}(${x}, ${given.at(-1 - index)})`);
    }
  }
});

const noPyodide = pyodideFolder() === null ? "the package pyodide is not installed" : false;

test("Pyodide gives the bits of CPython", { skip: skip || noPyodide }, async () => {
  const { loadPyodide } = await import("pyodide");
  const pyodide = await loadPyodide();
  for (const name of readdirSync(join(library, "tequio/_exact"))) {
    if (!name.endsWith(".py")) continue;
    pyodide.FS.mkdirTree("/lib/tequio/_exact");
    const text = readFileSync(join(library, "tequio/_exact", name), "utf8");
    pyodide.FS.writeFile(`/lib/tequio/_exact/${name}`, text);
  }
  pyodide.FS.writeFile("/lib/exact.py", readFileSync(script, "utf8"));
  pyodide.FS.writeFile("/numbers", new Uint8Array(given.buffer));
  pyodide.runPython(`import sys
sys.path.insert(0, "/lib")
import exact
with open("/numbers", "rb") as numbers, open("/results", "wb") as results:
    results.write(exact.computed(numbers.read(), ${JSON.stringify(names)}))`);
  const [own, theirs] = [ofCPython(), pyodide.FS.readFile("/results") as Uint8Array];
  const [a, b] = [own, theirs].map((one) => new Float64Array(Uint8Array.from(one).buffer));
  for (const [index, value] of a!.entries()) {
    // A number that is none has many forms.
    const isSame = Object.is(value, b![index]);
    assert.ok(isSame, `${names[Math.floor(index / given.length)]}(${given[index % given.length]})`);
  }
});

const job = `from tequio import map_reduce
import cmath, math, random
def each(line, emit):
    x = float(line)
    power = x ** 2.5
    power **= 0.5
    emit("sines", [math.sin(x).hex(), power.hex(), (10 ** -3).hex(), pow(x, 3).hex(), 2 ** 70])
    emit("sum", [sum([x] * 10), sum([1, 0.1, 2 ** 60, -2 ** 60]), sum([[1], [x]], []), sum("")])
    emit("logs", [math.log(10 ** 400), math.log(x, 2), math.hypot(x, x), math.dist([x], [0])])
    for refused in (math.erf, cmath.sqrt, math.gamma, lambda x: (-x) ** 0.3):
        try:
            refused(x)
        except ArithmeticError as error:
            emit("refused", str(error)[:40])
    for wrong in (lambda: math.log(-x), lambda: math.exp(x * 1e9), lambda: 0.0 ** -x,
            lambda: math.sin("1")):
        try:
            wrong()
        except Exception as error:
            emit("wrong", repr(error))
job = map_reduce(map=each, reduce=lambda key, values: list(values), exact=True)
`;

import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";

test("an exact job gives the judge's bytes, and refuses what cannot be exact", {
  skip,
}, async () => {
  const input = cluster.file("numbers.txt", `${[0.1, 2.75, 1e5].join("\n")}\n`);
  const { files } = await equalsJudge(cluster.client, cluster.file("exact.py", job), {
    inputs: [input],
    reducers: 1,
  });
  const text = [...files.values()].join("");
  assert.match(text, /math\.erf differs between engines/);
  assert.match(text, /cmath\.sqrt differs/);
  assert.match(text, /a complex power differs/);
  assert.match(text, /ValueError\('math domain error'\)/);
  assert.match(text, /ZeroDivisionError/);
  assert.match(text, /TypeError\('must be real number, not str'\)/);
  // As doubles add: [0.1] * 10 is 1 when it is rounded once.
  assert.match(text, /"sum","value":\[\[1\.0,/);
});

test("a power that cannot be exact is an error of the build, with its line", { skip }, async () => {
  const code = "from tequio import tasks\na = [2.0]\na[0] **= 0.5\n";
  const file = cluster.file("powers.py", `${code}job = tasks(items=a, run=abs, exact=True)\n`);
  await assert.rejects(
    bundleJob(file),
    /powers\.py:3:1: SyntaxError: `\*\*=` of what is no plain name cannot be exact/,
  );
});
