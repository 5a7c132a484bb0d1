/** Everything printed in the documents is checked: links, commands, codes, words, examples,
 *  figures. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { readResults, valueText } from "../../bench/results.ts";
import { faultRates } from "../../sim/faults.ts";
import { fleet, promised } from "../../sim/figures.ts";
import { errorCodes } from "../../src/core/error.ts";
import { placesInSources } from "../failpoints/points.ts";
import { mutants } from "../mutants/catalogue.ts";
import { wholeGoals } from "../simulation/goals.ts";
import { readSources } from "../tidy/sources.ts";
import { commandProblem } from "./commands.ts";
import { blocks, commandLines, firstCells, readText, relativeLinks, root } from "./markdown.ts";

const examples = readdirSync(join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
  .map((entry) => entry.name);

function documents(folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.name === "node_modules") return [];
    if (entry.isDirectory()) return /^(docs|examples|bench)/.test(path) ? documents(path) : [];
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

test("every link between documents leads somewhere", () => {
  const broken = documents().flatMap((path) =>
    relativeLinks(readText(path))
      .filter((target) => !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  assert.deepEqual(broken, []);
});

test("each decision has a number of its own, and begins with it", () => {
  const paths = documents("docs/decisions");
  const numbers = paths.map((path) => /\/(\d{4})-/.exec(path)?.[1] ?? path);
  assert.deepEqual(
    paths.map((path) => /^# (\d{4}): /.exec(readText(path))?.[1]),
    numbers,
  );
  assert.equal(new Set(numbers).size, numbers.length, numbers.join());
});

test("every command in a document exists, with its options", async () => {
  const found = documents()
    .filter((path) => !/^docs\/(decisions|protocols)/.test(path))
    .flatMap((path) => commandLines(readText(path)).map((line) => ({ path, line })));
  const problems = await Promise.all(
    found.map(async ({ path, line }) => {
      const problem = await commandProblem(line);
      return problem === null ? [] : [`${path}: ${problem}`];
    }),
  );
  assert.ok(found.length > 10);
  assert.deepEqual(problems.flat(), []);
  assert.match((await commandProblem("tequio run x --no-such-option")) ?? "", /no-such-option/);
  assert.match((await commandProblem("tequio no-such-command")) ?? "", /no command/);
});

test("the job in README is the word count example, whole", () => {
  const [, rest] = readText("examples/word-count/job.ts").split(/^\/\*\*[\s\S]*?\*\/\n/);
  assert.deepEqual(blocks(readText("README.md"), "ts"), [rest]);
});

test("docs/errors.md describes exactly the codes of the core, in their order", () => {
  assert.deepEqual(firstCells(readText("docs/errors.md")), [...errorCodes]);
});

test("the glossary is in order, and each of its words is used", () => {
  const words = firstCells(readText("docs/glossary.md"));
  assert.deepEqual(words, words.toSorted());
  assert.equal(new Set(words).size, words.length);
  const used = readSources()
    .filter(({ path }) => path.startsWith("src/"))
    .map(({ text }) => text.toLowerCase())
    .join("\n");
  assert.deepEqual(
    words.filter((word) => !used.includes(word)),
    [],
  );
});

test("every example has a README that runs it, and a test", () => {
  const tests = readText("examples/examples.test.ts");
  for (const example of examples) {
    const readme = readText(`examples/${example}/README.md`);
    assert.ok(
      commandLines(readme).some((line) => line.includes(`examples/${example}/`)),
      example,
    );
    assert.ok(tests.includes(`"${example}"`), `no test runs ${example}`);
  }
  assert.ok(examples.length >= 7);
});

test("every figure in README has been measured", () => {
  const measured = new Set(
    readResults().flatMap(({ cases }) => Object.values(cases).flat().map(valueText)),
  );
  const shown = readText("README.md").matchAll(/\d[\d.,]* (?:×|(?:[MG]B(?:\/s)?|tasks\/s|ms)\b)/g);
  assert.deepEqual(
    [...shown].map(([figure]) => figure).filter((figure) => !measured.has(figure)),
    [],
  );
});

test("docs/reliability.md counts what there is: planted bugs, failpoints, faults, seeds", () => {
  const page = readText("docs/reliability.md");
  const places = placesInSources();
  const points = new Set(places.map(({ point }) => point));
  const simulated = mutants.filter(({ nearest }) => nearest === undefined).length;
  const { seeds, timesLeast } = wholeGoals;
  for (const said of [
    `each of ${simulated} within ${seeds} seeds`,
    `each of ${mutants.length - simulated} in code that reads and stores files`,
    `${points.size} points, ${places.length} kills`,
    `${seeds} seeds, each of`,
    `each of ${Object.keys(faultRates).length} kinds of fault at least ${timesLeast} times`,
    `${fleet.workers} workers of one slot, ${fleet.mapTasks.toLocaleString("en")} map tasks`,
    ...promised.map(({ boundPercent, what }) => `| ${what} |${bound(boundPercent)} |`),
  ]) {
    assert.ok(page.includes(said), said);
  }
});

function bound(percent: number | null): string {
  return percent === null ? "" : ` +${percent} %`;
}
