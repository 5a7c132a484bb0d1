/** Makes UTC the time zone of this realm, whatever the machine's is. Only where that is another
 *  one: task processes start with `TZ=UTC`, tabs start with the zone of their user. */

type DateMethods = Record<string, (this: Date, ...values: number[]) => unknown>;
type Formatting = (locales?: unknown, options?: Intl.DateTimeFormatOptions) => string;
type AnyConstructor = new (...values: unknown[]) => object;

const zone = "UTC";
const zoneText = "GMT+0000 (Coordinated Universal Time)";
const fields = "FullYear Month Date Day Hours Minutes Seconds Milliseconds".split(" ");
/** The ending of a text that names its zone. */
const namesZone = /(?:z|[+-]\d{1,2}:?\d{2}|\b(?:utc?|gmt|[ecmp][sd]t))\s*(?:\([^)]*\))?\s*$/i;

export function pinZone(): void {
  const isUtc = isStartedInUtc() || new Intl.DateTimeFormat().resolvedOptions().timeZone === zone;
  // The name of the zone is in the machine's language.
  if (isUtc && String(new Date(0)).endsWith(zoneText)) return;
  pinFields();
  pinTexts();
  pinFormats();
  pinConstructor();
}

/** A process of Node has the zone that its environment names. The first format of a process makes
 *  the engine list all languages, which takes long. */
function isStartedInUtc(): boolean {
  const { process } = globalThis as { process?: { env?: { TZ?: unknown } } };
  return process?.env?.TZ === zone;
}

function pinFields(): void {
  const of = Date.prototype as unknown as DateMethods;
  for (const field of fields) {
    set(of, `get${field}`, of[`getUTC${field}`]);
    if (field !== "Day") set(of, `set${field}`, of[`setUTC${field}`]);
  }
  const methods = {
    getTimezoneOffset(this: Date) {
      return Number.isNaN(this.getTime()) ? Number.NaN : 0;
    },
    getYear(this: Date) {
      return this.getUTCFullYear() - 1900;
    },
    setYear(this: Date, year: number) {
      const whole = Math.trunc(Number(year));
      if (Number.isNaN(this.getTime())) this.setTime(0);
      return this.setUTCFullYear(whole >= 0 && whole <= 99 ? whole + 1900 : whole);
    },
  };
  for (const [name, method] of Object.entries(methods)) set(of, name, method);
}

function pinTexts(): void {
  const parts = (date: Date) => {
    const [, day = "", number = "", month = "", year = "", time = ""] =
      /^(\w+), (\d+) (\w+) (-?\d+) (\S+) GMT$/.exec(date.toUTCString()) ?? [];
    const named = `${time} ${zoneText}`;
    return { date: `${day} ${month} ${number} ${year}`, time: named };
  };
  const shown = (show: (date: Date) => string) =>
    function text(this: Date): string {
      return Number.isNaN(this.getTime()) ? "Invalid Date" : show(this);
    };
  const of = Date.prototype;
  set(
    of,
    "toDateString",
    shown((date) => parts(date).date),
  );
  set(
    of,
    "toTimeString",
    shown((date) => parts(date).time),
  );
  set(
    of,
    "toString",
    shown((date) => `${parts(date).date} ${parts(date).time}`),
  );
}

function pinFormats(): void {
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
    const whole = Reflect.get(Date.prototype, name) as Formatting;
    set(Date.prototype, name, function text(this: Date, locales?: unknown, options?: object) {
      return Reflect.apply(whole, this, [locales, inZone(options)]);
    });
  }
  const made = Intl.DateTimeFormat;
  const pinned = new Proxy(made, {
    construct: (target, [locales, options], asked) =>
      Reflect.construct(target, [locales, inZone(options)], asked) as object,
    apply: (target, of, [locales, options]) =>
      Reflect.apply(target, of, [locales, inZone(options)]),
  });
  set(Intl, "DateTimeFormat", pinned);
  set(made.prototype, "constructor", pinned);
}

function inZone(options: unknown): unknown {
  if (options === undefined) return { timeZone: zone };
  if (typeof options !== "object" || options === null) return options;
  if ((options as Intl.DateTimeFormatOptions).timeZone !== undefined) return options;
  // Inherited options count, too.
  return Object.assign(Object.create(options) as object, { timeZone: zone });
}

function pinConstructor(): void {
  const Real = Date;
  const parse = (text: string) => parsed(Real, text);
  function PinnedDate(...values: unknown[]): object | string {
    if (new.target === undefined) return new Real().toString();
    const [only] = values;
    const made =
      values.length === 0
        ? []
        : values.length > 1
          ? [Real.UTC(...(values as [number, number]))]
          : [only instanceof Real ? only.getTime() : timeOf(only, parse)];
    return Reflect.construct(Real, made, new.target) as object;
  }
  for (const name of Object.getOwnPropertyNames(Real)) {
    const described = Object.getOwnPropertyDescriptor(Real, name) as PropertyDescriptor;
    Object.defineProperty(PinnedDate, name, described);
  }
  set(PinnedDate, "parse", (text: unknown) => parse(String(text)));
  set(Real.prototype, "constructor", PinnedDate);
  set(globalThis, "Date", PinnedDate as unknown as AnyConstructor);
}

function timeOf(given: unknown, parse: (text: string) => number): number {
  let value = given;
  if ((typeof value === "object" && value !== null) || typeof value === "function") {
    const exotic: unknown = Reflect.get(value, Symbol.toPrimitive);
    const isOwn = typeof exotic === "function";
    if (isOwn) value = Reflect.apply(exotic, value, ["default"]) as unknown;
    else {
      const plain = (value as { valueOf(): unknown }).valueOf();
      value = typeof plain === "object" ? String(value) : plain;
    }
  }
  return typeof value === "string" ? parse(value) : Number(value);
}

/** A text that names no zone is read as UTC; ISO 8601 dates without a time are UTC anyway. */
function parsed(Real: DateConstructor, text: string): number {
  const local = Real.parse(text);
  if (Number.isNaN(local) || namesZone.test(text)) return local;
  const iso = /^\s*[+-]?\d{4,6}(-\d\d){0,2}(T.*)?\s*$/.exec(text);
  if (iso !== null) return iso[2] === undefined ? local : Real.parse(`${text.trim()}Z`);
  const utc = Real.parse(`${text} UTC`);
  return Number.isNaN(utc) ? local : utc;
}

function set(of: object, name: string, value: unknown): void {
  Object.defineProperty(of, name, { value, writable: true, configurable: true });
}
