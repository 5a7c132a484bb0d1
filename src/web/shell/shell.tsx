/** What surrounds every page: name, navigation, language and colours. */
import type { ComponentChildren } from "preact";
import { useMessages } from "../i18n/language.ts";
import { shellMessages } from "./messages.ts";
import { follow, type Place } from "./router.ts";
import { Brand, Settings } from "./settings.tsx";

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
        <a class="home" href="/" onClick={follow}>
          <Brand />
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
