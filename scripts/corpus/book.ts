/** Writes one book: chapters, paragraphs, dialogue and the odd table, from a language and a
 *  seed. */
import type { Language } from "./language.ts";
import { type Random, seeded } from "./random.ts";

export type BookOptions = {
  readonly language: Language;
  readonly title: string;
  readonly seed: number;
  /** The book ends with the first chapter that reaches this many UTF-8 bytes. */
  readonly sizeBytes: number;
  /** Characters a line; 0 = one paragraph a line, whatever its length. */
  readonly width: number;
};

export function writeBook(options: BookOptions): string {
  const random = seeded(options.seed);
  const parts = [`${options.title}\n\n`];
  let sizeBytes = 0;
  for (let number = 1; sizeBytes < options.sizeBytes; number++) {
    const chapter = writeChapter(options, random, number);
    sizeBytes += Buffer.byteLength(chapter);
    parts.push(chapter);
  }
  return parts.join("");
}

function writeChapter(options: BookOptions, random: Random, number: number): string {
  const { language, width } = options;
  const lines = ["", language.chapter.replace("#", String(number)), ""];
  const cast = Array.from({ length: 12 }, () => properName(language, random));
  const paragraphCount = 20 + Math.floor(random.next() * 30);
  for (let index = 0; index < paragraphCount; index++) {
    const kind = random.next();
    if (kind < 0.02) lines.push(...ledger(cast, random));
    else if (kind < 0.25) lines.push(wrap(speech(language, cast, random), width));
    else lines.push(wrap(paragraph(language, cast, random), width));
    lines.push("");
  }
  return `${lines.join("\n")}\n`;
}

function paragraph(language: Language, cast: readonly string[], random: Random): string {
  const count = 1 + Math.floor(random.next() * random.next() * 14);
  const sentences = Array.from({ length: count }, () => sentence(language, cast, random));
  return sentences.join(language.marks.space);
}

function sentence(language: Language, cast: readonly string[], random: Random): string {
  const { openers, endings, links, marks } = language;
  let text = "";
  if (openers.length > 0 && random.next() < 0.3) {
    text = `${pick(openers, random)}${marks.comma}${marks.space}`;
  }
  text += clause(language, cast, random);
  while (random.next() < 0.35) {
    const link = pick(links, random);
    const gap = /^[,;，。が]/.test(link) ? "" : marks.space;
    text += `${gap}${link}${marks.space}${clause(language, cast, random)}`;
  }
  if (endings.length > 0 && random.next() < 0.3) text += `${marks.space}${pick(endings, random)}`;
  return upperFirst(text) + pickEvenly(marks.stops, random);
}

function clause(language: Language, cast: readonly string[], random: Random): string {
  const subject = pick(language.subjects, random);
  return `${subject}${language.marks.space}${predicate(language, cast, random)}`;
}

/** Now and then the name of a person and a year follow a subject's deed, for the long tail of
 *  words. */
function predicate(language: Language, cast: readonly string[], random: Random): string {
  const text = pick(language.predicates, random);
  if (random.next() > 0.08) return text;
  const { space } = language.marks;
  return `${text}${space}(${pick(cast, random)}${space}${1500 + Math.floor(random.next() * 500)})`;
}

function speech(language: Language, cast: readonly string[], random: Random): string {
  const { quotes, space, comma } = language.marks;
  const saying = upperFirst(pick(language.sayings, random));
  const says = pick(language.says, random).replace("@", pick(cast, random));
  const rest = random.next() < 0.5 ? `${space}${paragraph(language, cast, random)}` : "";
  return `${quotes[0]}${saying}${comma}${quotes[1]}${space}${says}${stopOf(language)}${rest}`;
}

function stopOf(language: Language): string {
  return language.marks.stops[0]!;
}

/** A page of the account book: short lines with names and numbers. */
function ledger(cast: readonly string[], random: Random): string[] {
  const rows = 3 + Math.floor(random.next() * 8);
  return Array.from({ length: rows }, () => {
    const days = Math.floor(random.next() * 30);
    return `  ${pick(cast, random)}\t${days}\t${(random.next() * 900).toFixed(2)}`;
  });
}

function properName(language: Language, random: Random): string {
  const count = 2 + Math.floor(random.next() * 2);
  const text = Array.from({ length: count }, () => pick(language.syllables, random)).join("");
  return upperFirst(text);
}

function pick(list: readonly string[], random: Random): string {
  return list[random.rank(list.length)]!;
}

function pickEvenly(list: readonly string[], random: Random): string {
  return list[Math.floor(random.next() * list.length)]!;
}

function upperFirst(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0)!);
  return first.toUpperCase() + text.slice(first.length);
}

/** Breaks at blanks only, so that a text without blanks stays one line. */
function wrap(text: string, width: number): string {
  if (width === 0) return text;
  let column = 0;
  let wrapped = "";
  for (const word of text.split(" ")) {
    const fits = column + 1 + word.length <= width;
    wrapped += column === 0 ? word : fits ? ` ${word}` : `\n${word}`;
    column = column === 0 || !fits ? word.length : column + 1 + word.length;
  }
  return wrapped;
}
