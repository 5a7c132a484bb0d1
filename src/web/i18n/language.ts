/** Texts of the page in its three languages: each area has its own catalogue, and the type checks
 *  that no text is missing. */
import { useEffect, useState } from "preact/hooks";

export const languages = ["en", "es", "zh"] as const;
export type Language = (typeof languages)[number];
export const languageNames: Readonly<Record<Language, string>> = {
  en: "English",
  es: "Español",
  zh: "中文",
};

/** A text with placeholders, as `{name}`; with forms by number, which `n` selects, where languages
 *  differ. */
export type Message = string | { readonly one: string; readonly other: string };
type Same<M> = { readonly [K in keyof M]: M[K] extends string ? string : Message };
export type Values = Readonly<Record<string, string | number>>;

export type Catalogue<M> = Readonly<Record<Language, Same<M>>>;

/** The English texts define which keys there are. */
export function catalogue<const M extends Readonly<Record<string, Message>>>(
  all: { readonly en: M } & { readonly [L in Exclude<Language, "en">]: Same<M> },
): Catalogue<M> {
  return all as unknown as Catalogue<M>;
}

const stored = "tequio.language";
let current: Language = "en";
const listeners = new Set<() => void>();

/** Called once at the start: the reader's earlier choice, else the browser's preference. */
export function startLanguage(): void {
  setLanguage(known(read()) ?? preferred(navigator.languages), false);
}

export function preferred(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = known(tag.slice(0, 2).toLowerCase());
    if (language !== null) return language;
  }
  return "en";
}

function known(text: string | null): Language | null {
  return languages.find((language) => language === text) ?? null;
}

export function setLanguage(language: Language, remember = true): void {
  current = language;
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  if (remember) write(language);
  for (const listener of [...listeners]) listener();
}

export function language(): Language {
  return current;
}

/** Renders the component again when the language changes. */
export function useLanguage(): Language {
  const [, again] = useState(0);
  useEffect(() => {
    const listener = () => again((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return current;
}

export type Say<M> = (name: keyof M & string, values?: Values) => string;

/** The texts of one area, for components. */
export function useMessages<M>(from: Catalogue<M>): Say<M> {
  const now = useLanguage();
  return (name, values) => fill(from[now][name] as Message, now, values);
}

/** The same outside of components. */
export function say<M>(from: Catalogue<M>, name: keyof M & string, values?: Values): string {
  return fill(from[current][name] as Message, current, values);
}

/** `{name}` is a value, `{name:one|other}` the form of a word that goes with it: for texts with
 *  several numbers. */
export function fill(message: Message, inLanguage: Language, values: Values = {}): string {
  const form = typeof message === "string" ? message : pick(message, inLanguage, values);
  const text = form.replace(
    /\{(\w+):([^|}]*)\|([^}]*)\}/g,
    (_, name: string, one: string, other: string) => (Number(values[name]) === 1 ? one : other),
  );
  return text.replace(/\{(\w+)\}/g, (all, name: string) => {
    const value = values[name];
    if (value === undefined) return all;
    return typeof value === "number" ? value.toLocaleString(inLanguage) : value;
  });
}

function pick(message: Exclude<Message, string>, inLanguage: Language, { n }: Values): string {
  const rule = new Intl.PluralRules(inLanguage).select(Number(n));
  return rule === "one" ? message.one : message.other;
}

/** Storage may be forbidden; then the choice is not kept. */
function read(): string | null {
  try {
    return localStorage.getItem(stored);
  } catch {
    return null;
  }
}

function write(language: Language): void {
  try {
    localStorage.setItem(stored, language);
  } catch {
    // See `read`.
  }
}
