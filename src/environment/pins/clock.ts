/** The clock of job code: it stands still at the job's submission, so that all attempts, wherever
 *  they run, see the same time; timers go on. Nothing is replaced before the first such job. */

type Undo = () => void;
type Time = { readonly realDate: DateConstructor; readonly nowMs: () => number };

let frozenAtMs: number | null = null;
let undo: readonly Undo[] = [];
let onRead: (() => void) | null = null;

/** `atMs`: ms since the epoch; null = the real clock. */
export function useClock(atMs: number | null): void {
  frozenAtMs = atMs;
  if (atMs !== null && undo.length === 0) undo = replace(Date);
}

/** The engine's own clock again, in a realm that also does other things. */
export function restoreClock(): void {
  frozenAtMs = null;
  for (const one of [...undo].reverse()) one();
  undo = [];
}

/** Called once, when code looks at a clock that stands still: what it keeps of it is wrong for
 *  another job. */
export function onClockRead(told: () => void): void {
  onRead = told;
}

/** Null = the real clock. */
function frozen(): number | null {
  if (frozenAtMs !== null && onRead !== null) {
    const told = onRead;
    onRead = null;
    told();
  }
  return frozenAtMs;
}

function replace(realDate: DateConstructor): Undo[] {
  const nowMs = () => frozen() ?? realDate.now();
  const made = frozenDate({ realDate, nowMs });
  return [
    set(globalThis, "Date", made),
    set(realDate.prototype, "constructor", made),
    ...["format", "formatToParts"].map((name) => formatted(name, nowMs)),
    ...steadyClock(),
  ];
}

/** A function and not a Proxy: several times as fast. */
function frozenDate({ nowMs, realDate }: Time): DateConstructor {
  function PinnedDate(...values: unknown[]): object | string {
    if (new.target === undefined) return new realDate(nowMs()).toString();
    const given = values.length === 0 ? [nowMs()] : values;
    if (new.target !== PinnedDate) return Reflect.construct(realDate, given, new.target) as object;
    if (given.length === 1) return new realDate(given[0] as number);
    return new realDate(...(given as [number, number]));
  }
  for (const name of Object.getOwnPropertyNames(realDate)) {
    const described = Object.getOwnPropertyDescriptor(realDate, name) as PropertyDescriptor;
    Object.defineProperty(PinnedDate, name, described);
  }
  Object.defineProperty(PinnedDate, "now", { value: nowMs, writable: true, configurable: true });
  return PinnedDate as unknown as DateConstructor;
}

/** `performance`: its time begins with the task, and stays there. */
function steadyClock(): Undo[] {
  const of = performance;
  const now = of.now.bind(of);
  const mark = of.mark?.bind(of);
  const measure = of.measure?.bind(of);
  const { timeOrigin } = of;
  type Given = { readonly startTime?: number };
  type Measured = Extract<Parameters<typeof measure>[1], object>;
  type Span = { readonly start?: unknown; readonly end?: unknown; readonly duration?: unknown };
  const changed: Record<string, unknown> = {
    now: () => (frozen() === null ? now() : 0),
    mark: (name: string, given?: Given) =>
      mark(name, frozen() === null ? given : { startTime: 0, ...given }),
    measure(name: string, from?: string | Span, to?: string) {
      if (frozen() === null) return measure(name, from as string, to);
      const span: Span = typeof from === "object" ? from : { start: from ?? 0, end: to ?? 0 };
      const isOpen = span.end === undefined && span.duration === undefined;
      return measure(name, (isOpen ? { ...span, end: 0 } : span) as Measured);
    },
  };
  return [
    ...Object.entries(changed).map(([name, value]) => set(of, name, value)),
    getter(of, "timeOrigin", () => frozen() ?? timeOrigin),
  ];
}

/** Without a date they format the current one. `format` is a getter of a bound function. */
function formatted(name: string, nowMs: () => number): Undo {
  const of = Intl.DateTimeFormat.prototype;
  const { get, value } = Object.getOwnPropertyDescriptor(of, name) ?? {};
  type Format = (this: unknown, at?: unknown) => unknown;
  const at = (given: unknown) => (given === undefined ? nowMs() : given);
  if (get === undefined) {
    const whole = value as Format;
    return set(of, name, function this_(this: unknown, given?: unknown) {
      return whole.call(this, at(given));
    });
  }
  const known = new WeakMap<Format, Format>();
  return getter(of, name, function this_(this: unknown) {
    const whole = get.call(this) as Format;
    let made = known.get(whole);
    if (made === undefined) {
      made = (given?: unknown) => whole(at(given));
      known.set(whole, made);
    }
    return made;
  });
}

function set(of: object, name: string, value: unknown): Undo {
  return define(of, name, { value, writable: true, configurable: true, enumerable: false });
}

function getter(of: object, name: string, get: (this: unknown) => unknown): Undo {
  return define(of, name, { get, configurable: true, enumerable: false });
}

function define(of: object, name: string, descriptor: PropertyDescriptor): Undo {
  const was = Object.getOwnPropertyDescriptor(of, name);
  Object.defineProperty(of, name, descriptor);
  return () => {
    if (was === undefined) delete (of as Record<string, unknown>)[name];
    else Object.defineProperty(of, name, was);
  };
}
