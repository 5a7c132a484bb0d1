/** Small jobs to start from, with sample inputs. */
import type { JobLanguage } from "./code/bundled.ts";

export type Sample = {
  readonly name: string;
  readonly language: JobLanguage;
  readonly code: string;
  readonly input: string;
};

const proverbs = `the early bird catches the worm
the second mouse gets the cheese
many hands make light work
too many cooks spoil the broth
a bird in the hand is worth two in the bush
birds of a feather flock together
when the cat is away the mice will play
actions speak louder than words
the pen is mightier than the sword
two heads are better than one
`;

const sales = `{"city":"Oaxaca","item":"chocolate","pesos":120}
{"city":"Puebla","item":"mole","pesos":310}
{"city":"Oaxaca","item":"mezcal","pesos":480}
{"city":"Mérida","item":"hammock","pesos":950}
{"city":"Puebla","item":"talavera","pesos":670}
{"city":"Oaxaca","item":"rug","pesos":1500}
{"city":"Mérida","item":"honey","pesos":90}
`;

export const samples: readonly Sample[] = [
  {
    name: "words",
    language: "typescript",
    input: proverbs,
    code: `import { type Emit, mapReduce, text } from "tequio";

export default mapReduce({
  input: text.words({ lowercase: true }),
  map: (word, emit: Emit<string, number>) => emit(word, 1),
  combine: (a, b) => a + b,
});
`,
  },
  {
    name: "sales",
    language: "typescript",
    input: sales,
    code: `import { type Emit, mapReduce, ndjson } from "tequio";

type Sale = { city: string; pesos: number };

export default mapReduce({
  input: ndjson<Sale>(),
  map: (sale, emit: Emit<string, number>) => emit(sale.city, sale.pesos),
  combine: (a, b) => a + b,
});
`,
  },
  {
    name: "tasks",
    language: "typescript",
    input: "",
    code: `import { log, tasks } from "tequio";

export default tasks({
  items: () => Array.from({ length: 20 }, (_, n) => n + 1),
  run(n) {
    let steps = 0;
    for (let x = n; x !== 1; steps++) x = x % 2 === 0 ? x / 2 : 3 * x + 1;
    log(n, "takes", steps, "steps");
    return { n, steps };
  },
});
`,
  },
  {
    name: "wordsPython",
    language: "python",
    input: proverbs,
    code: `from tequio import map_reduce, text

job = map_reduce(
    input=text.words(lowercase=True),
    map=lambda word, emit: emit(word, 1),
    combine=lambda a, b: a + b,
)
`,
  },
  {
    name: "salesPython",
    language: "python",
    input: sales,
    code: `from tequio import aggregate, text

job = (
    text.json(["city", "pesos"])
    .where(lambda row: row.pesos > 100)
    .by("city")
    .aggregate(sales=aggregate.count(), pesos=aggregate.sum("pesos"))
    .sort("pesos", order="descending")
)
`,
  },
];
