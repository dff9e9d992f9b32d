// @effect-diagnostics globalFetch:off
/**
 * A reverse proxy that reads a whole answer before it sends any of it, as nginx does with `proxy_buffering on` and an
 * agent that does not forbid it. Cards come out with the proxy's address, as gateways rewrite them.
 */
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import type { StartedAgent } from "./handMadeAgent.ts"

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** In front of an agent, which is closed with it. */
export const collectingProxy = async (agent: StartedAgent): Promise<StartedAgent> => {
  const abort = new AbortController()
  let url = ""
  const server = createServer((request, response) => {
    const forward = async () => {
      const { "content-type": type, "a2a-version": version } = request.headers
      const behind = await fetch(new URL(request.url ?? "/", agent.url), {
        method: request.method ?? "GET",
        headers: {
          ...(type === undefined ? {} : { "content-type": type }),
          ...(version === undefined ? {} : { "a2a-version": String(version) })
        },
        body: request.method === "POST" ? new Uint8Array(await bodyOf(request)) : null,
        signal: abort.signal
      })
      const body = (await behind.text()).replaceAll(agent.url, url)
      response.writeHead(behind.status, {
        "content-type": behind.headers.get("content-type") ?? "application/json",
        server: "nginx/1.27.0",
        via: "1.1 collecting-proxy"
      })
      response.end(body)
    }
    forward().catch(() => response.destroy())
  })
  server.on("connection", (socket) => socket.on("error", () => {}))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    close: () => {
      abort.abort()
      server.close()
      server.closeAllConnections()
      agent.close()
    }
  }
}
