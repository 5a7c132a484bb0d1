/** Links over WebSocket: `dialWebSocket` on one side, `acceptWebSockets` behind an HTTP server on
 *  the other. */
export {
  type AcceptOptions,
  acceptWebSockets,
  refuseUpgrade,
  type WebSocketAcceptor,
} from "./websocket/accept.ts";
export { type DialOptions, dialWebSocket } from "./websocket/dial.ts";
