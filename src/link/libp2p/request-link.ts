/** A link to an existing peer: each request has a substream, on which its answer comes back. So the
 *  carrier knows which answer belongs to which request; ids in the frames that it delivers and
 *  takes say so, and never reach the peer.
 *
 *  1. A request is written before the next one opens its substream: they arrive in order.
 *  2. A request waits for a peer that has closed its idle connection, and goes again when the
 *     connection closes before its answer; the caller's wait for the answer has a limit.
 *  3. Where the carrier wants it, substreams are opened at a pace: peers with mplex leave the sixth
 *     of a second without an answer.
 *  4. Closing lets what was sent before leave, for a short while. */
import { cutReason, describeOwn } from "../close-reason.ts";
import type { Link } from "../link.ts";
import { FrameCutter, sendAll } from "./frames.ts";
import type { Stream } from "./load.ts";

/** What is in frames, by the protocol that they belong to. */
export type FrameIds = {
  /** Of a frame to be sent: its id as a request, or that of the request it answers, and the frame
   *  without them. */
  read(frame: Uint8Array): {
    readonly requestId: number | null;
    readonly answerTo: number | null;
    readonly bare: Uint8Array;
  };
  /** Of a frame that came, without its length: one with its length and this id. Null: it is none
   *  that is known. Throws `protocol-violated`. */
  asRequest(frame: Uint8Array, id: number): Uint8Array | null;
  asAnswer(frame: Uint8Array, id: number): Uint8Array | null;
};

export type RequestLinkOptions = {
  readonly remote: string;
  readonly ids: FrameIds;
  /** Opens a substream to the peer; dials it again, or waits for it, when that is needed. */
  readonly open: (signal: AbortSignal) => Promise<Stream>;
  /** Whether there is a connection to the peer now. */
  readonly isConnected?: () => boolean;
  /** Whether new substreams are to be paced. */
  readonly isPaced?: () => boolean;
  /** Limit for opening a substream, ms: how long a peer may be away. Default `answerTimeoutMs`. */
  readonly openTimeoutMs?: number;
  /** The link is of no more use: ends the connection. */
  readonly release: () => void;
  /** A larger frame closes the link. Default 8 MiB. */
  readonly frameMaxBytes?: number;
  /** Requests that wait for their answers at once; further ones wait here. Default 24: existing
   *  peers take 32 substreams, and both sides may have opened some for other ends. */
  readonly requestsMax?: number;
  /** Limit for an answer, ms. Default 10,000. */
  readonly answerTimeoutMs?: number;
  /** How long a close waits for what is queued, ms. Default 2,000. */
  readonly closeTimeoutMs?: number;
};

/** Requests of the peer that are unanswered; one more ends the link. */
const owedMax = 1_024;
/** How long after the end of a substream its connection may be seen to have closed, ms. */
const closingMs = 500;
/** How often a request goes out. */
const triesMax = 3;
/** Substreams of one peer in any such time, ms, where they are paced; others of its host count, as
 *  does the one on which it is identified. */
const pacedMax = 4;
const paceMs = 1_100;
/** Requests that may wait here; one more ends the link. */
const waitingMax = 65_536;

type Waiting = { readonly id: number; readonly bare: Uint8Array; readonly tries: number };

export class RequestLink implements Link {
  readonly remote: string;
  readonly matchesAnswers = true;
  readonly #options: RequestLinkOptions;
  readonly #frameMaxBytes: number;
  readonly #streams = new Set<Stream>();
  /** Of the peer's requests, by the id that they were given here. */
  readonly #owed = new Map<number, Stream>();
  #waiting: Waiting[] = [];
  /** When the last substreams were opened, ms. */
  #openedMs: number[] = [];
  #waitingBytes = 0;
  #unanswered = 0;
  #isOpening = false;
  #cut: NodeJS.Timeout | undefined;
  /** Nothing is sent any more. */
  readonly #ending = new AbortController();
  readonly #released = Promise.withResolvers<void>();
  #lastId = 0;
  #early: Uint8Array[] = [];
  #receive: ((frame: Uint8Array) => void) | null = null;
  #closed: ((reason: string) => void) | null = null;
  #why: string | null = null;
  #untold: string | null = null;

  constructor(options: RequestLinkOptions) {
    this.remote = options.remote;
    this.#options = options;
    this.#frameMaxBytes = options.frameMaxBytes ?? 8 * 1024 * 1024;
  }

  /** Resolves when what was sent before the close has left, or cannot. */
  get released(): Promise<void> {
    return this.#released.promise;
  }

  send(frame: Uint8Array): void {
    if (this.#why !== null) return;
    const { answerTo, bare, requestId } = this.#options.ids.read(frame);
    if (answerTo !== null) this.#answer(answerTo, bare);
    else this.#enqueue(requestId ?? 0, bare);
  }

  pendingBytes(): number {
    let bytes = this.#waitingBytes;
    for (const stream of this.#streams) bytes += stream.writeBufferLength;
    return bytes;
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    queueMicrotask(() => {
      const early = this.#early;
      this.#early = [];
      for (const frame of early) this.#deliver(frame);
    });
  }

  onClose(closed: (reason: string) => void): void {
    this.#closed = closed;
    if (this.#untold !== null) queueMicrotask(() => this.#tell());
  }

  close(reason = ""): void {
    if (this.#why !== null) return;
    this.#why = describeOwn(cutReason(reason));
    this.#untold = this.#why;
    queueMicrotask(() => this.#tell());
    const { closeTimeoutMs = 2_000 } = this.#options;
    // By then the last requests are answered, or never will be.
    this.#cut = setTimeout(() => this.#release(), closeTimeoutMs);
    this.#releaseWhenDone();
  }

  /** A substream that the peer has opened. */
  accept(stream: Stream): void {
    if (this.#why !== null) return stream.abort(new Error("the link is closed"));
    this.#add(stream);
    this.#read(stream, (frame) => {
      const id = ++this.#lastId;
      const request = this.#options.ids.asRequest(frame, id);
      // Existing implementations end a substream whose request they do not know.
      if (request === null) return void stream.close().catch(() => {});
      if (this.#owed.size >= owedMax) return this.close(`more than ${owedMax} unanswered requests`);
      this.#owed.set(id, stream);
      this.#deliver(request);
    });
  }

  #enqueue(id: number, bare: Uint8Array): void {
    this.#waiting.push({ id, bare, tries: 1 });
    this.#waitingBytes += bare.length;
    if (this.#waiting.length > waitingMax) this.close(`more than ${waitingMax} requests wait`);
    else void this.#sendNext();
  }

  async #sendNext(): Promise<void> {
    const { requestsMax = 24 } = this.#options;
    if (this.#isOpening || this.#unanswered >= requestsMax) return;
    const next = this.#waiting.shift();
    if (next === undefined) return this.#releaseWhenDone();
    this.#waitingBytes -= next.bare.length;
    this.#isOpening = true;
    this.#unanswered += 1;
    const { answerTimeoutMs = 10_000, openTimeoutMs = answerTimeoutMs } = this.#options;
    try {
      await this.#pace();
      const limit = AbortSignal.timeout(openTimeoutMs);
      const stream = await this.#open(AbortSignal.any([limit, this.#ending.signal]));
      const signal = AbortSignal.timeout(answerTimeoutMs);
      this.#add(stream);
      this.#ask(stream, next, signal);
      await sendAll(stream, next.bare, signal);
    } catch (error) {
      this.#unanswered -= 1;
      const text = `the peer cannot be reached: ${(error as Error).message}`;
      if (this.#options.isConnected?.() === false) this.close(text);
    } finally {
      this.#isOpening = false;
    }
    void this.#sendNext();
  }

  async #pace(): Promise<void> {
    if (this.#options.isPaced?.() !== true) return;
    const first = this.#openedMs.at(-pacedMax);
    const waitMs = first === undefined ? 0 : first + paceMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    this.#openedMs = [...this.#openedMs.slice(1 - pacedMax), performance.now()];
  }

  /** Its substream has ended without an answer. The peer does not know the request, unless the
   *  connection has closed, or does so now: then it goes again, before those that wait. */
  #again(request: Waiting, signal: AbortSignal): void {
    const { isConnected } = this.#options;
    if (isConnected === undefined || request.tries >= triesMax || this.#why !== null) return;
    const untilMs = performance.now() + closingMs;
    const look = () => {
      if (signal.aborted || this.#why !== null) return;
      if (!isConnected()) {
        this.#waiting.unshift({ ...request, tries: request.tries + 1 });
        this.#waitingBytes += request.bare.length;
        void this.#sendNext();
      } else if (performance.now() < untilMs) setTimeout(look, closingMs / 10).unref();
    };
    look();
  }

  /** A connection that the peer has just closed may still look open: the second try dials. */
  async #open(signal: AbortSignal): Promise<Stream> {
    const { open } = this.#options;
    try {
      return await open(signal);
    } catch {
      signal.throwIfAborted();
      return open(signal);
    }
  }

  /** The first frame is the answer; after it the substream ends. */
  #ask(stream: Stream, request: Waiting, signal: AbortSignal): void {
    const { id } = request;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      this.#unanswered -= 1;
      signal.removeEventListener("abort", late);
      void this.#sendNext();
    };
    const late = () => stream.abort(new Error("no answer"));
    signal.addEventListener("abort", late);
    const ended = () => {
      if (isOver) return;
      over();
      if (!signal.aborted) this.#again(request, signal);
    };
    stream.addEventListener("close", ended);
    stream.addEventListener("remoteCloseWrite", ended);
    this.#read(stream, (frame) => {
      if (isOver) return;
      const answer = this.#options.ids.asAnswer(frame, id);
      stream.close().catch(() => {});
      over();
      if (answer !== null) this.#deliver(answer);
    });
  }

  #answer(id: number, bare: Uint8Array): void {
    const stream = this.#owed.get(id);
    this.#owed.delete(id);
    if (stream === undefined) return;
    const signal = AbortSignal.timeout(this.#options.answerTimeoutMs ?? 10_000);
    sendAll(stream, bare, signal)
      .then(() => stream.close({ signal }))
      // The peer has given up its request, or is gone.
      .catch(() => stream.abort(new Error("the answer is not taken")));
  }

  #add(stream: Stream): void {
    this.#streams.add(stream);
    stream.addEventListener("close", () => {
      this.#streams.delete(stream);
      for (const [id, owed] of this.#owed) if (owed === stream) this.#owed.delete(id);
    });
  }

  #read(stream: Stream, take: (frame: Uint8Array) => void): void {
    const cutter = new FrameCutter(this.#frameMaxBytes);
    stream.addEventListener("message", ({ data }) => {
      try {
        for (const frame of cutter.add(data)) take(frame);
      } catch (error) {
        this.close((error as Error).message);
      }
    });
  }

  #deliver(frame: Uint8Array): void {
    if (this.#why !== null) return;
    if (this.#receive === null || this.#early.length > 0) this.#early.push(frame);
    else this.#receive(frame);
  }

  #releaseWhenDone(): void {
    const isDone = this.#waiting.length === 0 && this.#unanswered === 0 && !this.#isOpening;
    if (this.#why !== null && isDone) this.#release();
  }

  #release(): void {
    clearTimeout(this.#cut);
    this.#ending.abort();
    this.#waiting = [];
    for (const stream of this.#streams) stream.abort(new Error("the link is closed"));
    this.#options.release();
    this.#released.resolve();
  }

  #tell(): void {
    if (this.#closed === null || this.#untold === null) return;
    const reason = this.#untold;
    this.#untold = null;
    this.#closed(reason);
  }
}
