/** An error in a job before it runs, with its place in the editor. */

export class BuildFailure extends Error {}

export function failureAt(source: string, offset: number, text: string): BuildFailure {
  const lines = source.slice(0, offset).split("\n");
  const column = (lines.at(-1) ?? "").length + 1;
  return new BuildFailure(`job.ts:${lines.length}:${column}: ${text}`);
}
