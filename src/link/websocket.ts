/** Links over WebSocket: `dialWebSocket` on one side, `acceptWebSockets` behind an HTTP server on
 *  the other. */
export {
  type AcceptOptions,
  type Acceptor,
  acceptTexts,
  acceptWebSockets,
  refuseUpgrade,
  type WebSocketAcceptor,
} from "./websocket/accept.ts";
export { type DialOptions, dialText, dialWebSocket } from "./websocket/dial.ts";
export { TextLink, type TextReceiver } from "./websocket/text-link.ts";
