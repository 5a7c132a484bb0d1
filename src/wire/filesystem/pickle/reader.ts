/** Reads pickles of protocols 0 to 5 that hold None, bool, int, float, str, bytes, list, tuple and
 *  dict. Nothing is ever looked up, called or built: opcodes that could run code are refused by
 *  name. */
import { ClusterError } from "../../../core/error.ts";
import { depthMax, pickleBytesMax, valuesMax } from "../limits.ts";
import { PyFloat, PyTuple, type PyValue, typeName } from "../value.ts";
import { PickleBytes, pickleProblem } from "./bytes.ts";
import { op, refusedOps } from "./opcodes.ts";

/** Throws `protocol-violated` for other pickles, `limit-exceeded` for one that is too large. A
 *  value that contains itself is refused. */
export function readPickle(bytes: Uint8Array): PyValue {
  if (bytes.length > pickleBytesMax) {
    throw new ClusterError("limit-exceeded", `the pickle is above ${pickleBytesMax} bytes`);
  }
  const value = new Machine(new PickleBytes(bytes)).run();
  checkTree(value, new Set(), { left: valuesMax }, 0);
  return value;
}

type Memo = PyValue | undefined;

class Machine {
  readonly #in: PickleBytes;
  #stack: PyValue[] = [];
  readonly #marks: PyValue[][] = [];
  readonly #memo = new Map<number, PyValue>();
  #steps = 0;

  constructor(bytes: PickleBytes) {
    this.#in = bytes;
  }

  run(): PyValue {
    for (;;) {
      const code = this.#in.byte();
      this.#steps += 1;
      if (this.#steps > 4 * valuesMax) throw pickleProblem(`has more than ${valuesMax} values`);
      if (code === op.stop) break;
      const refused = refusedOps.get(code);
      if (refused !== undefined) throw pickleProblem(`has ${refused}, which would build an object`);
      if (this.#control(code)) continue;
      const value = this.#scalar(code) ?? this.#collected(code);
      if (value === undefined) throw pickleProblem(`has the unknown opcode ${code}`);
      this.#stack.push(value.of);
    }
    const [value, ...more] = this.#stack;
    if (value === undefined || more.length > 0 || this.#marks.length > 0) {
      throw pickleProblem("does not end with one value");
    }
    if (this.#in.left > 0) throw pickleProblem("has more after its end");
    return value;
  }

  /** Opcodes that push no new value; false when it is none of them. */
  #control(code: number): boolean {
    switch (code) {
      case op.proto:
        if (this.#in.byte() > 5) throw pickleProblem("has a protocol above 5");
        return true;
      case op.frame:
        this.#in.skip(8);
        return true;
      case op.mark:
        this.#marks.push(this.#stack);
        this.#stack = [];
        return true;
      case op.pop:
        this.#pop();
        return true;
      case op.popMark:
        this.#popMark();
        return true;
      case op.memoize:
        return this.#remember(this.#memo.size);
      case op.put:
        return this.#remember(this.#in.decimal());
      case op.binput:
        return this.#remember(this.#in.byte());
      case op.longBinput:
        return this.#remember(this.#in.unsigned(4));
      default:
        return this.#filled(code);
    }
  }

  /** Opcodes that add to the container below. */
  #filled(code: number): boolean {
    if (code === op.append) this.#extend([this.#pop()]);
    else if (code === op.appends) this.#extend(this.#popMark());
    else if (code === op.setitem) {
      const value = this.#pop();
      this.#enter([this.#pop(), value]);
    } else if (code === op.setitems) this.#enter(this.#popMark());
    else return false;
    return true;
  }

  #scalar(code: number): { of: PyValue } | undefined {
    const bytes = this.#in;
    switch (code) {
      case op.none:
        return { of: null };
      case op.newTrue:
        return { of: true };
      case op.newFalse:
        return { of: false };
      case op.int:
      case op.long:
        return { of: bytes.intLine() };
      case op.binint:
        return { of: bytes.signed(4) };
      case op.binint1:
        return { of: BigInt(bytes.byte()) };
      case op.binint2:
        return { of: BigInt(bytes.unsigned(2)) };
      case op.long1:
        return { of: bytes.signed(bytes.byte()) };
      case op.long4:
        return { of: bytes.signed(bytes.unsigned(4)) };
      case op.float:
        return { of: new PyFloat(bytes.floatLine()) };
      case op.binfloat:
        return { of: new PyFloat(bytes.float()) };
      default:
        return this.#text(code);
    }
  }

  #text(code: number): { of: PyValue } | undefined {
    const bytes = this.#in;
    switch (code) {
      case op.unicode:
        return { of: bytes.rawUnicodeLine() };
      case op.shortBinunicode:
        return { of: bytes.text(bytes.byte()) };
      case op.binunicode:
        return { of: bytes.text(bytes.unsigned(4)) };
      case op.binunicode8:
        return { of: bytes.text(bytes.unsigned(8)) };
      case op.shortBinbytes:
        return { of: bytes.take(bytes.byte()).slice() };
      case op.binbytes:
        return { of: bytes.take(bytes.unsigned(4)).slice() };
      case op.binbytes8:
        return { of: bytes.take(bytes.unsigned(8)).slice() };
      // The str of Python 2, which Python 3 reads as ASCII.
      case op.string:
        return { of: bytes.quotedLine() };
      case op.shortBinstring:
        return { of: bytes.ascii(bytes.byte()) };
      case op.binstring:
        return { of: bytes.ascii(bytes.unsigned(4)) };
      default:
        return undefined;
    }
  }

  #collected(code: number): { of: PyValue } | undefined {
    switch (code) {
      case op.emptyList:
        return { of: [] };
      case op.emptyTuple:
        return { of: new PyTuple([]) };
      case op.emptyDict:
        return { of: new Map() };
      case op.list:
        return { of: this.#popMark() };
      case op.tuple:
        return { of: new PyTuple(this.#popMark()) };
      case op.dict:
        return { of: pairsMap(this.#popMark()) };
      case op.tuple1:
      case op.tuple2:
      case op.tuple3:
        return { of: this.#tuple(code - op.tuple1 + 1) };
      case op.dup:
        return { of: this.#top() };
      case op.get:
        return { of: this.#recall(this.#in.decimal()) };
      case op.binget:
        return { of: this.#recall(this.#in.byte()) };
      case op.longBinget:
        return { of: this.#recall(this.#in.unsigned(4)) };
      default:
        return undefined;
    }
  }

  #tuple(length: number): PyTuple {
    if (this.#stack.length < length) throw pickleProblem("takes more than it has");
    return new PyTuple(this.#stack.splice(-length));
  }

  #top(): PyValue {
    const top: Memo = this.#stack.at(-1);
    if (top === undefined) throw pickleProblem("takes more than it has");
    return top;
  }

  #pop(): PyValue {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMark(): PyValue[] {
    const items = this.#stack;
    const below = this.#marks.pop();
    if (below === undefined) throw pickleProblem("has no mark where it needs one");
    this.#stack = below;
    return items;
  }

  #remember(at: number): true {
    this.#memo.set(at, this.#top());
    return true;
  }

  #recall(at: number): PyValue {
    const value: Memo = this.#memo.get(at);
    if (value === undefined) throw pickleProblem(`reads memo ${at}, which it has not set`);
    return value;
  }

  #extend(items: readonly PyValue[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) throw pickleProblem(`appends to a ${typeName(list)}`);
    for (const item of items) list.push(item);
  }

  #enter(pairs: readonly PyValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map)) throw pickleProblem(`sets items of a ${typeName(dict)}`);
    for (const [key, value] of pairsMap(pairs)) dict.set(key, value);
  }
}

function pairsMap(items: readonly PyValue[]): Map<PyValue, PyValue> {
  if (items.length % 2 !== 0) throw pickleProblem("has a key without a value");
  const entries = new Map<PyValue, PyValue>();
  for (let at = 0; at < items.length; at += 2) {
    const key = items[at] as PyValue;
    const isContainer = Array.isArray(key) || key instanceof Map;
    if (isContainer) throw pickleProblem(`has a ${typeName(key)} as a key`);
    entries.set(key, items[at + 1] as PyValue);
  }
  return entries;
}

/** With the memo, a small pickle can contain one list a billion times, or a list within itself. */
function checkTree(
  value: PyValue,
  above: Set<PyValue>,
  budget: { left: number },
  depth: number,
): void {
  budget.left -= 1;
  if (budget.left < 0) throw pickleProblem(`has more than ${valuesMax} values`);
  const parts = partsOf(value);
  if (parts === null) return;
  if (depth >= depthMax) throw pickleProblem(`is nested deeper than ${depthMax}`);
  if (above.has(value)) throw pickleProblem("holds itself");
  above.add(value);
  for (const part of parts) checkTree(part, above, budget, depth + 1);
  above.delete(value);
}

function partsOf(value: PyValue): Iterable<PyValue> | null {
  if (value instanceof PyTuple) return value.items;
  if (value instanceof Map) return [...value].flat(1) as PyValue[];
  return Array.isArray(value) ? value : null;
}
