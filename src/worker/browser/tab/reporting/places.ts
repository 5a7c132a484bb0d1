/** Stacks of job code with the places of its source, by the source map in the bundle: Node does
 *  that by itself, tabs do not. */
import type { Failure } from "../../../../core/job.ts";
import { codeName } from "../../task/code-name.ts";

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const mapPattern =
  /\/\/# sourceMappingURL=data:application\/json[^,]*;base64,([A-Za-z0-9+/=]+)\s*$/;
const generated = codeName.replace(".", "\\.");
const framePattern = new RegExp(`${generated}:(\\d+):(\\d+)`, "g");
/** As places stand in messages. */
const placePattern = new RegExp(`\\(${generated}:(\\d+)(?::(\\d+))?\\)`, "g");

type Segment = readonly [column: number, source: number, line: number, sourceColumn: number];
type SourceMap = { readonly sources: readonly string[]; readonly mappings: string };

/** The failure with `word-count.ts:17:5` instead of `job.mjs:40:9`; in its message, where the
 *  column may be missing, `word-count.ts:17`. */
export function placed(failure: Failure, code: string): Failure {
  const { message, stack } = failure;
  if (![message, stack ?? ""].some((text) => text.includes(codeName))) return failure;
  const map = mapOf(code);
  if (map === null) return failure;
  const lines = segmentsOf(map.mappings);
  const sourceOf = (segment: Segment | null | undefined) => {
    const source = segment == null ? undefined : map.sources[segment[1]];
    return source?.slice(source.lastIndexOf("/") + 1);
  };
  const byLine = new Map<string, string>();
  const named = stack?.replace(framePattern, (whole, line: string, column: string) => {
    const found = segmentAt(lines[Number(line) - 1] ?? [], Number(column) - 1);
    const name = sourceOf(found);
    if (found === null || name === undefined) return whole;
    if (!byLine.has(line)) byLine.set(line, `${name}:${found[2] + 1}`);
    return `${name}:${found[2] + 1}:${found[3] + 1}`;
  });
  const told = message.replace(placePattern, (whole, line: string, column?: string) => {
    const segments = lines[Number(line) - 1] ?? [];
    const found = column === undefined ? segments[0] : segmentAt(segments, Number(column) - 1);
    const name = sourceOf(found);
    const place = name === undefined ? null : `${name}:${(found as Segment)[2] + 1}`;
    const shown = column === undefined ? (byLine.get(line) ?? place) : place;
    return shown === null ? whole : `(${shown})`;
  });
  return { ...failure, message: told, ...(named === undefined ? {} : { stack: named }) };
}

function mapOf(code: string): SourceMap | null {
  const found = mapPattern.exec(code.slice(code.lastIndexOf("//# sourceMappingURL=")));
  if (found === null) return null;
  try {
    const bytes = Uint8Array.from(atob(found[1] as string), (one) => one.charCodeAt(0));
    const { sources, mappings } = JSON.parse(new TextDecoder().decode(bytes)) as SourceMap;
    return Array.isArray(sources) && typeof mappings === "string" ? { sources, mappings } : null;
  } catch {
    return null;
  }
}

/** Of each line of the bundle, by column (source map, revision 3). */
function segmentsOf(mappings: string): Segment[][] {
  let [source, line, sourceColumn] = [0, 0, 0];
  return mappings.split(";").map((text) => {
    let column = 0;
    const segments: Segment[] = [];
    for (const part of text.split(",")) {
      const [columns = 0, sources, lines = 0, sourceColumns = 0] = numbersOf(part);
      column += columns;
      if (sources === undefined) continue;
      source += sources;
      line += lines;
      sourceColumn += sourceColumns;
      segments.push([column, source, line, sourceColumn]);
    }
    return segments;
  });
}

function numbersOf(text: string): number[] {
  const numbers: number[] = [];
  let [value, shift] = [0, 0];
  for (const digit of text) {
    const bits = digits.indexOf(digit);
    value += (bits & 31) * 2 ** shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value % 2 === 1 ? -((value - 1) / 2) : value / 2);
    [value, shift] = [0, 0];
  }
  return numbers;
}

/** The last that begins at or before the column. */
function segmentAt(segments: readonly Segment[], column: number): Segment | null {
  let found: Segment | null = null;
  for (const segment of segments) {
    if (segment[0] > column) break;
    found = segment;
  }
  return found;
}
