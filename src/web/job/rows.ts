/** Lines of NDJSON as rows of a table. */
export type Row = Readonly<Record<string, unknown>>;

/** Whole lines only: the last may be cut off. A line that is not an object has one column. */
export function rowsOf(text: string): Row[] {
  const lines = text.split("\n");
  const whole = text.endsWith("\n") ? lines : lines.slice(0, Math.max(1, lines.length - 1));
  const rows: Row[] = [];
  for (const line of whole) {
    if (line === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      const isRow = typeof value === "object" && value !== null && !Array.isArray(value);
      rows.push(isRow ? (value as Row) : { value });
    } catch {
      return rows;
    }
  }
  return rows;
}
