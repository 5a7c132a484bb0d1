/** `node:util` in a tab, as far as tasks use it. */

/** Values joined by blanks, without the placeholders that Node's has. */
export function format(...values: unknown[]): string {
  return values.map(shown).join(" ");
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.stack ?? String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
