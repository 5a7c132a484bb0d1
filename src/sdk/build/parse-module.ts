/** The parser of modules beside a job file, by the bundler's own. */
import type { parseSync } from "rolldown/experimental";
import type { Parse } from "../captured/modules.ts";
import type { SyntaxNode } from "../captured/tree.ts";

export function parseModule(parse: typeof parseSync): Parse {
  return (path, source) => {
    const { errors, program } = parse(path, source, { sourceType: "module" });
    return errors.length > 0 ? null : (program as unknown as SyntaxNode);
  };
}
