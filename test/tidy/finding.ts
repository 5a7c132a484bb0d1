/** What a rule of the tidy test finds, and the list of exceptions that may only shrink. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Finding = {
  readonly rule: string;
  /** File, or file and name: stable when lines move. */
  readonly where: string;
  /** How much: lines, members, or how often. */
  readonly measured: number;
  readonly text: string;
};

/** rule → where → the amount that is tolerated until it is fixed. */
type Exceptions = Readonly<Record<string, Readonly<Record<string, number>>>>;

const exceptions: Exceptions = JSON.parse(
  readFileSync(join(import.meta.dirname, "exceptions.json"), "utf8"),
);

/** Counts findings of the same rule and place together, for rules without an amount of their
 *  own. */
export function tally(findings: readonly Finding[]): Finding[] {
  const byPlace = new Map<string, Finding>();
  for (const finding of findings) {
    const before = byPlace.get(finding.where);
    const sum = (before?.measured ?? 0) + finding.measured;
    const text = before === undefined ? finding.text : `${before.text}\n  ${finding.text}`;
    byPlace.set(finding.where, { ...finding, measured: sum, text });
  }
  return [...byPlace.values()];
}

/** Complaints about findings beyond their exception, and about exceptions that are no longer
 *  needed. */
export function judge(rule: string, findings: readonly Finding[]): string[] {
  const tolerated = exceptions[rule] ?? {};
  const found = new Map(findings.map((finding) => [finding.where, finding]));
  const excess = findings
    .filter((finding) => finding.measured > (tolerated[finding.where] ?? 0))
    .map((finding) => finding.text);
  const stale = Object.entries(tolerated)
    .filter(([where, amount]) => (found.get(where)?.measured ?? 0) < amount)
    .map(([where, amount]) => {
      const now = found.get(where)?.measured ?? 0;
      const change = `is ${now}, no longer ${amount}: lower it`;
      return `test/tidy/exceptions.json: ${rule} of ${where} ${change}`;
    });
  return [...excess, ...stale];
}
