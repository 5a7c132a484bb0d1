/** `tequio share PATH…`: offers files where they lie, until it is ended. */
import { type Command, Option } from "commander";
import { ClusterError } from "../../core/error.ts";
import { isLoopback, parseListen } from "../../link/listen.ts";
import { Sharing } from "../../peer/share/sharing.ts";
import { linkText } from "../../wire/p4/share-link.ts";
import { faultText } from "../faults.ts";
import { bytesText, plural } from "../numbers.ts";
import { durationArgument, sizeArgument, withExamples, withJson } from "../options.ts";
import { openScreen, type Screen } from "../screen.ts";
import { oneLine } from "../text.ts";
import { Speedometer, transferLine } from "../transfer-line.ts";
import { joinCatalogue, type Listing } from "./listed.ts";
import { type MasterOptions, stateDirOf, withMaster } from "./master.ts";
import { linkAddresses, peerCertificate } from "./reachable.ts";

export type ShareOptions = MasterOptions & {
  readonly link?: boolean;
  readonly name?: string;
  readonly as?: string;
  readonly ttl: number;
  readonly listen: string;
  readonly limit?: number;
  readonly allowAnonymous?: boolean;
  readonly json?: boolean;
};

const shownMax = 10;
/** Files are looked at again this often, ms. */
const rescanMs = 10_000;

export function define(command: Command): void {
  command
    .argument("<path...>", "files and folders to share")
    .option("--link", "print a link that works without a coordinator; list the files nowhere")
    .option("--name <name>", "shared name (default: the last part of the path)")
    .option("--as <name>", "name of this peer in the catalogue (default: host name)")
    .addOption(
      new Option("--ttl <time>", "leave the catalogue after so much silence")
        .argParser(durationArgument("--ttl"))
        .default(60_000, "1m"),
    )
    .option("--listen <host:port>", "address from which other members fetch", "127.0.0.1:0")
    .option(
      "--limit <rate>",
      "send at most this many bytes per second, such as 10M",
      sizeArgument("--limit"),
    )
    .option("--allow-anonymous", "serve every peer that asks, including P4 peers without a ticket");
  withExamples(withJson(withMaster(command)), [
    ["tequio share books/", "members of the coordinator on this machine can fetch them"],
    [
      "tequio share film.mkv --link --listen 0.0.0.0:8001",
      "print a link; everyone who has it can fetch the file over TLS",
    ],
    [
      "tequio share data --listen 0.0.0.0:8001 --url https://host:7070",
      "list the files at a coordinator on another machine",
    ],
  ]).action(async (paths: string[], options: ShareOptions) => {
    await new Share(paths, options).run();
  });
}

/** With `--link` alone the file is listed at no coordinator; a user who gives the address of one,
 *  or a name for this peer there, wants both. */
function wantsCatalogue(options: ShareOptions): boolean {
  const { as, data, link, p4, url } = options;
  return !link || [as, data, p4, url].some((one) => one !== undefined);
}

class Share {
  readonly #paths: readonly string[];
  readonly #options: ShareOptions;
  readonly #screen: Screen = openScreen();
  #sentBytes = 0;

  constructor(paths: readonly string[], options: ShareOptions) {
    this.#paths = paths;
    this.#options = options;
  }

  async run(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
    });
    const sharing = await this.#open();
    let listing: Listing | null = null;
    const timers: NodeJS.Timeout[] = [];
    try {
      if (wantsCatalogue(this.#options)) listing = await this.#join(sharing);
      this.#tell(sharing, listing);
      timers.push(setInterval(() => this.#rescan(sharing, listing), rescanMs));
      if (this.#screen.live) timers.push(this.#watch());
      await ended;
    } finally {
      for (const timer of timers) clearInterval(timer);
      this.#screen.end();
      await listing?.leave();
      await sharing.close();
    }
    if (!this.#options.json) this.#screen.print("not shared any more");
  }

  async #open(): Promise<Sharing> {
    const { listen: text, link = false, limit, allowAnonymous = false, name } = this.#options;
    const listen = parseListen(text);
    const stateDir = stateDirOf();
    const isOpen = !isLoopback(listen.host);
    const tls = isOpen ? peerCertificate(stateDir, listen.host) : null;
    const speed = new Speedometer();
    let hashedBytes = 0;
    const sharing = await Sharing.open({
      paths: this.#paths,
      ...(name === undefined ? {} : { name }),
      listen,
      tls,
      stateDir,
      hasLink: link,
      allowsAnonymous: allowAnonymous,
      rateMaxBytes: limit ?? Number.POSITIVE_INFINITY,
      onNews: (news) => this.#screen.print(oneLine(news)),
      onHashed: (sizeBytes) => {
        hashedBytes += sizeBytes;
        speed.add(performance.now(), hashedBytes);
        if (!this.#screen.live) return;
        const transfer = { label: "hashing", doneBytes: hashedBytes, sizeBytes: null, note: "" };
        this.#screen.draw([transferLine(transfer, speed.bytesPerS, this.#screen.width())]);
      },
      onSent: (_content, sizeBytes) => {
        this.#sentBytes += sizeBytes;
      },
      onBroken: (error) => this.#screen.print(faultText(error, false)),
    });
    this.#screen.draw([]);
    if (sharing.files().length > 0) return sharing;
    await sharing.close();
    throw new ClusterError("bad-request", `there is no file to share in ${this.#paths.join(" ")}`);
  }

  async #join(sharing: Sharing): Promise<Listing> {
    try {
      return await joinCatalogue(sharing, this.#options, (news) => this.#screen.print(news));
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "unavailable") throw error;
      const text = `${error.text}; or share without one: --link`;
      throw new ClusterError("unavailable", text, { cause: error });
    }
  }

  #rescan(sharing: Sharing, listing: Listing | null): void {
    const broken = (error: unknown) => this.#screen.print(faultText(error, false));
    sharing
      .scan()
      .then((isChanged) => (isChanged ? listing?.publish() : undefined))
      .catch(broken);
  }

  #watch(): NodeJS.Timeout {
    const speed = new Speedometer();
    return setInterval(() => {
      speed.add(performance.now(), this.#sentBytes);
      const transfer = { label: "sent", doneBytes: this.#sentBytes, sizeBytes: null, note: "" };
      this.#screen.draw([transferLine(transfer, speed.bytesPerS, this.#screen.width())]);
    }, 500);
  }

  #tell(sharing: Sharing, listing: Listing | null): void {
    const { host } = parseListen(this.#options.listen);
    const { port } = sharing;
    const files = sharing.files();
    const link = this.#options.link ? linkOf(sharing, host) : null;
    if (this.#options.json) {
      const shown = files.map(({ name, root, sizeBytes }) => ({ name, root, sizeBytes }));
      const peer = listing?.clientId ?? null;
      const leftOut = sharing.leftOut();
      console.log(JSON.stringify({ host, port, peer, link, files: shown, leftOut }));
      return;
    }
    const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const where = listing === null ? "" : ` as ${listing.clientId}`;
    const size = `${plural(files.length, "file")}, ${bytesText(total)}`;
    console.log(`sharing ${size}, at ${host}:${port}${where}`);
    for (const file of files.slice(0, shownMax)) {
      console.log(`  ${oneLine(file.name)}  ${bytesText(file.sizeBytes)}`);
    }
    if (files.length > shownMax) console.log(`  … and ${files.length - shownMax} more`);
    if (link !== null) console.log(`get it with: tequio get '${link}'`);
    this.#warn(host);
    this.#screen.print("Ctrl-C stops sharing");
  }

  #warn(host: string): void {
    if (this.#options.allowAnonymous) {
      this.#screen.print(
        `warning: every machine that reaches ${host} can fetch these files, without a ticket` +
          (isLoopback(host) ? "" : "; existing peers do so unencrypted"),
      );
    }
    if (isLoopback(host)) {
      this.#screen.print("only this machine can fetch them; for others: --listen 0.0.0.0:<port>");
    }
  }
}

function linkOf(sharing: Sharing, host: string): string {
  const addresses = linkAddresses(host).map((one) => ({ host: one, port: sharing.port }));
  const fingerprint = isLoopback(host) ? "" : peerCertificate(stateDirOf(), host).fingerprint;
  return linkText({ ...sharing.linked(), addresses, secret: sharing.linkSecret, fingerprint });
}
