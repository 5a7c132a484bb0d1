/** Makes `en-US` the language of code that names none, whatever the language of the machine or
 *  browser. Only where that is another one: what is not wrapped costs nothing. */

const language = "en-US";
type AnyFunction = (...values: unknown[]) => unknown;

/** Requested languages come first; `en-US` follows, in place of the machine's. */
function languages(given: unknown): unknown {
  if (given === undefined) return language;
  if (typeof given === "string") return [given, language];
  return Array.isArray(given) ? [...given, language] : given;
}

export function pinLocale(): void {
  // Of those that know their language, the quickest to make.
  if (new Intl.PluralRules().resolvedOptions().locale === language) return;
  for (const name of Object.getOwnPropertyNames(Intl)) {
    const made: unknown = Reflect.get(Intl, name);
    if (typeof made !== "function" || !("supportedLocalesOf" in made)) continue;
    set(Intl, name, pinned(made as unknown as AnyFunction));
  }
  wrap(Number.prototype, "toLocaleString", 0);
  wrap(BigInt.prototype, "toLocaleString", 0);
  for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
    wrap(Date.prototype, name, 0);
  }
  wrap(String.prototype, "localeCompare", 1);
  wrap(String.prototype, "toLocaleLowerCase", 0);
  wrap(String.prototype, "toLocaleUpperCase", 0);
}

function pinned(made: AnyFunction): AnyFunction {
  const wrapped = new Proxy(made, {
    construct: (target, [given, ...rest], asked) =>
      Reflect.construct(target, [languages(given), ...rest], asked) as object,
    apply: (target, of, [given, ...rest]) => Reflect.apply(target, of, [languages(given), ...rest]),
  });
  set(made.prototype as object, "constructor", wrapped);
  return wrapped;
}

/** `at`: which argument names the language. */
function wrap(of: object, name: string, at: number): void {
  const whole = Reflect.get(of, name) as AnyFunction;
  const method = {
    [name](this: unknown, ...values: unknown[]) {
      values[at] = languages(values[at]);
      return Reflect.apply(whole, this, values);
    },
  };
  set(of, name, method[name]);
}

function set(of: object, name: string, value: unknown): void {
  Object.defineProperty(of, name, { value, writable: true, configurable: true });
}
