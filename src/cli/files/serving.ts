/** A file that is being fetched, offered meanwhile: others get from here what is verified. */

import { GrpcServer } from "../../link/grpc/server.ts";
import { isLoopback, parseListen } from "../../link/listen.ts";
import type { Download } from "../../peer/fetch/download.ts";
import { defaultListenerLimits, openListener } from "../../peer/listener.ts";
import { Admission, type Redeem } from "../../peer/serve/admission.ts";
import { ContentIndex } from "../../peer/serve/content.ts";
import { PartialContent } from "../../peer/serve/partial-content.ts";
import { FileService } from "../../peer/serve/service.ts";
import { faultText } from "../faults.ts";
import { joinCatalogue, type Listing, type ListingOptions, type Offer } from "./listed.ts";
import { stateDirOf } from "./master.ts";
import { peerCertificate } from "./reachable.ts";

export type Serving = {
  /** The partial file is there: it is listed from now on. */
  onOpen(download: Download): void;
  /** It is listed and read no more. */
  beforeClose(): Promise<void>;
  close(): Promise<void>;
};

/** `name`: what the catalogue calls it. A failure to serve others is reported and does not stop the
 *  download. */
export async function serveMeanwhile(
  name: string,
  options: ListingOptions,
  onNews: (text: string) => void,
): Promise<Serving> {
  const shelf = new ContentIndex();
  let redeem: Redeem | null = null;
  let content: PartialContent | null = null;
  let listing: Promise<Listing | null> = Promise.resolve(null);
  const told = (error: unknown) => onNews(faultText(error, false));
  const at = parseListen(options.listen);
  const tls = isLoopback(at.host) ? null : peerCertificate(stateDirOf(), at.host);
  const service = new FileService({
    shelf,
    admission: new Admission({ redeem: () => redeem, linkSecret: "", allowsAnonymous: false }),
    rateMaxBytes: Number.POSITIVE_INFINITY,
  });
  const listener = await openListener({
    ...defaultListenerLimits,
    ...at,
    grpc: new GrpcServer({ methods: service.methods(), tls, onBroken: told }),
    other: null,
  });
  return {
    onOpen(download) {
      const partial = new PartialContent(name, download);
      content = partial;
      shelf.put(partial);
      const offer: Offer = {
        listed: () => [partial],
        port: listener.port,
        fingerprint: tls?.fingerprint ?? "",
        setRedeem: (ask) => {
          redeem = ask;
        },
        onChange: () => {},
      };
      listing = joinCatalogue(offer, options, onNews).catch((error) => {
        told(error);
        return null;
      });
    },
    async beforeClose() {
      await (await listing)?.leave();
      shelf.remove(name);
      await content?.end();
    },
    close: () => listener.close(),
  };
}
