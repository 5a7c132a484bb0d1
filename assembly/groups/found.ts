/** What is done with rows that were found. */
import { areFramesFull } from "../query/frames";
import { isProgram, runProgram } from "../query/program";
import { countFound } from "./count";
import { isOddFull } from "./rows";

/** Counts all rows that were found, and forgets them. */
export function countRows(): void {
  if (isProgram) runProgram();
  else countFound();
}

/** No room for what a full list of rows could leave to the host. */
export function isFull(): bool {
  return isOddFull() || areFramesFull();
}
