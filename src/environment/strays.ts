/** Errors of job code that no caller can catch: thrown in a timer or another callback, or the
 *  rejection of a promise that nothing awaits. They belong to the task whose code made them, not to
 *  the one that happens to run when they come out.
 *
 *  Law: a task's stray error fails that task until its result has been settled, and is reported as
 *  late afterwards. One of an earlier job is dropped. One of the top of the job file fails the task
 *  that runs, since that is what shares its time with it.
 *
 *  Which task that was is known by the engine's asynchronous context; engines that have none (tabs)
 *  know it only when one task can be meant. */
import { newContext } from "./context.ts";
import { turn } from "./turn.ts";

export type Stray = {
  readonly kind: "exception" | "rejection";
  readonly thrown: unknown;
  /** How many other owners may have made it, where the engine cannot tell; default 0. */
  readonly others?: number;
};

const texts: Readonly<Record<Stray["kind"], string>> = {
  exception: "thrown where nothing catches it (a timer or a callback)",
  rejection: "a promise that nothing awaits was rejected",
};

/** What the failure begins with; a colon and what was thrown follow. */
export function strayText({ kind, others = 0 }: Stray): string {
  if (others === 0) return texts[kind];
  const them = others === 1 ? "the other task" : `one of ${others} other tasks`;
  return `${texts[kind]}, by this task or ${them} that ran in the tab just then`;
}

type Attempt = { readonly task: number; readonly attempt: number };

/** A part of the job's code that strays can belong to: one attempt, or the top of the job file. */
export class Owner {
  /** As "item" or "map task": what messages call it, before its number. */
  readonly what: string;
  /** Null: it is the top of the job file. */
  readonly of: Attempt | null;
  readonly job: object;
  /** Of its own code; kept by the caller. */
  state: "running" | "done" | "failed" = "running";
  /** Its strays are not late. */
  isOpen = true;
  /** The first one; later ones say nothing more about the attempt, which fails. */
  stray: Stray | null = null;
  onStray: ((stray: Stray) => void) | null = null;

  constructor(what: string, of: Attempt | null) {
    this.what = what;
    this.of = of;
    this.job = job;
    openCount++;
    begun.push(this);
  }

  /** As "item 3". */
  get name(): string {
    return this.of === null ? this.what : `${this.what} ${this.of.task}`;
  }

  /** Runs code of the job: what it starts belongs to this owner, now and later. */
  run<A extends unknown[], R>(use: (...args: A) => R, ...args: A): R {
    return contexts.run(this, use, ...args);
  }

  /** Code of the job that is called from here on is its, until `leave`: as `run`, for the many that
   *  are called one after the other. */
  enter(): void {
    contexts.enterWith(this);
  }

  /** To be called before anything is awaited that is not the owner's. */
  static leave(): void {
    contexts.enterWith(undefined);
  }

  /** From here on its strays are late. */
  settle(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    openCount--;
    if (openCount === 0) begun.length = 0;
  }

  /** Ends its timers: of code that must not be asynchronous nothing can wait for one. */
  endTimers(): void {
    endTimers((owner) => owner === this);
  }

  /** The promise's result; rejects with `Strayed` when a stray comes before it. */
  async orStray<T>(promise: PromiseLike<T>): Promise<T> {
    const { promise: strayed, reject } = Promise.withResolvers<never>();
    strayed.catch(() => {});
    this.onStray = (stray) => reject(new Strayed(stray));
    if (this.stray !== null) this.onStray(this.stray);
    try {
      return await Promise.race([promise, strayed]);
    } finally {
      this.onStray = null;
    }
  }

  /** After a turn of the event loop: throws `Strayed` when one has come. */
  check(): void {
    if (this.stray !== null) throw new Strayed(this.stray);
  }

  take(stray: Stray): void {
    if (this.stray !== null) return;
    this.stray = stray;
    this.onStray?.(stray);
  }
}

/** In place of what the code would have returned, had no stray come. */
export class Strayed extends Error {
  readonly stray: Stray;

  constructor(stray: Stray) {
    super(strayText(stray));
    this.name = "Strayed";
    this.stray = stray;
  }
}

/** Evaluates the top of a job file. Rejects with `Strayed` when it leaves one behind. */
export async function evaluated<T>(load: () => Promise<T>): Promise<T> {
  const top = new Owner("the job file", null);
  try {
    const loaded = await top.orStray(top.run(load));
    await turn();
    top.check();
    return loaded;
  } finally {
    top.settle();
  }
}

/** To tell owners of the job at hand from those of earlier ones in this realm. */
let job: object = {};
/** Begun, oldest first; emptied when none is open any more. There may be a million a second, so
 *  that nothing is done for each that can be done for all. */
const begun: Owner[] = [];
let openCount = 0;
const contexts = newContext<Owner>();
const timers = new Map<unknown, Owner>();

/** What became of a stray. `unknown`: it is of no owner, as far as the engine can tell. `late`: its
 *  task had been settled; for the log. */
export type Whereabouts =
  | { readonly kind: "taken" | "dropped" | "unknown" }
  | { readonly kind: "late"; readonly owner: Owner };

/** To be called where the engine reports what nothing has caught. */
export function strayCame(stray: Stray): Whereabouts {
  const owner = contexts.getStore();
  if (owner === undefined) return { kind: "unknown" };
  if (owner.isOpen) {
    owner.take(stray);
    return { kind: "taken" };
  }
  if (owner.of === null) {
    const running = runningOwner();
    running?.take(stray);
    return running === undefined ? { kind: "late", owner } : { kind: "taken" };
  }
  return owner.job === job ? { kind: "late", owner } : { kind: "dropped" };
}

/** For engines that cannot tell: it is of one of those that are open. False when none is. */
export function giveToAll(stray: Stray): boolean {
  const open = begun.filter(({ isOpen }) => isOpen);
  for (const owner of open) owner.take({ ...stray, others: open.length - 1 });
  return open.length > 0;
}

function runningOwner(): Owner | undefined {
  return begun.findLast(({ isOpen }) => isOpen);
}

/** Another job begins in this realm: what tasks of the one before have left is over. What the top
 *  of the code has started stays, as the code does; `isCodeOver`: it goes, too. */
export function startJob(isCodeOver = false): void {
  job = {};
  for (const owner of [...begun]) owner.settle();
  endTimers((owner) => owner.of !== null || isCodeOver);
}

/** Whether tasks have left timers behind. */
export function hasTimersLeft(): boolean {
  return [...timers.values()].some(({ of }) => of !== null);
}

function endTimers(isOver: (owner: Owner) => boolean): void {
  for (const [timer, owner] of timers) {
    if (!isOver(owner)) continue;
    timers.delete(timer);
    // Clears intervals as well, as in every engine.
    engine.clearTimeout(timer as never);
  }
}

const engine = {
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clearTimeout: globalThis.clearTimeout,
};

type Callback = (...args: unknown[]) => void;
type Start = (callback: Callback, ms?: number, ...args: unknown[]) => unknown;

/** From now on timers of job code can be ended by `startJob`. Returns a function that restores the
 *  engine's own. */
export function trackTimers(): () => void {
  const before = { setTimeout, setInterval, clearTimeout, clearInterval };
  const { setTimeout: once, setInterval: often } = engine as unknown as Record<string, Start>;
  const changed = {
    setTimeout(callback: Callback, ms?: number, ...args: unknown[]) {
      const owner = contexts.getStore();
      if (owner === undefined || typeof callback !== "function") {
        return once!(callback, ms, ...args);
      }
      const timer = once!(
        function (this: unknown, ...given: unknown[]) {
          timers.delete(timer);
          callback.apply(this, given);
        },
        ms,
        ...args,
      );
      timers.set(timer, owner);
      return timer;
    },
    setInterval(callback: Callback, ms?: number, ...args: unknown[]) {
      const owner = contexts.getStore();
      const timer = often!(callback, ms, ...args);
      if (owner !== undefined) timers.set(timer, owner);
      return timer;
    },
    clearTimeout: cleared(before.clearTimeout),
    clearInterval: cleared(before.clearInterval),
  };
  for (const [name, value] of Object.entries(changed)) replace(name, value);
  return () => {
    for (const [name, value] of Object.entries(before)) replace(name, value);
  };
}

function cleared(clear: (timer?: never) => void) {
  return (timer?: unknown): void => {
    timers.delete(timer);
    clear(timer as never);
  };
}

/** As engines have them: writable, and by their own names. */
function replace(name: string, value: unknown): void {
  Object.defineProperty(value, "name", { value: name, configurable: true });
  const descriptor = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(globalThis, name, descriptor);
}
