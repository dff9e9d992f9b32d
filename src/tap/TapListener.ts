/**
 * Listens for the tap (adapter for the server of `node:http`).
 *
 * No request is too slow: whoever uploads for an hour is the engine's to judge. Connections are kept open longer than
 * those of other servers, so that a client which keeps one does not lose a request to our closing it.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { ListenError } from "../a2a/ListenError.ts"

const KEEP_ALIVE_MILLIS = 75_000
const MOST_HEADER_BYTES = 128 * 1024

export interface TapListenerOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Called for each request; must not throw. */
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void
}

/** The address, without a slash at its end. When the scope ends nothing is left open. */
export const listen = (
  { host, onRequest, port }: TapListenerOptions
): Effect.Effect<string, ListenError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly address: AddressInfo; readonly close: Effect.Effect<void> }, ListenError>((resume) => {
        const server = createServer({
          requestTimeout: 0,
          keepAliveTimeout: KEEP_ALIVE_MILLIS,
          maxHeaderSize: MOST_HEADER_BYTES,
          // Clients that offer HTTP/2 by the way are answered in HTTP/1.1.
          shouldUpgradeCallback: () => false
        }, onRequest)
        const close = Effect.callback<void>((closed) => {
          server.close(() => closed(Effect.void))
          server.closeAllConnections()
        })
        server.once("error", (error) => resume(Effect.fail(ListenError.fromCause(host, port, error))))
        server.listen(port, host, () => {
          const address = server.address()
          if (address !== null && typeof address !== "string") resume(Effect.succeed({ address, close }))
        })
      }),
      ({ close }) => close
    ),
    // One cannot connect to the address that stands for all addresses.
    ({ address: { address, family, port } }) =>
      `http://${
        address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "[::1]" : family === "IPv6" ? `[${address}]` : address
      }:${port}`
  )
