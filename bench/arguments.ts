/** What `npm run bench` is asked to do, from its arguments. */
import { parseArgs } from "node:util";
import type { Case } from "./case.ts";

export type Asked =
  | {
      readonly kind: "run";
      readonly cases: readonly Case[];
      readonly rounds: number;
      readonly gib?: readonly number[];
      readonly quick: boolean;
      readonly json: boolean;
    }
  | { readonly kind: "help" }
  /** What is wrong with them, and what to do. */
  | { readonly kind: "wrong"; readonly text: string };

const defaultRounds = 5;
const quickRounds = 3;
const roundsMax = 1_000;
const gibMax = 1_024;

export function askedOf(args: readonly string[], cases: readonly Case[]): Asked {
  const options = {
    help: { type: "boolean", short: "h", default: false },
    rounds: { type: "string" },
    gib: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    // The first sentence names the option; the rest is about a way to write what we do not have.
    const [what] = (error as Error).message.split(". ");
    return wrong(`${what}; see npm run bench -- --help`);
  }
  const { values, positionals } = parsed;
  if (values.help) return { kind: "help" };
  const names = cases.map(({ name }) => name);
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    return wrong(`there is no case ${unknown.join(", ")}; there are: ${names.join(", ")}`);
  }
  const { quick, json, rounds: text = String(quick ? quickRounds : defaultRounds) } = values;
  const rounds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (rounds < 1 || rounds > roundsMax) {
    return wrong(`--rounds takes a whole number from 1 to ${roundsMax}, not "${text}"`);
  }
  const gib = values.gib?.split(",").map(Number);
  if (gib?.every((size) => size > 0 && size <= gibMax) === false) {
    return wrong(`--gib takes sizes in GiB, such as 1,4,12, not "${values.gib}"`);
  }
  const wanted = cases.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { kind: "run", cases: wanted, rounds, quick, json, ...(gib === undefined ? {} : { gib }) };
}

function wrong(text: string): Asked {
  return { kind: "wrong", text };
}

export function usage(cases: readonly Case[]): string {
  const width = Math.max(...cases.map(({ name }) => name.length)) + 2;
  const rows = cases.map(({ name, question }) => `  ${name.padEnd(width)}${question}`);
  return `Usage: npm run bench -- [case…] [options]

Measures, prints each figure beside what is promised, and keeps them in bench/results and
bench/README.md. Contestants take turns; the median of their rounds counts. Other programs whose
first round takes over 60 s run one; the table says so.

Cases (all by default):
${rows.join("\n")}

Options:
  --rounds <n>  1 to ${roundsMax}; default ${defaultRounds}, with --quick ${quickRounds}
  --gib <list>  sizes of sort-sizes in GiB, such as 1,4,12: needs five times as much disk
  --quick       small inputs, few rivals, nothing kept: shows that everything runs
  --json        figures for programs, on standard output
  -h, --help    this text

Exit code: 0 every bound is kept, 1 one is broken, 2 wrong arguments.

Examples:
  npm run bench
  npm run bench -- tasks --rounds 3
  npm run bench -- sort-sizes --gib 1,4,12
  npm run bench -- --quick
  npm run bench -- word-count sort --json > figures.json
`;
}
