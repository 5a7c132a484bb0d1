/** The registers of a program while it is made, with what is known of their cells. */
import {
  type Constant,
  instructions,
  operandsOf,
  type Program,
} from "../../kernels/groups/program.ts";

/** Thrown where a kernel cannot do what is asked. */
export class NotCompiled extends Error {}

/** Cells that may be null. */
export type Value = {
  readonly register: number;
  readonly kind: "number" | "text" | "truth" | "any";
};

type Options = {
  /** Of columns of the source. */
  readonly cellsAreTexts: boolean;
  readonly emptyIsNull: boolean;
};

/** Each takes 5 KiB. */
const registersMax = 200;

export class Registers {
  readonly #options: Options;
  readonly #source: readonly string[];
  readonly #code: Array<readonly number[]> = [];
  readonly #constants: Constant[] = [];
  readonly #columns: string[] = [];
  readonly #made = new Map<string, Value>();
  /** By their registers: the columns whose cells these have as they are. */
  readonly #loaded = new Map<number, number>();
  #texts = "";
  #count = 0;

  constructor(source: readonly string[], options: Options) {
    this.#source = source;
    this.#options = options;
  }

  once(name: string, make: () => Value): Value {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(name, made);
    return made;
  }

  /** Which of the columns it is that rows must have. */
  column(name: string): number {
    if (!this.#source.includes(name)) throw new NotCompiled();
    const at = this.#columns.indexOf(name);
    return at === -1 ? this.#columns.push(name) - 1 : at;
  }

  load(column: string): Value {
    const { cellsAreTexts, emptyIsNull } = this.#options;
    const kind = cellsAreTexts ? "text" : "any";
    return this.once(`load ${column}`, () => {
      const at = this.column(column);
      const loaded = this.emit(kind, instructions.load, at, Number(emptyIsNull));
      this.#loaded.set(loaded.register, at);
      return loaded;
    });
  }

  /** An instruction with up to three operands. */
  emit(kind: Value["kind"], what: number, ...of: readonly number[]): Value {
    const register = this.#new();
    const [a = 0, b = 0, c = 0] = of;
    this.#code.push([what, register, a, b, c]);
    return { register, kind };
  }

  /** One that fills no register. */
  effect(what: number, { register }: Value): void {
    this.#code.push([what, 0, register, 0, 0]);
  }

  number(of: Value): Value {
    if (of.kind === "number") return of;
    return this.once(`number ${of.register}`, () => {
      const column = this.#loaded.get(of.register);
      if (column !== undefined) return this.emit("number", instructions.loadNumber, column);
      return this.emit("number", instructions.number, of.register);
    });
  }

  truth(of: Value): Value {
    if (of.kind === "truth") return of;
    return this.once(`truth ${of.register}`, () => {
      return this.emit("truth", instructions.truth, of.register);
    });
  }

  text(of: Value): Value {
    if (of.kind === "text") return of;
    return this.once(`text ${of.register}`, () => {
      return this.emit("text", instructions.text, of.register);
    });
  }

  constantText(text: string): Value {
    const register = this.#new();
    this.#constants.push({ register, text: this.addText(text) });
    return { register, kind: "text" };
  }

  constantNumber(digits: number, decimals: number): Value {
    const register = this.#new();
    this.#constants.push({ register, digits, decimals });
    return { register, kind: "number" };
  }

  constant(value: boolean | null): Value {
    const register = this.#new();
    this.#constants.push({ register, is: value === null ? "null" : value ? "true" : "false" });
    return { register, kind: value === null ? "any" : "truth" };
  }

  /** Where it is among the bytes of texts. */
  addText(text: string): readonly [from: number, length: number] {
    if (!text.isWellFormed() || text.includes("\0")) throw new NotCompiled();
    const from = Buffer.byteLength(this.#texts);
    this.#texts += text;
    return [from, Buffer.byteLength(text)];
  }

  program(end: Pick<Program, "group" | "frame">): Program {
    return {
      ...end,
      code: this.#usedCode(end),
      registers: Math.max(1, this.#count),
      columns: this.#columns,
      constants: this.#constants,
      texts: this.#texts,
    };
  }

  /** Without the cells that nothing looks at: numbers are read from rows as they are. */
  #usedCode({ group, frame }: Pick<Program, "group" | "frame">): Program["code"] {
    const keys = group?.keys ?? frame?.keys ?? [];
    const used = new Set([...keys, ...(group?.aggregates ?? []).map(([, register]) => register)]);
    for (const [what, , ...of] of this.#code) {
      for (const register of of.slice(0, operandsOf(what as number))) used.add(register);
    }
    return this.#code.filter(([what, to]) => what !== instructions.load || used.has(to as number));
  }

  #new(): number {
    if (this.#count === registersMax) throw new NotCompiled();
    return this.#count++;
  }
}
