/** Runs what comes before a shuffle of a query, on the rows that were found: see
 *  `src/worker/kernels/groups/program.ts`, which writes it.
 *
 *  An instruction is five u32: what, the register that it fills, and three operands. Each is done
 *  for all rows at hand before the next one. */
import { clearRows } from "../groups/rows";
import { allocate } from "../space";
import { magnitudes, negatives, products, remainders, rounded, sums } from "./arithmetic";
import { dateFields, truncations } from "./dates";
import { frameRows, setOutputAt, startFrames } from "./frames";
import { groupRows, passRows, startGroups } from "./group";
import {
  fillKind,
  fillNumber,
  fillText,
  registerOf,
  selectAll,
  selected,
  startRegisters,
} from "./registers";
import { startStates } from "./states";
import { cased, joined, lengths, likes, parts, tests, trimmed } from "./texts";
import {
  areNull,
  both,
  choice,
  compareCells,
  either,
  firstOf,
  keepTrue,
  loadField,
  loadNumbers,
  negated,
  numbersOf,
  textsOf,
  truthsOf,
} from "./values";

const instructionBytes: usize = 20;

export let isProgram: bool = false;
let program: usize = 0;
let programEnd: usize = 0;
let texts: usize = 0;
/** Where in a row each column is, u32. */
let columnFields: usize = 0;
/** What is done with the rows that are kept: they are grouped, left to the host, or framed. */
let end: u32 = 0;
const toGroups: u32 = 0;
const toHost: u32 = 1;
const toFrames: u32 = 2;
let keyCount: u32 = 0;

/** Room for a program; answers where it goes: its instructions, the registers of the key u32, of
 *  each aggregate its kind and register, and texts. */
export function startProgram(
  instructions: u32, registers: u32, columns: u32, keys: u32, aggregates: u32, textBytes: u32,
  ordered: bool,
): usize {
  isProgram = true;
  end = toGroups;
  keyCount = keys;
  startRegisters(registers);
  columnFields = allocate((columns + 1) * 4);
  const codeBytes = <usize>instructions * instructionBytes;
  program = allocate(codeBytes + keys * 4 + aggregates * 8 + textBytes + 64);
  programEnd = program + codeBytes;
  startGroups(programEnd, keys, ordered);
  startStates(programEnd + keys * 4, aggregates);
  texts = programEnd + keys * 4 + aggregates * 8;
  return program;
}

/** Rows that are wanted are the host's: nothing is grouped. */
export function passOnly(): void {
  end = toHost;
}

/** Rows become frames of so many columns, with the program's key. */
export function frameAll(outputs: u32, isCsv: bool, isUnique: bool): void {
  end = toFrames;
  startFrames(columnFields, programEnd, keyCount, outputs, isCsv, isUnique);
}

export function setOutput(output: u32, column: u32, name: u32, length: u32): void {
  setOutputAt(output, column, texts + name, length);
}

export function setColumnField(column: u32, field: u32): void {
  store<u32>(columnFields + (column << 2), field);
}

export function fillWithText(register: u32, from: u32, length: u32): void {
  fillText(register, texts + from, length);
}

export { fillKind, fillNumber };

/** Does with all rows that were found what the program says, and forgets them. */
export function runProgram(): void {
  selectAll();
  for (let at = program; at < programEnd && selected > 0; at += instructionBytes) run(at);
  if (end == toGroups) groupRows();
  else if (end == toHost) passRows();
  else frameRows();
  clearRows();
}

function run(at: usize): void {
  const what = load<u32>(at);
  const to = registerOf(load<u32>(at, 4));
  const first = load<u32>(at, 8);
  const second = load<u32>(at, 12);
  const third = load<u32>(at, 16);
  if (what == 0) {
    loadField(to, load<u32>(columnFields + (first << 2)), second != 0);
    return;
  }
  if (what == 27) {
    loadNumbers(to, load<u32>(columnFields + (first << 2)));
    return;
  }
  const a = registerOf(first);
  switch (what) {
    case 1: keepTrue(a); break;
    case 2: numbersOf(to, a); break;
    case 3: textsOf(to, a); break;
    case 4: compareCells(to, a, registerOf(second), third); break;
    case 5: both(to, a, registerOf(second)); break;
    case 6: either(to, a, registerOf(second)); break;
    case 7: negated(to, a); break;
    case 8: areNull(to, a); break;
    case 9: firstOf(to, a, registerOf(second)); break;
    case 10: choice(to, a, registerOf(second), registerOf(third)); break;
    case 11: sums(to, a, registerOf(second), 1); break;
    case 12: sums(to, a, registerOf(second), -1); break;
    case 13: products(to, a, registerOf(second)); break;
    case 14: remainders(to, a, registerOf(second)); break;
    case 15: negatives(to, a); break;
    case 16: magnitudes(to, a); break;
    case 17: rounded(to, a, second, third); break;
    case 18: tests(to, a, registerOf(second), third); break;
    case 19: likes(to, a, texts + second, third); break;
    case 20: cased(to, a, second != 0); break;
    case 21: trimmed(to, a); break;
    case 22: lengths(to, a); break;
    case 23: parts(to, a, second, third); break;
    case 24: joined(to, a, registerOf(second)); break;
    case 25: dateFields(to, a, second); break;
    case 26: truncations(to, a, second); break;
    case 28: truthsOf(to, a); break;
    default: unreachable();
  }
}
