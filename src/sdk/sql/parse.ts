/** Text of SQL as a tree: by a parser of PostgreSQL's grammar, which knows no file names. These are
 *  taken out before, and stand as names in their places. */
import type { Expr, SelectFromStatement } from "pgsql-ast-parser";
import type { ClusterError } from "../../core/error.ts";
import { forUnion, hintOf, inSteps, secondFile } from "./instead.ts";
import type { Spellings } from "./names.ts";
import { refusal, wrong } from "./refusal.ts";

export type Expression = Expr;

export type Parsed = {
  readonly select: SelectFromStatement;
  /** What the query reads: a path, a glob, or shared:NAME. */
  readonly path: string;
  /** Of names, which the parser gives in small letters. */
  readonly spellings: Spellings;
};

/** Texts, quoted names, comments, numbers with letters behind them, words, all else. */
const token = new RegExp(
  [
    /'(?:[^']|'')*'|"(?:[^"]|"")*"/,
    /--[^\n]*|\/\*[\s\S]*?\*\//,
    /\d+(?:\.\d*)?(?:[eE][+-]?\d+|[\p{L}_][\p{L}\p{N}_]*)/u,
    /[\p{L}_][\p{L}\p{N}_]*|\s+|[\s\S]/u,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gu",
);
const placeholder = "input_of_the_query";

export async function parseSql(query: string): Promise<Parsed> {
  const { path, spellings, text } = takePath(query);
  const { parse } = await import("pgsql-ast-parser");
  let statements: ReturnType<typeof parse>;
  try {
    statements = parse(text);
  } catch (error) {
    const isUnquoted = path === null && /\bfrom\s/i.test(text);
    const files = isUnquoted ? "; files are in quotes: FROM 'sales/*.csv'" : "";
    const isLone = /\bhaving\s/i.test(text) && !/\bgroup\s+by\s/i.test(text);
    const more = isLone ? "; HAVING needs GROUP BY" : hintOf(text);
    throw wrong(problemOf(error, text) + files + more);
  }
  const [only] = statements;
  if (only === undefined || statements.length > 1) throw wrong("give one SELECT");
  if (only.type !== "select") throw refused(only.type);
  if (path === null) throw wrong("give the files to read: SELECT … FROM 'sales/*.csv'");
  return { select: withNames(only), path, spellings };
}

function refused(type: string): ClusterError {
  const isUnion = type.startsWith("union");
  const instead = isUnion ? forUnion : type.startsWith("with") ? inSteps : "";
  return refusal(isUnion ? "UNION" : type.toUpperCase(), instead);
}

/** A word that is a value in PostgreSQL, and here always the name of a column. */
function withNames<T>(part: T): T {
  if (typeof part !== "object" || part === null) return part;
  if ("keyword" in part && part.keyword === "user") return { type: "ref", name: "user" } as T;
  if (Array.isArray(part)) return part.map(withNames) as T;
  return Object.fromEntries(Object.entries(part).map(([k, v]) => [k, withNames(v)])) as T;
}

type Taken = Pick<Parsed, "spellings"> & { readonly path: string | null; readonly text: string };

/** The first name behind FROM, when it is quoted. */
function takePath(query: string): Taken {
  const spellings = new Map<string, Set<string>>();
  let path: string | null = null;
  let isFrom = false;
  let text = "";
  for (const [part] of query.matchAll(token)) {
    const isSpace = /^(\s|--|\/\*)/.test(part);
    // The parser ends numbers before these letters, and makes names of columns of them.
    if (/^\d./.test(part)) throw refusal(`the number ${part}`, "write decimal digits only");
    if (isFrom && /^['"]/.test(part)) {
      if (path !== null) throw refusal(...secondFile(query));
      const quote = part.charAt(0);
      path = part.slice(1, -1).replaceAll(quote + quote, quote);
      text += placeholder;
    } else {
      text += part;
      const name = /^[\p{L}_"]/u.test(part) ? part.replace(/^"(.*)"$/s, "$1") : "";
      const low = name.toLowerCase();
      // A quoted name keeps its capital letters.
      const isKnown = name === "" || (part !== name && name !== low);
      if (!isKnown) spellings.set(low, (spellings.get(low) ?? new Set()).add(name));
    }
    if (!isSpace) isFrom = /^(from|join)$/i.test(part);
  }
  return { path, spellings, text };
}

function problemOf(error: unknown, text: string): string {
  const { message } = error as Error;
  const at = /at line (\d+) col (\d+)/.exec(message);
  if (at === null) return `the query cannot be read: ${message.split("\n")[0]}`;
  const line = text.split("\n")[Number(at[1]) - 1] ?? "";
  const shown = line
    .slice(Number(at[2]) - 1)
    .slice(0, 30)
    .replace(placeholder, "the file");
  return `the query cannot be read at line ${at[1]}, column ${at[2]}: ${shown}`;
}
