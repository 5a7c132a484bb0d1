/** A program that uses a cluster: calls a function for many items, then counts words. */
import { availableParallelism } from "node:os";
import { type Emit, mapReduce, text } from "tequio";
import { connect } from "tequio/client";

const thousand = 1_000;

function stepsOf(start: number): number {
  let steps = 0;
  for (let n = start; n !== 1; steps++) n = n % 2 === 0 ? n / 2 : 3 * n + 1;
  return steps;
}

/** The longest of a thousand starts from `first` on. */
function longestFrom(first: number): { start: number; steps: number } {
  const all = Array.from({ length: thousand }, (_, n) => first + n);
  const [start = first] = all.sort((a, b) => stepsOf(b) - stepsOf(a) || a - b);
  return { start, steps: stepsOf(start) };
}

// Of this process alone; `connect()` finds the coordinator of `tequio up`.
await using cluster = await connect({ local: true, slots: availableParallelism() });

let longest = { start: 1, steps: 0 };
const firsts = Array.from({ length: 20 }, (_, n) => 1 + n * thousand);
for await (const found of cluster.map(firsts, longestFrom, { ordered: false })) {
  if (found.steps > longest.steps) longest = found;
}
console.log(`${longest.start} takes ${longest.steps} steps`);

const lengths = mapReduce({
  input: text.words(),
  map(word, emit: Emit<number, number>) {
    emit(word.length, 1);
  },
  combine: (a, b) => a + b,
});
const result = await cluster.run(lengths, { inputs: import.meta.filename });
for await (const [length, count] of result.rows())
  console.log(`${count} words of ${length} letters`);
