/** A link carries frames of bytes both ways, in order, until it closes. It does not interpret
 *  them. */

export interface Link {
  /** For logs: the peer's address. */
  readonly remote: string;
  /** The carrier knows which answer belongs to which request, and sets the ids in frames
   *  accordingly; absent: it carries frames as they are. */
  readonly matchesAnswers?: true;
  /** Queues a frame. Frames arrive whole and in order or the link closes. No effect after close. */
  send(frame: Uint8Array): void;
  /** Sends what is queued now instead of at the end of this turn: the peer is waiting for it.
   *  Absent where nothing is delayed. */
  flush?(): void;
  /** Bytes queued and not yet passed to the system; above their bound callers should pause. */
  pendingBytes(): number;
  /** Set once, before the first frame can arrive. */
  onFrame(receive: (frame: Uint8Array) => void): void;
  /** Called once, with the reason. */
  onClose(closed: (reason: string) => void): void;
  /** Closes; `reason` (at most 120 bytes) is sent to the peer where the carrier can. May be called
   *  twice. */
  close(reason?: string): void;
}
