/** What is done with rows that were found. */
import { isProgram, runProgram } from "../query/program";
import { countFound } from "./count";

/** Counts all rows that were found, and forgets them. */
export function countRows(): void {
  if (isProgram) runProgram();
  else countFound();
}
