/** Turns what goes wrong in a build into one `build-failed` with file, line, column and the code
 *  around. */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ClusterError } from "../../core/error.ts";

export type Place = { readonly file: string; readonly line: number; readonly column: number };

/** What the bundler attaches to an error; columns count from 0. */
type BuildProblem = {
  readonly message: string;
  readonly id?: string;
  readonly loc?: { readonly line: number; readonly column: number; readonly file?: string };
};

/** How `file` is shown: relative to the job's folder, so that messages do not depend on the
 *  machine. */
export function shownName(file: string, folder: string): string {
  const name = relative(folder, file);
  return name === "" ? file : name;
}

export function buildFailure(text: string, place: Place | null, folder: string): ClusterError {
  if (place === null) return new ClusterError("build-failed", text);
  const name = shownName(place.file, folder);
  const frame = codeFrame(place);
  return new ClusterError(
    "build-failed",
    `${name}:${place.line}:${place.column}: ${text}${frame === "" ? "" : `\n${frame}`}`,
  );
}

/** The failure behind whatever the bundler threw. */
export function fromBundler(error: unknown, folder: string): ClusterError {
  const problems = errorsOf(error);
  // The bundler passes our own errors on, but writes its own `code` into them.
  const ours = problems.find((problem) => problem instanceof ClusterError);
  if (ours !== undefined) {
    return new ClusterError("build-failed", ours.message.replace(/^build-failed: /, ""));
  }
  const first = problems[0] as BuildProblem;
  const text = summaryOf(first.message, folder);
  if (first.loc === undefined) return new ClusterError("build-failed", text);
  const file = first.loc.file ?? first.id ?? "";
  const place = { file, line: first.loc.line, column: first.loc.column + 1 };
  return buildFailure(text, place, folder);
}

function errorsOf(error: unknown): readonly unknown[] {
  const list = (error as { errors?: unknown }).errors;
  return Array.isArray(list) && list.length > 0 ? list : [error];
}

/** `[PARSE_ERROR] Unexpected token\n   ╭─[…` → `Unexpected token`. */
function summaryOf(message: string, folder: string): string {
  const plain = stripVTControlCharacters(message);
  const line = plain.split("\n").find((l) => l.trim() !== "") ?? "the build failed";
  return line.replace(/^\[[A-Z_]+\] /, "").replaceAll(`${folder}/`, "");
}

/** Three lines of source with a caret; "" when the file cannot be read. */
export function codeFrame(place: Place): string {
  let lines: string[];
  try {
    lines = readFileSync(place.file, "utf8").split(/\r?\n/);
  } catch {
    return "";
  }
  const from = Math.max(1, place.line - 1);
  const to = Math.min(lines.length, place.line + 1);
  const shown: string[] = [];
  for (let n = from; n <= to; n++) {
    const line = (lines[n - 1] ?? "").slice(0, 160);
    const mark = n === place.line ? ">" : " ";
    shown.push(`${mark} ${String(n).padStart(4)} | ${line}`.trimEnd());
    if (n === place.line) shown.push(`       | ${" ".repeat(place.column - 1)}^`);
  }
  return shown.join("\n");
}
