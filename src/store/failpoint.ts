/** Named points at which a test ends this process: kill -9 before or after every step that must be
 *  durable, or that another process will see.
 *
 *  `TEQUIO_FAILPOINT=log.commit:before` at the start of a process, or `log.commit:before:3` for the
 *  third time; without it a point does nothing. All of them: docs/failpoints.md. It is in this
 *  folder because every component that writes, and so may be killed in the middle, may import the
 *  stores; it imports no Node module, since some of its users run elsewhere too. */

export type Side = "before" | "after";

type Host = {
  readonly process?: {
    readonly env: { readonly TEQUIO_FAILPOINT?: string };
    readonly pid: number;
    kill(pid: number, signal: string): unknown;
  };
};

const host = (globalThis as Host).process;
const asked = host?.env.TEQUIO_FAILPOINT;

/** Call it when the step is about to be done, and when it has just been done. */
export const hit: (point: string, side: Side) => void = asked === undefined ? () => {} : arm(asked);

function arm(text: string): (point: string, side: Side) => void {
  const parts = /^([a-z][a-z.-]*:(?:before|after))(?::([1-9][0-9]*))?$/.exec(text);
  if (parts === null) {
    throw new Error(`TEQUIO_FAILPOINT is "${text}"; it must be like log.commit:before:3`);
  }
  const wanted = parts[1];
  let left = Number(parts[2] ?? 1);
  return (point, side) => {
    if (`${point}:${side}` !== wanted) return;
    left -= 1;
    if (left === 0) host?.kill(host.pid, "SIGKILL");
  };
}
