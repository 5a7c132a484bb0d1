/** Every text exists in every language, with the same placeholders, and is translated. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { type Catalogue, fill, type Message, preferred } from "./language.ts";

const web = new URL("../", import.meta.url);
const files = readdirSync(web, { recursive: true, encoding: "utf8" }).filter((name) =>
  /(^|\/)(messages|reasons)\.ts$/.test(name),
);
type All = Record<string, Record<string, Message>>;

async function catalogues(): Promise<Array<[string, All]>> {
  const found: Array<[string, All]> = [];
  for (const file of files) {
    const module = (await import(new URL(file, web).href)) as Record<string, unknown>;
    for (const [name, value] of Object.entries(module)) {
      if (name.endsWith("Messages")) found.push([name, value as Catalogue<unknown> as All]);
    }
  }
  return found;
}

const formsOf = (message: Message) =>
  typeof message === "string" ? [message] : [message.one, message.other];
const blanksOf = (message: Message) =>
  [...new Set(formsOf(message).flatMap((form) => form.match(/\{\w+\}/g) ?? []))].sort();

test("the catalogues of all areas are found", async () => {
  assert.ok((await catalogues()).length >= 7);
});

test("no text is missing in a language, empty, or without its placeholders", async () => {
  for (const [name, all] of await catalogues()) {
    for (const language of ["es", "zh"]) {
      const [english, other] = [all.en!, all[language]!];
      assert.deepEqual(Object.keys(other), Object.keys(english), `${name} ${language}`);
      for (const [key, message] of Object.entries(english)) {
        assert.ok(
          formsOf(other[key]!).every((form) => form !== ""),
          `${name}.${key} ${language}`,
        );
        assert.deepEqual(blanksOf(other[key]!), blanksOf(message), `${name}.${key} ${language}`);
      }
    }
  }
});

test("Chinese is Chinese", async () => {
  for (const [name, all] of await catalogues()) {
    for (const [key, message] of Object.entries(all.zh!)) {
      const words = formsOf(message).map((form) => form.replace(/\{\w+\}|`[^`]*`/g, ""));
      const isWords = words.some((form) => /[a-z]{2}/i.test(form));
      const isChinese = words.some((form) => /[\u4e00-\u9fff]/.test(form));
      assert.ok(isChinese || !isWords, `${name}.${key}: ${formsOf(message)}`);
    }
  }
});

test("Spanish addresses its reader as usted, everywhere", async () => {
  const pronouns = "tú|tus?|te|ti|contigo|puedes|tienes|quieres|debes|haz";
  // At the start of a sentence; within one they are of the third person.
  const orders = "Abre|Elige|Pulsa|Escribe|Usa|Mira|Deja|Añade|Inicia|Comparte|Instala|Reduce";
  const informal = new RegExp(
    `(?<![\\p{L}\`-])(${pronouns})(?!\\p{L})|(?:^|[.:;] )(${orders})(?!\\p{L})`,
    "u",
  );
  for (const [name, all] of await catalogues()) {
    for (const [key, message] of Object.entries(all.es!)) {
      for (const form of formsOf(message)) {
        const [found] = informal.exec(form.replace(/`[^`]*`/g, "")) ?? [];
        assert.equal(found, undefined, `${name}.${key}: ${form}`);
      }
    }
  }
});

test("what has a singular in English has one in Spanish", async () => {
  for (const [name, all] of await catalogues()) {
    for (const [key, message] of Object.entries(all.en!)) {
      const spanish = all.es![key]!;
      assert.equal(typeof spanish, typeof message, `${name}.${key}`);
      const [one, other] = [1, 2].map((n) => filled(spanish, n));
      const isWord = /(?<!\d)1 (?!de |tras |más )[a-zñáéíóú]{3,}s\b/.test(one!);
      // The first of more than there is room for are never one.
      assert.ok(!isWord || /primer[oa]s/.test(one!), `${name}.${key}: ${one} / ${other}`);
    }
  }
});

/** With this number in every place. */
function filled(message: Message, n: number): string {
  // `{used}` is an amount with its unit.
  const names = blanksOf(message).map((blank) => blank.slice(1, -1));
  return fill(message, "es", {
    ...Object.fromEntries(names.map((name) => [name, n])),
    ...{ n, used: "1 MB" },
  });
}

test("numbers select singular or plural, and are formatted for the language", () => {
  const message = { one: "{n} part", other: "{n} parts" };
  assert.equal(fill(message, "en", { n: 1 }), "1 part");
  assert.equal(fill(message, "en", { n: 12_000 }), "12,000 parts");
  assert.equal(fill("{a} of {b}", "es", { a: "x" }), "x of {b}");
  const two = "{a} {a:job|jobs}, {b} {b:slot|slots}";
  assert.equal(fill(two, "en", { a: "1", b: 2 }), "1 job, 2 slots");
});

test("the first supported language of the browser is used", () => {
  assert.equal(preferred(["de-DE", "zh-TW", "en"]), "zh");
  assert.equal(preferred(["es-419"]), "es");
  assert.equal(preferred(["fi"]), "en");
});
