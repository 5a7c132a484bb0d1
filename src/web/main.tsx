/** The page's entry: shows what the address names. */
import "./styles/colours.css";
import "./styles/page.css";
import { render } from "preact";
import { startLanguage, useLanguage, useMessages } from "./i18n/language.ts";
import { JoinPage } from "./join/page.tsx";
import { shellMessages } from "./shell/messages.ts";
import { follow, usePlace } from "./shell/router.ts";
import { startSession } from "./shell/session.ts";
import { Shell } from "./shell/shell.tsx";
import { showTheme, theme } from "./shell/theme.ts";

function App() {
  useLanguage();
  const place = usePlace();
  return <Shell place={place}>{place.page === "join" ? <JoinPage /> : <Nowhere />}</Shell>;
}

function Nowhere() {
  const say = useMessages(shellMessages);
  return (
    <section class="empty">
      <h1 tabIndex={-1}>{say("nowhere")}</h1>
      <a href="/" onClick={follow}>
        {say("toJobs")}
      </a>
    </section>
  );
}

showTheme(theme());
startLanguage();
startSession();
render(<App />, document.getElementById("app") as HTMLElement);
