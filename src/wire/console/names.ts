/** Which names and ports the console protocol accepts. */

// C0, DEL, C1, and the marks that reorder a line: none of them may reach a terminal or a log.
const controls = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Why a user cannot have this name, as the end of a sentence; null when it is allowed. */
export function userNameProblem(name: string): string | null {
  if (name === "") return "is empty";
  if (/\s/.test(name)) return "has a blank";
  return controls.test(name) ? "has a control character" : null;
}

/** The same for a published file. */
export function pathProblem(path: string): string | null {
  if (path === "") return "is empty";
  return controls.test(path) ? "has a control character" : null;
}

/** Null unless it is a decimal number from 1 to 65,535 without leading zeros. */
export function readPort(text: string): number | null {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}
