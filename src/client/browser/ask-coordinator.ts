/** In the build for pages in the place of `link/http/ask-coordinator.ts`: it asks by `fetch`. */
import { answerMs, healthPath, type LeaderAnswer } from "../../link/http/asked.ts";

/** Rejects when it does not answer, or does not allow the page. */
export async function ask(url: string, _: string, signal: AbortSignal): Promise<LeaderAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const settings = { credentials: "omit", cache: "no-store", redirect: "error" } as const;
  const { ok } = await fetch(url + healthPath, { ...settings, signal: limit });
  // A page knows no addresses but those that it was given.
  return { leads: ok, mayGrow: false, named: [] };
}

export function inBackground(call: () => void, ms: number): ReturnType<typeof setTimeout> {
  return setTimeout(call, ms);
}
