/** Shared files and the members that hold them; the members; and the owners of jobs. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { JobSummary, MemberSummary } from "../../core/summary.ts";
import type { SharedFiles } from "../../wire/api/messages.ts";
import { usePolled } from "../api/connection.ts";
import { bytesText, countText } from "../i18n/amounts.ts";
import { useMessages } from "../i18n/language.ts";
import { Rich } from "../i18n/rich.tsx";
import { fileMessages } from "./messages.ts";

const everyMs = 3_000;
const holdersShown = 6;

export function FilesPage() {
  const say = useMessages(fileMessages);
  const [wanted, setWanted] = useState("");
  const files = usePolled<SharedFiles>(`/v1/files?find=${encodeURIComponent(wanted)}`, everyMs);
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{say("files")}</h1>
      <div class="panel">
        <header>
          <label class="row stretch">
            <span class="hidden">{say("find")}</span>
            <input
              type="search"
              class="stretch"
              placeholder={say("find")}
              value={wanted}
              onInput={(event) => setWanted(event.currentTarget.value)}
            />
          </label>
        </header>
        <FileTable shared={files.value} isFiltered={wanted !== ""} />
      </div>
      <div class="columns">
        <Members />
        <Owners />
      </div>
    </div>
  );
}

function FileTable({ isFiltered, shared }: { shared: SharedFiles | null; isFiltered: boolean }) {
  const say = useMessages(fileMessages);
  if (shared === null) return <div class="placeholder" aria-busy="true" />;
  if (shared.files.length === 0) {
    return (
      <div class="empty">
        <p>{say(isFiltered ? "notFound" : "noFiles")}</p>
        {isFiltered ? null : (
          <p class="quiet">
            <Rich text={say("noFilesHelp")} />
          </p>
        )}
      </div>
    );
  }
  return (
    <>
      <Table label={say("files")} heads={[say("name"), say("size"), say("holders")]}>
        {shared.files.map(({ holders, name, sizeBytes }) => (
          <tr key={name}>
            <td class="name">{name}</td>
            <td class="number">{sizeBytes === null ? say("unknown") : bytesText(sizeBytes)}</td>
            <td>
              {holders.slice(0, holdersShown).join(", ")}
              {holders.length > holdersShown ? ` +${holders.length - holdersShown}` : ""}
            </td>
          </tr>
        ))}
      </Table>
      {shared.more ? <p class="body quiet">{say("more")}</p> : null}
    </>
  );
}

function Members() {
  const say = useMessages(fileMessages);
  const { value } = usePolled<{ members: MemberSummary[] }>("/v1/members", everyMs);
  const members = value?.members ?? [];
  return (
    <div class="panel">
      <header>
        <h2>{say("members")}</h2>
      </header>
      {members.length === 0 ? (
        <p class="body quiet">{value === null ? "" : say("noMembers")}</p>
      ) : (
        <Table
          label={say("members")}
          heads={[say("member"), say("kind"), say("state"), say("count")]}
        >
          {members.map(({ files, kind, name, state }) => (
            <tr key={name}>
              <td class="name">{name}</td>
              <td>{say(kind)}</td>
              <td>
                <span class={`chip ${state}`}>{say(state)}</span>
              </td>
              <td class="number">{countText(files)}</td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

function Owners() {
  const say = useMessages(fileMessages);
  const { value } = usePolled<{ jobs: JobSummary[] }>("/v1/jobs", everyMs);
  const owners = new Map<string, { jobs: number; running: number }>();
  for (const { owner, state } of value?.jobs ?? []) {
    const counted = owners.get(owner) ?? { jobs: 0, running: 0 };
    counted.jobs++;
    if (state === "running") counted.running++;
    owners.set(owner, counted);
  }
  if (owners.size === 0) return null;
  return (
    <div class="panel">
      <header>
        <h2>{say("owners")}</h2>
      </header>
      <Table label={say("owners")} heads={[say("member"), say("jobs"), say("running")]}>
        {[...owners].map(([owner, { jobs, running }]) => (
          <tr key={owner}>
            <td class="name">{owner}</td>
            <td class="number">{countText(jobs)}</td>
            <td class="number">{countText(running)}</td>
          </tr>
        ))}
      </Table>
    </div>
  );
}

type TableProps = { label: string; heads: readonly string[]; children: ComponentChildren };

/** Scrolls by itself where the screen is narrow. */
function Table({ children, heads, label }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolled by keys
    <section class="scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
