/** A link carries frames of bytes both ways, in order, until it closes. It knows nothing of their
 *  meaning. */

export interface Link {
  /** For logs: the other side's address. */
  readonly remote: string;
  /** Queues a frame. Frames arrive whole and in order or the link closes. No effect after close. */
  send(frame: Uint8Array): void;
  /** What was sent leaves now, not with what else is sent in this breath: somebody waits. Absent
   *  where nothing is held back. */
  flush?(): void;
  /** Bytes queued and not yet handed to the system; callers hold back above their bound. */
  pendingBytes(): number;
  /** Set once, before the first frame can arrive. */
  onFrame(receive: (frame: Uint8Array) => void): void;
  /** Called once, with why. */
  onClose(closed: (reason: string) => void): void;
  /** Closes; `reason` (at most 120 bytes) is told to the other side where the carrier can. May be
   *  called twice. */
  close(reason?: string): void;
}
