/** What Tab offers: commands, users and files that were seen, and files of this machine. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { consoleCommands, type Seen, type WordKind } from "./commands.ts";
import { asWord, wordsOf } from "./words.ts";

export type CompletionSources = {
  readonly seen: Seen;
  /** Published from here. */
  readonly published: () => readonly string[];
};

/** As readline wants it: the candidates, and what they would replace. */
export function complete(line: string, sources: CompletionSources): [string[], string] {
  const words = wordsOf(line);
  const isNew = line === "" || /\s$/.test(line);
  const typed = isNew ? "" : (words.at(-1) ?? "");
  const at = isNew ? words.length : words.length - 1;
  if (at <= 0) {
    const names = [...consoleCommands.map(({ name }) => name as string), "QUIT", "HELP"];
    const found = names.filter((name) => name.startsWith(typed.toUpperCase()));
    return [found.map((name) => `${name} `), typed];
  }
  const command = consoleCommands.find(({ name }) => name === words[0]!.toUpperCase());
  const kind = command?.words[at - 1];
  if (kind === undefined) return [[], typed];
  const found = candidates(kind, typed, { sources, user: words[1] ?? "" });
  const shown = found.filter((word) => word.startsWith(typed) && !word.includes('"'));
  const replaced = line.endsWith('"') || !line.includes('"') ? asTyped(line, typed) : typed;
  return [shown.map((word) => (word.endsWith("/") ? word : `${asWord(word)} `)), replaced];
}

function asTyped(line: string, typed: string): string {
  return line.endsWith(typed) ? typed : `"${typed}"`;
}

function candidates(
  kind: WordKind,
  typed: string,
  { sources, user }: { readonly sources: CompletionSources; readonly user: string },
): readonly string[] {
  const { published, seen } = sources;
  if (kind === "user") return [...seen.users];
  if (kind === "published") return published();
  if (kind === "content") return seen.content.get(user) ?? [];
  return kind === "file" ? filesLike(typed) : [];
}

/** Entries shown at once. */
const entriesMax = 200;

function filesLike(typed: string): string[] {
  const folder = typed.endsWith("/") ? typed : dirname(typed);
  const prefix = typed.includes("/") ? folder : "";
  try {
    return readdirSync(folder, { withFileTypes: true })
      .map((entry) => `${join(prefix, entry.name)}${entry.isDirectory() ? "/" : ""}`)
      .filter((path) => path.startsWith(typed))
      .slice(0, entriesMax);
  } catch {
    return [];
  }
}
