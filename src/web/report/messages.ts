/** Texts of a kept report. */
import { catalogue } from "../i18n/language.ts";

export const reportMessages = catalogue({
  en: {
    made: "Kept on {when} by Tequio {version}.",
    running: "The job was still running at that time.",
    colours: "Colours",
    language: "Language",
  },
  es: {
    made: "Guardado el {when} por Tequio {version}.",
    running: "El trabajo seguía en curso en ese momento.",
    colours: "Colores",
    language: "Idioma",
  },
  zh: {
    made: "由 Tequio {version} 保存于 {when}。",
    running: "当时作业仍在运行。",
    colours: "颜色",
    language: "语言",
  },
});
