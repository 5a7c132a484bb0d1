/** Which column a name means. The parser makes small letters of names without quotes: how they are
 *  written is only asked when columns differ in nothing else. */
import { wrong } from "./refusal.ts";

/** By names in small letters: how they are written in a query. */
export type Spellings = ReadonlyMap<string, ReadonlySet<string>>;

/** Also with these columns, whose names `*` stands for. */
export function withColumns(spellings: Spellings, names: readonly string[]): Spellings {
  const all = new Map(spellings);
  for (const name of names) {
    if (name === name.toLowerCase()) all.set(name, new Set([...(all.get(name) ?? []), name]));
  }
  return all;
}

/** Of these names the one that is written so, else the only one that is but for its case. */
export function sameName(names: readonly string[], given: string): string | undefined {
  if (names.includes(given)) return given;
  const same = alike(names, given);
  return same.length === 1 ? same[0] : undefined;
}

/** The same of columns, by a name from the parser. Throws `bad-request` when it may mean
 *  several. */
export function sameColumn(
  columns: readonly string[],
  given: string,
  spellings: Spellings,
): string | undefined {
  const same = alike(columns, given);
  // With a capital letter it has been in quotes.
  if (same.length < 2 || given !== given.toLowerCase()) return sameName(columns, given);
  const written = writtenAs(given, spellings);
  if (written.length === 1 && same.includes(written[0]!)) return written[0];
  const each = same.map((name) => `"${name}"`).join(" or ");
  throw wrong(`the name ${written[0] ?? given} may mean several columns; write ${each}, in quotes`);
}

function alike(names: readonly string[], given: string): string[] {
  return names.filter((name) => name.toLowerCase() === given.toLowerCase());
}

/** Each way in which it may be written; of a path, its parts apart. */
function writtenAs(given: string, spellings: Spellings): string[] {
  const whole = spellings.get(given);
  if (whole !== undefined) return [...whole];
  let ways = [""];
  for (const [at, part] of given.split(".").entries()) {
    const spelled = [...(spellings.get(part) ?? [part])];
    ways = ways.flatMap((way) => spelled.map((one) => (at === 0 ? one : `${way}.${one}`)));
  }
  return ways;
}
