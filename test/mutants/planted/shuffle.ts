/** Bugs of the map outputs that a reduce task reads where they lie (X1, X2). */
import { type Mutant, planted } from "../mutant.ts";

const swapped = "X2: a whole run of the same size in place of another is damage";

export const shuffleMutants: readonly Mutant[] = [
  planted(
    "names in a read folder without job and stage",
    "linkName",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of the source.
    "`${attemptName($ref)}.${$root}.run`",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a piece of the source.
    "`${$ref.task}.${$ref.attempt}.run`",
  ),
  planted(
    "files of the job before stay in the read folder",
    "ofOneJob",
    "!ofCode.includes($name)",
    "ofCode.includes($name)",
  ),
  planted(
    "damage on the own disk is not looked for",
    "findDamage",
    "await this.#disk.isUnchanged($segment)",
    '$segment.path !== ""',
  ),
  planted(
    "an output that was found to be damaged stays in use",
    "findDamage",
    "$lost.push($task);",
    "",
  ),
  {
    ...planted(
      "a name that another file has is taken for a second name",
      "hasSecondName",
      "if ($own !== null && $own.id === $taken?.id) return true;",
      "return true;",
    ),
    nearest: "X1: a name that another file has is an error, not a second name of this one",
  },
  {
    ...planted(
      "a neighbour's output counts whatever its root is",
      "#outputIn",
      "if ($sha256 !== $root) return null;",
      "",
    ),
    nearest: "another root, other bytes and a directory open to others do not count",
  },
  {
    ...planted(
      "a neighbour's partition or an own one is not verified while it is read",
      "SegmentFiles",
      "$sha256 === undefined ? null : new SegmentHash($segment)",
      "null",
    ),
    nearest: swapped,
  },
];
