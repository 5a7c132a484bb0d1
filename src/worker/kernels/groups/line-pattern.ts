/** Patterns of lines that a kernel follows byte by byte and never back: the expressions that begin
 *  with `^`, and in which nothing that may be repeated can also be what follows it. Of such an
 *  expression every engine finds the same match, and there is at most one in a line.
 *
 *  Letters, digits and signs, `.`, `\d \w \s` and their opposites, sets in brackets; `+ * ?` behind
 *  any of them; groups of these; `$` at the end. Anything else is null: the engine's own. */

export type LinePattern = {
  readonly steps: ReadonlyArray<readonly [what: number, which: number]>;
  /** Of each byte: 0 = not in the set, 1 = in it, 2 = only the engine knows. */
  readonly classes: readonly Uint8Array[];
};

const step = { field: 0, fieldEnd: 1, one: 2, some: 3, any: 4, maybe: 5, end: 6 } as const;
const stepOf: { readonly [quantifier: string]: number } = {
  "": step.one,
  "+": step.some,
  "*": step.any,
  "?": step.maybe,
};
const [outside, inside, unknown] = [0, 1, 2];
const firstForeign = 0x80;

/** `groups`: for each field the group that it is, 0 = all of the match. */
export function linePattern(
  { pattern, flags }: { readonly pattern: string; readonly flags: string },
  groups: readonly number[],
): LinePattern | null {
  if (!pattern.startsWith("^") || !["", "u"].includes(flags)) return null;
  const reader = new PatternReader(pattern.slice(1));
  if (!reader.read() || !isCertain(reader.parts)) return null;
  const steps: Array<readonly [number, number]> = [];
  const classes: Uint8Array[] = [];
  /** The steps of all fields that are this group. */
  const mark = (what: number, group: number) => {
    for (const [field, of] of groups.entries()) if (of === group) steps.push([what, field]);
  };
  mark(step.field, 0);
  for (const part of reader.parts) {
    if (part.kind === "open") mark(step.field, part.group);
    else if (part.kind === "close") mark(step.fieldEnd, part.group);
    else if (part.kind === "end") steps.push([step.end, 0]);
    else steps.push([stepOf[part.quantifier] as number, classes.push(part.set) - 1]);
  }
  mark(step.fieldEnd, 0);
  return { steps, classes };
}

/** All of each line. */
export function wholeLine(): LinePattern {
  const set = new Uint8Array(256).fill(inside);
  const steps = [
    [step.field, 0],
    [step.any, 0],
    [step.fieldEnd, 0],
  ] as const;
  return { steps, classes: [set] };
}

type SetPart = { readonly kind: "set"; readonly set: Uint8Array; readonly quantifier: string };
type Part =
  | SetPart
  | { readonly kind: "open"; readonly group: number }
  | { readonly kind: "close"; readonly group: number }
  | { readonly kind: "end" };

/** Whether the first way to match is the only one: what is repeated is not what may follow, or
 *  nothing has to follow. Bytes that only the engine knows are never passed. */
function isCertain(parts: readonly Part[]): boolean {
  const sets = parts.filter((part) => part.kind === "set");
  const isNeeded = ({ quantifier }: SetPart) => quantifier === "" || quantifier === "+";
  const hasEnd = parts.at(-1)?.kind === "end";
  return sets.every(({ set, quantifier }, i) => {
    const behind = sets.slice(i + 1);
    if (quantifier === "" || !(hasEnd || behind.some(isNeeded))) return true;
    const needed = behind.findIndex(isNeeded);
    const next = needed === -1 ? behind : behind.slice(0, needed + 1);
    return next.every((one) =>
      set.every((value, byte) => value !== inside || one.set[byte] === outside),
    );
  });
}

class PatternReader {
  readonly parts: Part[] = [];
  readonly #text: string;
  #at = 0;
  #groups = 0;
  #open: number | null = null;

  constructor(text: string) {
    this.#text = text;
  }

  /** False when there is anything that is not known here. */
  read(): boolean {
    while (this.#at < this.#text.length) if (!this.#part()) return false;
    return this.#open === null;
  }

  #part(): boolean {
    const character = this.#text.charAt(this.#at);
    if (character === "$") {
      this.parts.push({ kind: "end" });
      return ++this.#at === this.#text.length;
    }
    if (character === "(") {
      if (this.#open !== null || this.#text.charAt(++this.#at) === "?") return false;
      this.#open = ++this.#groups;
      this.parts.push({ kind: "open", group: this.#open });
      return true;
    }
    if (character === ")") {
      if (this.#open === null) return false;
      this.parts.push({ kind: "close", group: this.#open });
      this.#open = null;
      this.#at++;
      return !this.#isQuantifier();
    }
    const set = character === "[" ? this.#brackets() : this.#atom();
    if (set === null) return false;
    const quantifier = this.#isQuantifier() ? this.#text.charAt(this.#at++) : "";
    if (this.#isQuantifier() || quantifier === "{") return false;
    // Half of a character could be one.
    const isMany = quantifier === "+" || quantifier === "*";
    if (!isMany && set[firstForeign] === inside) return false;
    this.parts.push({ kind: "set", set, quantifier });
    return true;
  }

  #isQuantifier(): boolean {
    const character = this.#text.charAt(this.#at);
    return character !== "" && "+*?{".includes(character);
  }

  /** The set of one character that is written outside of brackets. */
  #atom(): Uint8Array | null {
    const character = this.#text.charAt(this.#at++);
    if (character === "\\") return escaped(this.#text.charAt(this.#at++));
    if (character === ".") return setOf((byte) => byte !== 10 && byte !== 13, unknown);
    return "|^*+?{}[]/".includes(character) ? null : only(character);
  }

  #brackets(): Uint8Array | null {
    const start = this.#at + 1;
    const isNot = this.#text.charAt(start) === "^";
    this.#at = isNot ? start + 1 : start;
    const set = new Uint8Array(256);
    while (this.#text.charAt(this.#at) !== "]") {
      const from = this.#member();
      if (from === null) return null;
      let members = from;
      if (this.#text.charAt(this.#at) === "-" && this.#text.charAt(this.#at + 1) !== "]") {
        this.#at++;
        const to = this.#member();
        if (to === null) return null;
        const [first, last] = [single(from), single(to)];
        if (first === null || last === null || first > last) return null;
        members = setOf((byte) => byte >= first && byte <= last, outside);
      }
      for (const [byte, value] of members.entries()) set[byte] = Math.max(set[byte] ?? 0, value);
    }
    this.#at++;
    if (!isNot) return set;
    return set.map((value) => (value === unknown ? unknown : value === inside ? outside : inside));
  }

  /** One character, or a set by its letter, in brackets. */
  #member(): Uint8Array | null {
    const character = this.#text.charAt(this.#at++);
    if (character === "\\") return escaped(this.#text.charAt(this.#at++));
    return "[&".includes(character) ? null : only(character);
  }
}

/** The byte of a set of one. */
function single(set: Uint8Array): number | null {
  const first = set.indexOf(inside);
  return first !== -1 && set.lastIndexOf(inside) === first ? first : null;
}

/** `foreign`: what is not ASCII. */
function setOf(has: (byte: number) => boolean, foreign: number): Uint8Array {
  const of = (_: unknown, byte: number) =>
    byte >= firstForeign ? foreign : has(byte) ? inside : outside;
  return Uint8Array.from({ length: 256 }, of);
}

function only(character: string): Uint8Array | null {
  const code = character.charCodeAt(0);
  return code < firstForeign ? setOf((byte) => byte === code, outside) : null;
}

function escaped(letter: string): Uint8Array | null {
  const expression = { d: /\d/, w: /\w/, s: /\s/, D: /\D/, W: /\W/, S: /\S/ }[letter];
  if (expression === undefined) {
    if (letter === "t") return only("\t");
    return letter !== "" && '.*+?^$()[]{}|/\\-"'.includes(letter) ? only(letter) : null;
  }
  // Some blanks are not ASCII; digits and letters of words are.
  const foreign = "sS".includes(letter) ? unknown : "DW".includes(letter) ? inside : outside;
  return setOf((byte) => expression.test(String.fromCharCode(byte)), foreign);
}
