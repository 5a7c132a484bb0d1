/** What surrounds every page: the name, the pages there are, language and colours. */
import type { ComponentChildren } from "preact";
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
import { follow, type Place } from "./router.ts";
import { setTheme, type Theme, theme, themes } from "./theme.ts";

const pages = [
  { page: "jobs", path: "/" },
  { page: "workers", path: "/workers" },
  { page: "files", path: "/files" },
  { page: "try", path: "/try" },
] as const;

export function Shell({ place, children }: { place: Place; children: ComponentChildren }) {
  const say = useMessages(shellMessages);
  const isHere = (page: string) => page === (place.page === "job" ? "jobs" : place.page);
  return (
    <>
      <a class="skip" href="#content">
        {say("skip")}
      </a>
      <header class="top">
        <a class="brand" href="/" onClick={follow}>
          <Mark /> Tequio
        </a>
        {place.page === "join" ? (
          <span class="stretch" />
        ) : (
          <nav class="pages" aria-label={say("navigation")}>
            {pages.map(({ page, path }) => (
              <a
                key={page}
                href={path}
                onClick={follow}
                aria-current={isHere(page) ? "page" : undefined}
              >
                {say(page)}
              </a>
            ))}
          </nav>
        )}
        <Settings />
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** Two hands of a village at one load. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M1 5h14M8 5v9" />
      <circle cx="3.5" cy="11" r="2" />
      <circle cx="12.5" cy="11" r="2" />
    </svg>
  );
}

function Settings() {
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
