/** Runs a small job in the page, on its sample. */
import { bundled } from "./code/bundled.ts";
import { BuildFailure } from "./code/failure.ts";
import type { Ended } from "./outcome.tsx";
import type { Sample } from "./samples.ts";
import { ask } from "./sandboxed.ts";

/** Null: it ran too long. */
export async function runTrial(
  source: string,
  { input, language }: Pick<Sample, "input" | "language">,
): Promise<Ended | null> {
  try {
    const answer = await ask(await bundled(source, language), { kind: "try", input });
    if (answer === null || answer.kind === "tried" || answer.kind === "failed") return answer;
    throw new Error(`a trial answered ${answer.kind}`);
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    const failure = { code: "build-failed", message: error.message } as const;
    return { kind: "failed", failure, logs: [], tookMs: 0 };
  }
}
