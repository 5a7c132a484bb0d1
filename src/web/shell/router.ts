/** Which page the address names, and navigation to another page without reloading. */
import { useEffect, useState } from "preact/hooks";

export type Place =
  | { readonly page: "jobs" | "files" | "try" | "join" | "nowhere" }
  /** "" = the list alone. */
  | { readonly page: "workers"; readonly worker: string }
  | { readonly page: "job"; readonly job: string };

export function placeOf(path: string): Place {
  const job = /^\/jobs\/(j-\d{1,15})$/.exec(path)?.[1];
  if (job !== undefined) return { page: "job", job };
  const worker = /^\/workers\/(w-\d{1,15})$/.exec(path)?.[1];
  if (worker !== undefined) return { page: "workers", worker };
  switch (path) {
    case "/":
    case "/jobs":
      return { page: "jobs" };
    case "/workers":
      return { page: "workers", worker: "" };
    case "/files":
      return { page: "files" };
    case "/try":
      return { page: "try" };
    case "/j":
      return { page: "join" };
    default:
      return { page: "nowhere" };
  }
}

const listeners = new Set<() => void>();

/** `stays`: only a part of the page changes, where the reader is looking. */
export function go(path: string, stays = false): void {
  history.pushState(null, "", path);
  for (const listener of [...listeners]) listener();
  if (stays) return;
  window.scrollTo(0, 0);
  // So that a screen reader announces the new page's heading.
  requestAnimationFrame(() => document.querySelector<HTMLElement>("h1")?.focus());
}

export function usePlace(): Place {
  const [path, setPath] = useState(location.pathname);
  useEffect(() => {
    const listener = () => setPath(location.pathname);
    listeners.add(listener);
    addEventListener("popstate", listener);
    return () => {
      listeners.delete(listener);
      removeEventListener("popstate", listener);
    };
  }, []);
  return placeOf(path);
}

/** For `<a href>`: plain clicks stay in the page, the browser handles all others. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go((event.currentTarget as HTMLAnchorElement).pathname);
}
