/** What a tab's session is made of, and what it wants done. */
import type { PythonSpecs } from "../../../core/event.ts";
import type { TaskMore } from "../../../wire/browser/more.ts";

export type Identity = { readonly worker: string; readonly credential: string };

export type TabTask = TaskMore & { readonly tid: number; readonly type: "m" | "r" };

/** Of the connection: waiting = until the time to dial · dialling, until welcomed · joined ·
 *  refused = not taken, and nothing to try · over = by its user. */
export type Phase = "waiting" | "dialling" | "joined" | "refused" | "over";

export type SessionOrder =
  /** Connect after so many ms; answered by `dialling`, then `connected` or `closed`. */
  | { readonly kind: "dial"; readonly afterMs: number }
  | { readonly kind: "send"; readonly text: string }
  | { readonly kind: "close" }
  | { readonly kind: "run"; readonly task: TabTask }
  | { readonly kind: "stop"; readonly tid: number }
  /** For when the page is loaded again; null = forget it. */
  | { readonly kind: "remember"; readonly identity: Identity | null }
  /** For people, safe to show. */
  | { readonly kind: "print"; readonly line: string };

export type SessionOptions = {
  readonly version: string;
  /** Of this life of the page: 32 hex digits. */
  readonly session: string;
  /** Of the life before, "" = there was none; its work is given up. */
  readonly after: string;
  readonly token: string;
  readonly identity: Identity | null;
  readonly name: string;
  readonly slots: number;
  readonly kinds: readonly number[];
  /** With the kind of Python. */
  readonly python?: PythonSpecs;
  /** In [0, 1). */
  readonly chance: () => number;
};
