/** Text for a terminal: foreign lines made harmless, columns, cutting to a width. */

// C0, DEL and C1 controls (escape sequences start with them), and the bidi marks that reorder a
// line.
const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Job names, log lines and error texts come from other people: a terminal must not obey them.
 *  Newline and tab stay. */
export function safeText(text: string): string {
  return text.replace(unsafe, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** As `safeText`, and on one line. */
export function oneLine(text: string): string {
  return safeText(text.replace(/\s*\r?\n\s*/g, " ").replace(/\t/g, " ")).trim();
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\uffe6\u{1f300}-\u{3fffd}]/u;
const joins = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Columns that a text takes on a terminal; without escape sequences. */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const c of text) columns += joins.test(c) ? 0 : wide.test(c) ? 2 : 1;
  return columns;
}

/** At most `width` columns; "…" says that something is missing. */
export function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let columns = 0;
  let kept = "";
  for (const c of text) {
    columns += columnsOf(c);
    if (columns > width - 1) break;
    kept += c;
  }
  return width < 1 ? "" : `${kept}…`;
}

export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - columnsOf(text)));
}

/** Rows under a header, columns as wide as they need; numbers (right = their indexes) to the
 *  right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const all = [header, ...rows];
  const widths = header.map((_, i) =>
    all.reduce((most, row) => Math.max(most, columnsOf(row[i] ?? "")), 0),
  );
  return all.map((row) =>
    widths
      .map((width, i) => {
        const cell = row[i] ?? "";
        return right.includes(i) ? " ".repeat(width - columnsOf(cell)) + cell : padTo(cell, width);
      })
      .join("  ")
      .trimEnd(),
  );
}
