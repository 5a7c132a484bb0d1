/** Suggests what the user may have meant: the known name that is fewest edits away. */

/** ` Did you mean "x"?`, or "" when nothing is near. */
export function didYouMean(wrong: string, known: readonly string[]): string {
  let nearest = "";
  let fewest = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const name of known.slice(0, 1000)) {
    const edits = editsBetween(wrong.toLowerCase(), name.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [name, edits];
  }
  return nearest === "" ? "" : ` Did you mean "${nearest}"?`;
}

/** Levenshtein's distance, of the first 100 characters. */
function editsBetween(a: string, b: string): number {
  const [from, to] = [a.slice(0, 100), b.slice(0, 100)];
  let row = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
