/** Stray errors of job code in a Worker of a browser, which reports them as events and cannot tell
 *  whose they are. */
import { giveToAll, type Stray } from "./strays.ts";

type Listened = { preventDefault(): void };
type Thrown = Listened & { readonly error?: unknown; readonly message: string };
type Rejected = Listened & { readonly reason: unknown };
type Scope = { addEventListener(kind: string, listener: (event: never) => void): void };

/** For the life of the Worker. `late`: no task was open that it could be of. */
export function watchTabStrays(late: (stray: Stray) => void): void {
  const scope = globalThis as unknown as Scope;
  const came = (stray: Stray, event: Listened) => {
    event.preventDefault();
    if (!giveToAll(stray)) late(stray);
  };
  scope.addEventListener("error", (event: Thrown) => {
    came({ kind: "exception", thrown: event.error ?? event.message }, event);
  });
  scope.addEventListener("unhandledrejection", (event: Rejected) => {
    came({ kind: "rejection", thrown: event.reason }, event);
  });
}
