/** Which documents are pages of the site, where each lies in it, and in which order people find
 *  them. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

export const root = dirname(dirname(import.meta.dirname));

export type Page = {
  /** From the repository, as `docs/client.md`. */
  readonly source: string;
  /** From the site, as `docs/client.html`. */
  readonly place: string;
  readonly title: string;
  readonly text: string;
};

export type Section = { readonly title: string; readonly sources: readonly string[] };

/** The contents beside each page; what is in none of them is found by links. */
export const sections: readonly Section[] = [
  { title: "Start", sources: ["README.md", "docs/limits.md", "docs/recipes.md"] },
  {
    title: "Tutorials",
    sources: [
      "docs/tutorials/sweep.md",
      "docs/tutorials/logs.md",
      "docs/tutorials/class.md",
      "docs/tutorials/operator.md",
    ],
  },
  {
    title: "Jobs",
    sources: [
      "docs/operators.md",
      "docs/python.md",
      "docs/client.md",
      "docs/reference.md",
      "docs/environment.md",
      "docs/errors.md",
      "docs/try-it.md",
    ],
  },
  {
    title: "Clusters",
    sources: [
      "docs/operations.md",
      "docs/sites.md",
      "docs/trust.md",
      "docs/networks.md",
      "docs/scale.md",
      "docs/reliability.md",
      "docs/http-api.md",
      "docs/dashboards.md",
    ],
  },
  {
    title: "Project",
    sources: [
      "ARCHITECTURE.md",
      "docs/glossary.md",
      "CONTRIBUTING.md",
      "SECURITY.md",
      "CHANGELOG.md",
    ],
  },
];

/** All Markdown that users and developers read. */
export function sitePages(): Page[] {
  const top = readdirSync(root).filter((name) => name.endsWith(".md"));
  const inFolders = ["docs", "examples", "bench", "test/scenarios"].flatMap(markdownIn);
  return [...top, ...inFolders].sort().map((source) => {
    const text = readFileSync(join(root, source), "utf8");
    return { source, place: placeOf(source), title: titleOf(text, source), text };
  });
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !/(^|[/\\])(node_modules|\.cache)[/\\]/.test(name))
    .map((name) => posix.join(folder, name.replaceAll("\\", "/")));
}

/** A README is the index of its folder. */
function placeOf(source: string): string {
  return source.replace(/README\.md$/, "index.html").replace(/\.md$/, ".html");
}

function titleOf(text: string, source: string): string {
  const heading = /^# (.+)$/m.exec(text)?.[1] ?? source;
  return heading.replace(/[`*]/g, "");
}
