/** The page's entry: shows what the address names. */
import "./styles/colours.css";
import "./styles/page.css";
import "./styles/panels.css";
import "./styles/drawn.css";
import "uplot/dist/uPlot.min.css";
import { render } from "preact";
import { WorkersPage } from "./cluster/page.tsx";
import { FilesPage } from "./files/page.tsx";
import { startLanguage, useLanguage, useMessages } from "./i18n/language.ts";
import { JobPage } from "./job/page.tsx";
import { JobsPage } from "./jobs/list.tsx";
import { JoinPage } from "./join/page.tsx";
import { Gate } from "./shell/gate.tsx";
import { shellMessages } from "./shell/messages.ts";
import { follow, type Place, usePlace } from "./shell/router.ts";
import { startSession } from "./shell/session.ts";
import { Shell } from "./shell/shell.tsx";
import { showTheme, theme } from "./shell/theme.ts";
import { TryPage } from "./try/page.tsx";

function App() {
  useLanguage();
  const place = usePlace();
  return (
    <Shell place={place}>{place.page === "join" ? <JoinPage /> : <Inside place={place} />}</Shell>
  );
}

function Inside({ place }: { place: Place }) {
  return <Gate>{pageOf(place)}</Gate>;
}

function pageOf(place: Place) {
  switch (place.page) {
    case "jobs":
      return <JobsPage />;
    case "job":
      return <JobPage key={place.job} job={place.job} />;
    case "workers":
      return <WorkersPage opened={place.worker} />;
    case "try":
      return <TryPage />;
    case "files":
      return <FilesPage />;
    default:
      return <Nowhere />;
  }
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
