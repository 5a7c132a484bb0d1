/** Puts a nats-server of Debian's packages into the cache where tests look for one. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { cacheDir } from "../../test/engines/nats-servers.ts";

/** Into a folder of its own: the packages of this system stay as they are. */
export function fetchNats(): void {
  const dir = newFolder("nats-package-");
  try {
    for (const name of ["lists/partial", "cache/archives/partial"]) {
      mkdirSync(join(dir, name), { recursive: true });
    }
    writeFileSync(
      join(dir, "sources.list"),
      "deb [trusted=yes] http://deb.debian.org/debian trixie main\n",
    );
    const places = [
      `Dir::Etc::sourcelist=${dir}/sources.list`,
      "Dir::Etc::sourceparts=-",
      `Dir::State::lists=${dir}/lists`,
      `Dir::Cache=${dir}/cache`,
    ].flatMap((one) => ["-o", one]);
    for (const what of [["update"], ["download", "nats-server"]]) {
      execFileSync("apt-get", [...places, ...what], { cwd: dir, stdio: "inherit" });
    }
    const file = readdirSync(dir).find((name) => name.endsWith(".deb")) as string;
    execFileSync("dpkg", ["-x", file, "package"], { cwd: dir });
    mkdirSync(cacheDir, { recursive: true });
    copyFileSync(join(dir, "package/usr/sbin/nats-server"), join(cacheDir, "nats-server"));
    console.log(`nats-server is in ${cacheDir}`);
  } finally {
    removeFolder(dir);
  }
}
