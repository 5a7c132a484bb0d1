/** The commands of the console: how each is typed, what it does, what it prints. */
import type { Operation } from "../../wire/console/messages.ts";
import { phrase } from "../../wire/console/phrases.ts";
import { oneLine } from "../text.ts";
import type { Progress } from "./download.ts";
import type { UserClient } from "./user-client.ts";
import { cutWord, wordsOf } from "./words.ts";

/** What a completion of a word can be. */
export type WordKind = "user" | "file" | "published" | "content" | "description";

export type CommandContext = {
  readonly client: UserClient;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  readonly onProgress: (progress: Progress) => void;
  /** What was seen, to be completed later. */
  readonly seen: Seen;
};

export type Seen = {
  readonly users: Set<string>;
  /** Of each user, as last listed. */
  readonly content: Map<string, readonly string[]>;
};

export type ConsoleCommand = {
  readonly name: Operation;
  readonly usage: string;
  readonly does: string;
  readonly words: readonly WordKind[];
  run(words: readonly string[], context: CommandContext): Promise<void>;
};

export const consoleCommands: readonly ConsoleCommand[] = [
  {
    name: "REGISTER",
    usage: "REGISTER <userName>",
    does: "become a user",
    words: ["user"],
    run: async ([user], { client, seen }) => {
      await client.register(user!);
      seen.users.add(user!);
    },
  },
  {
    name: "UNREGISTER",
    usage: "UNREGISTER <userName>",
    does: "leave for good, with all its files",
    words: ["user"],
    run: async ([user], { client, seen }) => {
      await client.unregister(user!);
      seen.users.delete(user!);
    },
  },
  {
    name: "CONNECT",
    usage: "CONNECT <userName>",
    does: "be there, and serve its files",
    words: ["user"],
    run: ([user], { client }) => client.connect(user!),
  },
  {
    name: "DISCONNECT",
    usage: "DISCONNECT <userName>",
    does: "be there no more; files stay listed",
    words: ["user"],
    run: ([user], { client }) => client.disconnect(user!),
  },
  {
    name: "PUBLISH",
    usage: "PUBLISH <fileName> <description>",
    does: "offer a file of this machine",
    words: ["file", "description"],
    run: async ([path, description], { client }) => {
      await client.publish(path!, description!);
    },
  },
  {
    name: "DELETE",
    usage: "DELETE <fileName>",
    does: "offer it no more",
    words: ["published"],
    run: ([path], { client }) => client.delete(path!),
  },
  {
    name: "LIST_USERS",
    usage: "LIST_USERS",
    does: "who is connected, and where",
    words: [],
    run: async (_, { client, print, seen }) => {
      const users = await client.listUsers();
      print(phrase("LIST_USERS", "ok"));
      for (const { name, host, port } of users) {
        seen.users.add(name);
        print(`\t${oneLine(name)} ${oneLine(host)} ${port}`);
      }
    },
  },
  {
    name: "LIST_CONTENT",
    usage: "LIST_CONTENT <userName>",
    does: "what a user offers",
    words: ["user"],
    run: async ([remote], { client, print, seen }) => {
      const paths = await client.listContent(remote!);
      print(phrase("LIST_CONTENT", "ok"));
      seen.users.add(remote!);
      seen.content.set(remote!, paths);
      for (const path of paths) print(`\t${oneLine(path)}`);
    },
  },
  {
    name: "GET_FILE",
    usage: "GET_FILE <userName> <remote_fileName> <local_fileName>",
    does: "fetch a file from a user",
    words: ["user", "content", "file"],
    run: async ([remote, path, to], { client, onProgress, signal }) => {
      await client.getFile({ remote: remote!, path: path!, to: to! }, signal, onProgress);
    },
  },
];

export type TypedLine =
  | { readonly kind: "nothing" }
  | { readonly kind: "help" }
  | { readonly kind: "quit" }
  | { readonly kind: "command"; readonly command: ConsoleCommand; readonly words: string[] }
  | { readonly kind: "mistake"; readonly text: string };

/** Commands are known in any case, and with a blank in the place of `_`. */
export function readLine(line: string): TypedLine {
  const first = cutWord(line);
  if (first === null) return { kind: "nothing" };
  const name = first.word.toUpperCase();
  if (name === "HELP" || name === "?") return { kind: "help" };
  if (name === "QUIT") {
    return first.rest === "" ? { kind: "quit" } : mistake("Syntax error. Use: QUIT");
  }
  const second = cutWord(first.rest);
  const joined = `${name}_${second?.word.toUpperCase() ?? ""}`;
  const twoWords = consoleCommands.find((command) => command.name === joined);
  const command = twoWords ?? consoleCommands.find((known) => known.name === name);
  if (command === undefined) {
    return mistake(`Error: command ${oneLine(first.word)} not valid; help lists them`);
  }
  return withWords(command, twoWords === undefined ? first.rest : second!.rest);
}

function withWords(command: ConsoleCommand, rest: string): TypedLine {
  const words: string[] = [];
  let left = rest;
  for (const kind of command.words) {
    const cut = cutWord(left);
    if (cut === null) return mistake(`Syntax error. Usage: ${command.usage}`);
    // A description is all that follows, as it was typed.
    words.push(kind === "description" ? left.trimEnd() : cut.word);
    left = kind === "description" ? "" : cut.rest;
  }
  if (wordsOf(left).length > 0) return mistake(`Syntax error. Usage: ${command.usage}`);
  return { kind: "command", command, words };
}

function mistake(text: string): TypedLine {
  return { kind: "mistake", text };
}

/** A longer usage has a line of its own, so that the list fits into 80 columns. */
const usageColumns = 33;

export function helpLines(): string[] {
  const listed = [
    ...consoleCommands.map(({ usage, does }) => [usage, does] as const),
    ["QUIT", "leave; DISCONNECT comes first"] as const,
    ["HELP", "this list"] as const,
  ];
  return listed.flatMap(([usage, does]) =>
    usage.length > usageColumns
      ? [`  ${usage}`, `  ${"".padEnd(usageColumns)}  ${does}`]
      : [`  ${usage.padEnd(usageColumns)}  ${does}`],
  );
}
