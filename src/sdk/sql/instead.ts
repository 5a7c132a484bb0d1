/** What does the work of that which SQL here has not, for the errors that refuse it. */

const inJobFile = (what: string) => `${what} in a job file does it`;
const branches = "write CASE WHEN … THEN … ELSE … END";
const firstRow = inJobFile("by(…).topK(1, …)");
const ownCode = "a mapReduce of your own does it";
const fixed = "write the date that is meant: '2024-12-31'";
const pieces = inJobFile("text.match(/(…)…/, […])");
const groupings = "run one query for each grouping";

/** By the names of functions. */
export const insteadOf: { readonly [name: string]: string } = {
  any_value: `min(x) is one of the values; ${firstRow}`,
  arg_max: firstRow,
  arg_min: firstRow,
  cube: groupings,
  first: firstRow,
  greatest: branches,
  grouping_sets: groupings,
  if: branches,
  ifnull: "write coalesce(x, …)",
  iif: branches,
  last: firstRow,
  least: branches,
  left: "write substring(x, 1, n)",
  len: "write length(x)",
  list: ownCode,
  now: fixed,
  regexp_extract: pieces,
  rollup: groupings,
  split_part: pieces,
  stddev: "write sum(x * x), sum(x) and count(x), of which it is made",
  strftime: "write date_trunc, year(x), month(x), or substring(x, 1, 7)",
  string_agg: ownCode,
  today: fixed,
  try_cast: "write CAST, and set bad records aside by --keep-bad",
  variance: "write sum(x * x), sum(x) and count(x), of which it is made",
};

export const inSteps = "save the first as a file, tequio sql … -o part.csv, and ask that one";
export const forUnion = "ask both by one glob, 'sales/*.csv', or run one query for each";

/** What the text of a query has that is not even read. */
const unread: ReadonlyArray<readonly [words: RegExp, what: string]> = [
  [/\bgroup\s+by\s+all\b/i, "GROUP BY ALL is not supported: name the columns"],
  [/\bqualify\b/i, `QUALIFY is not supported: ${firstRow}`],
  [/\*\s*(exclude|replace)\b/i, "* EXCLUDE and * REPLACE are not supported: name the columns"],
  [/\binterval\s+\d/i, `intervals are not supported: ${fixed}`],
  [/\btry_cast\b/i, "TRY_CAST is not supported: write CAST, and --keep-bad sets bad records aside"],
];

/** Of a query that cannot be read; "" when nothing is known. */
export function hintOf(query: string): string {
  const found = unread.find(([words]) => words.test(query));
  return found === undefined ? "" : `; ${found[1]}`;
}

/** Why there is a second file, and what to do. */
export function secondFile(query: string): readonly [what: string, instead: string] {
  if (/\b(union|intersect|except)\b/i.test(query)) return ["UNION of files", forUnion];
  if (/\(\s*select\b/i.test(query)) return ["a query within a query", inSteps];
  if (/^\s*with\b/i.test(query)) return ["WITH", inSteps];
  return ["a second file", "a join is a job: orders.join(users, …)"];
}
