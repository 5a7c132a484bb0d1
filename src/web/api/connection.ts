/** Whether the coordinator answers, for the whole page, and values that are polled. */
import { useEffect, useRef, useState } from "preact/hooks";
import { CallError, call } from "./client.ts";

type Listener = () => void;
const listeners = new Set<Listener>();
let awaySince: number | null = null;

/** Called after each call: with its failure, or null. */
export function noteAnswer(error: unknown): void {
  const isAway = error instanceof CallError && error.code === "unavailable";
  if (isAway === (awaySince !== null)) return;
  awaySince = isAway ? performance.now() : null;
  for (const listener of [...listeners]) listener();
}

export function useIsAway(): boolean {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((n) => n + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return awaySince !== null;
}

/** A wait that ends early when the page becomes visible. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const seen = () => {
      if (document.visibilityState === "visible") done();
    };
    // A hidden page polls ten times less often.
    const timer = setTimeout(done, document.visibilityState === "visible" ? ms : ms * 10);
    document.addEventListener("visibilitychange", seen);
    signal.addEventListener("abort", done);
  });
}

export type Polled<T> = {
  /** The newest; null before the first. */
  readonly value: T | null;
  /** Of the newest call; an older value stays. */
  readonly error: CallError | null;
  readonly refresh: () => void;
};

/** Requests at once and then every `everyMs`. Null as path: not at all. */
export function usePolled<T>(path: string | null, everyMs: number): Polled<T> {
  const [shown, show] = useState<Omit<Polled<T>, "refresh">>({ value: null, error: null });
  const [turn, setTurn] = useState(0);
  const of = useRef(path);
  useEffect(() => {
    if (of.current !== path) show({ value: null, error: null });
    of.current = path;
    if (path === null) return;
    const stop = new AbortController();
    void poll<T>(path, everyMs, stop.signal, (change) => {
      show((before) => ({ ...before, ...change }));
    });
    return () => stop.abort();
  }, [path, everyMs, turn]);
  return { ...shown, refresh: () => setTurn((n) => n + 1) };
}

async function poll<T>(
  path: string,
  everyMs: number,
  signal: AbortSignal,
  tell: (change: Partial<Omit<Polled<T>, "refresh">>) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const value = await call<T>(path, { signal });
      noteAnswer(null);
      tell({ value, error: null });
    } catch (error) {
      if (signal.aborted || !(error instanceof CallError)) return;
      noteAnswer(error);
      tell({ error });
      if (error.code !== "unavailable") return;
    }
    await pause(everyMs, signal);
  }
}
