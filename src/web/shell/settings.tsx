/** The product's name, and the reader's settings: language and colours. */
import { useState } from "preact/hooks";
import {
  type Language,
  language,
  languageNames,
  languages,
  setLanguage,
  useMessages,
} from "../i18n/language.ts";
import { shellMessages } from "./messages.ts";
import { setTheme, type Theme, theme, themes } from "./theme.ts";

export function Brand() {
  return (
    <span class="brand">
      <Mark /> Tequio
    </span>
  );
}

/** The logo. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M1 5h14M8 5v9" />
      <circle cx="3.5" cy="11" r="2" />
      <circle cx="12.5" cy="11" r="2" />
    </svg>
  );
}

export function Settings() {
  const say = useMessages(shellMessages);
  const [chosen, choose] = useState<Theme>(theme);
  return (
    <div class="settings">
      <select
        aria-label={say("language")}
        value={language()}
        onChange={(event) => setLanguage(event.currentTarget.value as Language)}
      >
        {languages.map((one) => (
          <option key={one} value={one}>
            {languageNames[one]}
          </option>
        ))}
      </select>
      <select
        aria-label={say("theme")}
        value={chosen}
        onChange={(event) => {
          const name = event.currentTarget.value as Theme;
          setTheme(name);
          choose(name);
        }}
      >
        {themes.map((one) => (
          <option key={one} value={one}>
            {say(one)}
          </option>
        ))}
      </select>
    </div>
  );
}
