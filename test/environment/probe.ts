/** Job code that reports its environment: the same text on every engine. */

/** Runs \`look()\` for each item. Texts are compared; bits of numbers by a hash of all of them. */
export const probeCode = `
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const functions = "acos acosh asin asinh atan atan2 atanh cbrt cos cosh exp expm1 fround hypot " +
  "log log10 log1p log2 pow sin sinh sqrt tan tanh";
const ofLanguage = ("Array Atomics BigInt Crypto Date Intl Iterator JSON Map Math Number Object " +
  "Promise Reflect RegExp Set String Symbol Uint8Array WeakMap WeakRef WeakSet crypto").split(" ");
const inherited = (name) => Object.hasOwn(Object.prototype, name);

function globals() {
  const names = new Set();
  for (let of = globalThis; of !== null; of = Object.getPrototypeOf(of)) {
    if (of === EventTarget.prototype || of === Object.prototype) break;
    for (const name of Object.getOwnPropertyNames(of)) {
      if (globalThis[name] !== undefined && name !== "constructor") names.add(name);
    }
  }
  for (const name of ["undefined"]) names.add(name);
  return [...names].sort();
}

// How a function was made, where a member is kept, and what engines keep for themselves: no code
// is written with these.
const own = new RegExp("^(Buffer#(.*(Slice|Write|WriteStatic)|inspect)" +
  "|globalThis[.]|console[.]_|Error.prepareStackTrace" +
  "|Event#[A-Z]|Event#isTrusted|Request#attribute|MessagePort#(hasRef|ref|unref)" +
  "|MessageChannel#port)" +
  "|[.](arguments|caller|prototype)$|^[a-z][A-Za-z]*#constructor$");

function members() {
  const found = [];
  for (const name of globals()) {
    const value = globalThis[name];
    if (typeof value !== "function" && typeof value !== "object") continue;
    for (const own of Reflect.ownKeys(value)) found.push(name + "." + String(own));
    for (const own of Reflect.ownKeys(value?.prototype ?? {})) found.push(name + "#" + String(own));
  }
  return found.filter((one) => !/Symbol[(]/.test(one) || ofLanguage.includes(one.split(/[.#]/)[0]))
    .filter((one) => !own.test(one)).sort();
}

function bits(count, start) {
  const hashes = {};
  const words = new Uint32Array(2);
  const double = new Float64Array(words.buffer);
  for (const name of functions.split(" ")) {
    let [hash, state] = [0, start];
    const random = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 4294967296;
    };
    for (let i = 0; i < count; i++) {
      // Of all sizes, and a fourth between -1 and 1, where inverse functions live.
      const size = i % 4 === 0 ? 1 : 2 ** (random() * 80 - 40);
      const [x, y] = [(random() - 0.5) * 2 * size, (random() - 0.5) * 20];
      double[0] = Math[name](x, y);
      if (Number.isNaN(double[0])) double[0] = 0.5;
      hash = Math.imul(hash ^ words[0], 0x85ebca6b) ^ words[1];
      hash = (hash << 13) | (hash >>> 19);
    }
    hashes[name] = hash;
  }
  return hashes;
}

function power(count) {
  let [hash, state] = [0, 7];
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [x, y] = [state / 65536, ((state >>> 7) % 1000) / 100 - 5];
    if (x ** y !== Math.pow(x, y)) return "differs from Math.pow at " + x + " ** " + y;
    hash = (hash * 31 + (x ** y) % 1e9) % 4294967291;
  }
  return hash;
}

function dates() {
  const date = new Date(2026, 2, 7, 10, 30, 5, 7);
  const texts = ["2026-03-07T10:00", "2026-03-07", "Mar 7 2026 10:00", "7 March 2026",
    "2026-03-07T10:00:00+02:00", "Sat, 07 Mar 2026 10:00:00 GMT", "2026/03/07 02:30", "nonsense"];
  const set = new Date(0);
  set.setHours(23, 59);
  set.setFullYear(1999, 11, 31);
  return [
    date.getTime(), date.getHours(), date.getDay(), date.getTimezoneOffset(), String(date),
    date.toDateString(), date.toTimeString(), date.toLocaleString(), date.toLocaleDateString(),
    date.toLocaleTimeString(), date + 1, set.toISOString(), String(new Date(Number.NaN)),
    texts.map((text) => [Date.parse(text), new Date(text).getTime()]),
    format.format(date), new Date(date).getTime(), new Date({ valueOf: () => 5 }).getTime(),
    new Date(99, 0).toISOString(), typeof Date(), new Date() instanceof Date, Date.length,
    new Date(2026, 0, 1).constructor === Date, new (class extends Date {})(2026, 1).getMonth(),
    new Intl.DateTimeFormat().resolvedOptions().timeZone,
    JSON.stringify({ date }), date.toLocaleString("de-DE", { timeZone: "Asia/Tokyo" }),
  ];
}

function language() {
  return [
    (1234567.891).toLocaleString(), (12345678901234567890n).toLocaleString(),
    ["z", "ä", "a", "i", "ı", "I"].sort((a, b) => a.localeCompare(b)),
    "TITLE i".toLocaleLowerCase(),
    "title".toLocaleUpperCase(), [1.5, 2].toLocaleString(), new Intl.NumberFormat().format(0.5),
    new Intl.NumberFormat("xx").resolvedOptions().locale, new Intl.Collator().compare("a", "B"),
    new Intl.NumberFormat("de").format(1.5), new Intl.PluralRules().select(1),
    Intl.NumberFormat().format(1e6), new Intl.ListFormat().format(["a", "b"]),
    new Intl.NumberFormat() instanceof Intl.NumberFormat,
  ];
}

function prototypes() {
  const made = {};
  made.__proto__ = { found: "inherited" };
  const parsed = JSON.parse('{"__proto__":1}');
  const none = { __proto__: null };
  return [made.found, Object.keys(parsed), inherited("__proto__"), none instanceof Object];
}

function chance() {
  const numbers = Array.from({ length: 5 }, () => Math.random());
  const uuid = crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  return [numbers, form.test(uuid),
    uuid !== crypto.randomUUID(), bytes.length, crypto.subtle === undefined];
}

function buffers() {
  const one = Buffer.from("grüße");
  const [small, part] = [Buffer.from([1, 2, 3]), one.subarray(1, 4)];
  small.writeInt16BE(-2, 1);
  return [
    small.buffer.byteLength, small.byteOffset, [...small], [...Buffer.allocUnsafe(5)],
    new Uint8Array(Buffer.allocUnsafe(2).buffer).join(), part.toString(), one.toString("base64url"),
    one.indexOf("ß"), Buffer.concat([one, small]).readDoubleLE(0),
    Buffer.byteLength("ß", "utf16le"),
    Buffer.compare(one, small), one.fill("ab", 1, 4).toString(), JSON.stringify(small),
    Buffer.isBuffer(part), Buffer.from(one.buffer, 2).equals(one.subarray(2)), one.write("zz", 3),
    Buffer.poolSize,
  ];
}

function clock() {
  const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "short", timeStyle: "medium" });
  performance.mark("one");
  const measured = performance.measure("two", "one");
  class Day extends Date {}
  return [Date.now(), new Date().toISOString(), Date(), performance.now(), performance.timeOrigin,
    format.format(), format.formatToParts().length, measured.duration, new Day().getTime(),
    new Date().toLocaleString(), new Date(5).getTime(), new Date(2026, 1, 3).getTime()];
}

function absent() {
  const found = {};
  const tries = { global: () => global.x, setImmediate: () => setImmediate(() => {}),
    Temporal: () => Temporal.Now, self: () => self.name,
    XMLHttpRequest: () => new XMLHttpRequest() };
  for (const [name, use] of Object.entries(tries)) {
    try { use(); found[name] = "there"; } catch (error) { found[name] = error.name; }
  }
  return found;
}

function look(count) {
  // As text: a result may hold no NaN.
  return JSON.stringify({ globals: globals(), members: members(), bits: bits(count, 1),
    power: power(count), dates: dates(), language: language(), prototypes: prototypes(),
    chance: chance(), buffers: buffers(), absent: absent(), clock: clock() });
}
`;
