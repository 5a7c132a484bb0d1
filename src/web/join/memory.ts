/** What a page stores until its tab is closed; where storage is forbidden, until it is reloaded. */

const forgotten = new Map<string, string>();
const prefix = "join.";

/** The browser stores nothing for this page: private mode, storage blocked or full. */
export let isForgetful = false;

export function recall(name: string): string {
  try {
    const kept = sessionStorage.getItem(prefix + name);
    if (kept !== null) return kept;
  } catch {
    isForgetful = true;
  }
  return forgotten.get(name) ?? "";
}

/** "" = remove it. */
export function remember(name: string, value: string): void {
  forgotten.set(name, value);
  try {
    if (value === "") sessionStorage.removeItem(prefix + name);
    else sessionStorage.setItem(prefix + name, value);
  } catch {
    isForgetful = true;
  }
}
