/** A table as NDJSON: an object of its columns a line. */
import { jsonText } from "../../wire/block/json.ts";
import type { Rows } from "./cells.ts";

export async function* rowBytes(rows: Rows): AsyncGenerator<Uint8Array, void> {
  for await (const some of rows) {
    let text = "";
    for (const row of some) {
      // By name, since an object has names that are whole numbers before all others.
      const members = [...row].map(
        ([name, cell]) => `${JSON.stringify(name)}:${jsonText(cell, "the result")}`,
      );
      text += `{${members.join(",")}}\n`;
    }
    yield Buffer.from(text);
  }
}
