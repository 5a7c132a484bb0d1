/** The JSON of a body. */

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Undefined unless it is a JSON object. Keys that are null count as missing. */
export function parseJson(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null));
}
