/** Crowds of volunteers with liars, around the production core: few seeds and smaller crowds than
 *  `scripts/strangers.ts`, and the laws after every few events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Crowd, type Nature } from "../../sim/strangers/crowd.ts";
import {
  accusedIn,
  againstOneOwner,
  crowdOf,
  type Lying,
  lyings,
  promisedFigures,
} from "../../sim/strangers/figures.ts";

/** Who lies rarely is found among many results, and what newcomers cost counts less there. */
const sizeOf = ({ patient, rate }: Lying) => {
  return { tasks: patient || rate < 0.2 ? 50_000 : 20_000, workers: 100 };
};

for (const [name, lying] of Object.entries(lyings)) {
  test(`X10: a fifth lie ${name}: few wrong results stay, and the cost is bounded`, () => {
    const [{ most }] = promisedFigures.work;
    const { caughtHonest, state, work, wrong } = crowdOf(lying, sizeOf(lying), {
      seed: 1,
      liars: 0.2,
    });
    assert.equal(state, "done");
    assert.equal(caughtHonest, 0);
    const wrongMost = lying.patient ? promisedFigures.wrongPatient : promisedFigures.wrongLoud;
    assert.ok(wrong <= wrongMost, `${wrong} of the results are wrong`);
    assert.ok(work <= most, `${work} attempts for each task`);
  });
}

for (const [tasks, rate, mostWork] of [
  [20_000, 1, promisedFigures.work[0].most],
  // Newcomers to an owner cost most of a small job: each of its first results is compared.
  [2_000, 1, 2],
  [2_000, 0.1, 2],
] as const) {
  const name = `a fifth agree to lie to one owner, in ${rate * 100} % of ${tasks} tasks`;
  test(`X10: ${name}: what they earned with another does not count`, () => {
    const found = againstOneOwner({ tasks, workers: 100 }, { rate, seed: 1 });
    assert.equal(found.state, "done");
    assert.equal(found.caughtHonest, 0);
    const wrongMost = rate === 1 ? promisedFigures.wrongLoud : promisedFigures.wrongPatient;
    assert.ok(found.wrong <= wrongMost, `${found.wrong} of the results are wrong`);
    assert.ok(found.work <= mostWork, `${found.work} attempts for each task`);
  });
}

test("trust earned over all owners at once would let them lie to one", () => {
  const size = { tasks: 2_000, workers: 100 };
  const found = againstOneOwner(size, { rate: 1, seed: 1, trustsByOwner: false });
  assert.ok(found.wrong > promisedFigures.wrongPatient, `${found.wrong} of them are wrong`);
});

test("where two of a hundred are liars, the work is at most 1.15 times", () => {
  const [, { liars, most }] = promisedFigures.work;
  const { work } = crowdOf(
    lyings["always, five together"],
    sizeOf(lyings["always, five together"]),
    { seed: 2, liars },
  );
  assert.ok(work <= most, `${work} attempts for each task`);
});

test("no honest worker of any engine is called a liar, and every law holds", () => {
  for (let seed = 1; seed <= 60; seed++) assert.equal(accusedIn(seed, 7), 0, `seed ${seed}`);
  for (let seed = 61; seed <= 300; seed++) assert.equal(accusedIn(seed), 0, `seed ${seed}`);
});

test("a crowd of liars without an own worker gets its way, and names no honest one", () => {
  const volunteers = Array.from({ length: 9 }, (_, index): Nature => {
    if (index >= 6) return { kind: "honest" };
    return { kind: "liar", rate: 1, after: 0, group: 1 };
  });
  const result = new Crowd({ seed: 3, tasks: 30, own: 0, volunteers, lawsEvery: 5 }).run();
  assert.equal(result.caughtHonest, 0);
  assert.ok(result.wrong > 0.5, "what is promised is promised with an own worker only");
});

test("a fifth that takes tasks and answers none delays a job, and accuses no one", () => {
  const volunteers = Array.from({ length: 39 }, (_, index): Nature => {
    return { kind: index < 8 ? "withholder" : "honest" };
  });
  for (const trust of ["audit", "quorum"] as const) {
    const spec = { backupTasks: true, trust };
    const crowd = new Crowd({ seed: 4, tasks: 1_000, own: 1, volunteers, spec, lawsEvery: 50 });
    const { caughtHonest, state, wrong } = crowd.run();
    assert.deepEqual({ caughtHonest, state, wrong }, { caughtHonest: 0, state: "done", wrong: 0 });
  }
});
