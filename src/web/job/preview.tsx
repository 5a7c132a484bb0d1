/** The beginning of what a job has left: as much as a page shows, and as a table. */
import { open } from "../api/client.ts";
import type { Row } from "./rows.ts";

const previewBytes = 16 * 1024;

export function Rows({ rows }: { rows: readonly Row[] }) {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <table class="rows">
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} class={typeof rows[0]?.[column] === "number" ? "number" : ""}>
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {columns.map((column) => (
              <td key={column} class={typeof row[column] === "number" ? "number" : ""}>
                {textOf(row[column])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function textOf(value: unknown): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** At most `previewBytes`, and the piece that they end in. */
export async function firstText(path: string, signal: AbortSignal): Promise<string> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const answer = await open(path, { signal: both, range: `bytes=0-${previewBytes - 1}` });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  // Results of tasks have no ranges: only as much is read as is shown.
  for (let done = false; !done && text.length < previewBytes; ) {
    const piece = await reader.read();
    done = piece.done;
    if (piece.value !== undefined) text += decoder.decode(piece.value, { stream: true });
  }
  stop.abort();
  return text;
}
