/** Preloaded into the process of one test: its modules have the planted bug that `PLACES` names. It
 *  ends with an exit code of its own when the bug's file was never loaded. */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import { notLoaded } from "./nearest.ts";
import { type Place, planted } from "./planting.ts";

const places = JSON.parse(process.env.PLACES ?? "[]") as Place[];
const root = new URL("../../", import.meta.url).href;
const left = new Set(places.map(({ file }) => file));

registerHooks({
  load(url, context, nextLoad) {
    const file = url.startsWith(root) ? url.slice(root.length) : "";
    if (!places.some((place) => place.file === file)) return nextLoad(url, context);
    left.delete(file);
    const text = planted(readFileSync(fileURLToPath(url), "utf8"), file, places);
    return { format: "module", source: stripTypeScriptTypes(text), shortCircuit: true };
  },
});

process.on("exit", () => {
  if (left.size > 0) process.exitCode = notLoaded;
});
