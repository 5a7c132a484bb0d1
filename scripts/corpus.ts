/** The book collection that demo, examples and tests read: twelve invented books in seven
 *  languages.
 *
 *  Generated from seeds, so that nothing large lies in the repository, and kept in examples/.cache.
 *  The same bytes on every machine: `corpusDigest` says which. */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type BookOptions, writeBook } from "./corpus/book.ts";
import { chinese } from "./corpus/chinese.ts";
import { english } from "./corpus/english.ts";
import { french } from "./corpus/french.ts";
import { german } from "./corpus/german.ts";
import { japanese } from "./corpus/japanese.ts";
import type { Language } from "./corpus/language.ts";
import { portuguese } from "./corpus/portuguese.ts";
import { spanish } from "./corpus/spanish.ts";

const bookSizeBytes = 1_900_000;
const languages: readonly Language[] = [
  english,
  spanish,
  french,
  german,
  portuguese,
  chinese,
  japanese,
];

/** SHA-256 over the SHA-256 of every book, in order. Changes only when the texts are changed. */
export const corpusDigest = "61bc1d3405bd6f7043d0f974c17a1f87b6f6fb3bff84f9f89a0a60255d1c1958";

export type Book = BookOptions & { readonly file: string };

export const books: readonly Book[] = languages
  .flatMap((language) => language.titles.map((title) => ({ language, title })))
  .map(({ language, title }, index) => ({
    language,
    title,
    file: `${String(index + 1).padStart(2, "0")}-${language.code}.txt`,
    seed: 1000 + index,
    sizeBytes: bookSizeBytes,
    // Every third book has a paragraph a line; East Asian text has no blanks to break at anyway.
    width: index % 3 === 2 ? 0 : 72,
  }));

export function digestOf(texts: Iterable<string>): string {
  const all = createHash("sha256");
  for (const text of texts) all.update(createHash("sha256").update(text).digest());
  return all.digest("hex");
}

/** Directory with the books; writes them when they are not there yet. */
export function corpusDirectory(): string {
  const cache = join(dirname(import.meta.dirname), "examples", ".cache");
  const directory = join(cache, `books-${corpusDigest.slice(0, 12)}`);
  if (existsSync(directory)) return directory;
  mkdirSync(cache, { recursive: true });
  const staging = mkdtempSync(join(cache, "staging-"));
  chmodSync(staging, 0o755);
  for (const book of books) writeFileSync(join(staging, book.file), writeBook(book));
  try {
    renameSync(staging, directory);
  } catch (error) {
    // Another process was faster, and its books are the same.
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(directory)) throw error;
  }
  return directory;
}

if (import.meta.main) process.stdout.write(`${corpusDirectory()}\n`);
