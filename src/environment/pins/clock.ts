/** The clock of job code. In jobs that are shared with volunteers it stands still at the
 *  submission, so that all who compute a task see the same time; timers go on. Nothing is replaced
 *  before the first such job. */

type Time = { readonly realDate: DateConstructor; readonly realNowMs: () => number };

let frozenAtMs: number | null = null;
let replaced = false;

/** `atMs`: ms since the epoch; null = the real clock. */
export function useClock(atMs: number | null): void {
  frozenAtMs = atMs;
  if (atMs === null || replaced) return;
  replaced = true;
  replace({ realDate: Date, realNowMs: performance.now.bind(performance) });
}

function replace({ realDate, realNowMs }: Time): void {
  const nowMs = () => frozenAtMs ?? realDate.now();
  const frozen: DateConstructor = new Proxy(realDate, {
    apply: () => new realDate(nowMs()).toString(),
    construct(target, values, made): object {
      const given = values.length === 0 ? [nowMs()] : values;
      return Reflect.construct(target, given, made === frozen ? target : made);
    },
    get: (target, name) => (name === "now" ? nowMs : Reflect.get(target, name)),
  });
  set(globalThis, "Date", frozen);
  set(realDate.prototype, "constructor", frozen);
  set(performance, "now", () => (frozenAtMs === null ? realNowMs() : 0));
  for (const name of ["format", "formatToParts"]) formatted(name, nowMs);
}

/** Without a date they format the current one. `format` is a getter of a bound function. */
function formatted(name: string, nowMs: () => number): void {
  const of = Intl.DateTimeFormat.prototype;
  const { get, value } = Object.getOwnPropertyDescriptor(of, name) ?? {};
  type Format = (this: unknown, at?: unknown) => unknown;
  const at = (given: unknown) => (given === undefined ? nowMs() : given);
  if (get === undefined) {
    const whole = value as Format;
    set(of, name, function this_(this: unknown, given?: unknown) {
      return whole.call(this, at(given));
    });
    return;
  }
  Object.defineProperty(of, name, {
    configurable: true,
    get(this: unknown) {
      const whole = get.call(this) as Format;
      return (given?: unknown) => whole(at(given));
    },
  });
}

function set(of: object, name: string, value: unknown): void {
  Object.defineProperty(of, name, { value, writable: true, configurable: true, enumerable: false });
}
