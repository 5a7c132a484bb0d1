/** The reader's text on the Try page, for a return from the page of its job. Kept for this tab
 *  only. */
import { type Sample, samples } from "./samples.ts";

const key = "tequio.try";
/** Longer texts are not kept, characters: storage of a tab is small. */
const textMaxCharacters = 1_000_000;

/** The first sample when there is no draft. */
export function readDraft(): Sample {
  const [first] = samples as readonly [Sample];
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? "null") as Partial<Sample> | null;
    const { code, input, language, name } = kept ?? {};
    const isWhole = [code, input, language, name].every((text) => typeof text === "string");
    return isWhole ? (kept as Sample) : first;
  } catch {
    return first;
  }
}

export function keepDraft(draft: Sample): void {
  const text = JSON.stringify(draft);
  if (text.length > textMaxCharacters) return;
  try {
    sessionStorage.setItem(key, text);
  } catch {
    // Without storage it is lost with the page.
  }
}
