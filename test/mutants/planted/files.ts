/** Bugs in reading, writing and passing on the bytes of files, found by the tests nearest to
 *  them. */
import { type Mutant, planted } from "../mutant.ts";

function near(nearest: string, mutant: Mutant): Mutant {
  return { ...mutant, nearest };
}

export const fileMutants: readonly Mutant[] = [
  near(
    "a file that changes under its readers gives them no byte of its new content",
    planted(
      "readers of replaced bytes continue",
      "read",
      "if (!sameStamp(stampOf($file.fd), $stamp)) this.#changed();",
      "",
    ),
  ),
  near(
    "F10: a file that grew while a task process read it is data-lost",
    planted(
      "a task process does not look at its input again after reading",
      "RangeReader",
      "this.#check();\nreturn 0;",
      "return 0;",
    ),
  ),
  near(
    "F10: a file that changes while a task process reads it is data-lost",
    planted(
      "a task process takes a read that was cut off for the end",
      "RangeReader",
      "if ($count === 0) throw this.#changed();",
      "",
    ),
  ),
  near(
    "F10: a file that changes while a worker reads it is data-lost",
    planted(
      "a worker does not look at an input again after reading",
      "readLocal",
      "await checkUnchanged($local);",
      "",
    ),
  ),
  near(
    "a stream that the coordinator cuts off is resumed, or is data-lost",
    planted(
      "an input that the coordinator cut off counts as whole",
      "input",
      "await source.pause(error, tries);",
      "return;",
    ),
  ),
  near(
    "a stream that the coordinator cuts off is resumed, or is data-lost",
    planted(
      "an input that was cut off in the middle of a range is begun anew",
      "input",
      "read({ start: at, end }, signal)",
      "read({ start, end }, signal)",
    ),
  ),
  near(
    "F3: a member that ends in the middle of a range counts as missing data",
    planted(
      "a shared input that ends in the middle of a range counts as whole",
      "read",
      "if ($at < $end) throw await this.#lost($content, $failure);",
      "",
    ),
  ),
  near(
    "F6: a task's output is no link, and nothing that is no file",
    planted(
      "a task's output is taken through a link",
      "openOutput",
      "constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK",
      "constants.O_RDONLY | constants.O_NONBLOCK",
    ),
  ),
  near(
    "F1: a download with another SHA-256 than its name leaves nothing",
    planted(
      "a download is stored unverified",
      "storeVerified",
      '$digest.digest("hex") !== $hash',
      "$digest === null",
    ),
  ),
];
