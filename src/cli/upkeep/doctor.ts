/** `tequio doctor`: what is unsafe in this set-up, and how to fix it. */
import type { Command } from "commander";
import { dataDirOf } from "../../client/place.ts";
import { exitCodes } from "../faults.ts";
import { withExamples, withJson } from "../options.ts";
import { withPastable } from "../paste.ts";
import { styled } from "../screen.ts";
import { oneLine, padTo } from "../text.ts";
import type { Finding } from "./doctor/finding.ts";

type Options = { readonly data?: string; readonly json?: boolean };

const colours = { good: "green", note: "cyan", warning: "yellow", serious: "red" } as const;

export function define(command: Command): void {
  command.option("--data <dir>", "data directory of a coordinator (or $TEQUIO_DATA)");
  withExamples(withJson(command), [
    ["tequio doctor", "check this machine, its data directory and its coordinator"],
    ["tequio doctor --json", "exit with code 1 when a finding is serious"],
  ]).action(async (options: Options) => {
    const dir = dataDirOf(options.data);
    const found = await examine(dir);
    const findings = found.map((one) => ({ ...one, fix: withPastable(one.fix, options) }));
    console.log(options.json ? JSON.stringify({ dir, findings }) : told(findings));
    if (findings.some(({ severity }) => severity === "serious")) {
      process.exitCode = exitCodes.failed;
    }
  });
}

async function examine(dir: string): Promise<Finding[]> {
  const { machineFindings } = await import("./doctor/machine.ts");
  const { dataFindings } = await import("./doctor/data.ts");
  const { clusterFindings } = await import("./doctor/cluster.ts");
  const { engineFindings } = await import("./doctor/engine.ts");
  const here = [...(await machineFindings()), ...dataFindings(dir)];
  return [...here, ...(await engineFindings(dir)), ...(await clusterFindings(dir))];
}

function told(findings: readonly Finding[]): string {
  return findings.map(line).join("\n");
}

function line({ fix, severity, topic, what }: Finding): string {
  const head = `${styled(colours[severity], padTo(severity, 7))}  ${padTo(topic, 11)}`;
  return `${head}  ${oneLine(what)}${fix === "" ? "" : `\n${" ".repeat(22)}→ ${oneLine(fix)}`}`;
}
