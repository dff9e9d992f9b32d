/** A probe of servers that do what no engine should: it ends in time, says what it found, and calls none of them fit. */
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer as createSocketServer } from "node:net"
import type { EngineReport } from "../../src/probe/EngineReport.ts"
import { idsOf, impatient, probed } from "../support/engineProbes.ts"
import { type Script, scriptedServer } from "../support/scriptedServer.ts"

const models = JSON.stringify({ data: [{ id: "m", owned_by: "vllm" }] })
const chunk = (content: string, more: object = {}) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, ...more }] })}\n\n`
const finish = `${chunk("", { finish_reason: "stop" })}data: [DONE]\n\n`

/** Everything else is not found. */
const answering = (chat: Script, listed = models): Script => (response, request) => {
  if (request.path === "/v1/models") response.end(listed)
  else if (request.path === "/v1/chat/completions") chat(response, request)
  else response.writeHead(404).end()
}

const streaming = (write: (response: Parameters<Script>[0], body: string) => void): Script =>
  answering((response, { body }) => {
    response.writeHead(200, { "content-type": "text/event-stream" })
    write(response, body)
  })

/** Writes for as long as somebody reads. */
const endlessly = (response: Parameters<Script>[0], text: string) => {
  const pump = () => {
    while (!response.destroyed && response.write(text));
  }
  response.on("drain", pump)
  pump()
}

const repeated = (count: number, text: string) => text.repeat(count)

const servers: Readonly<Record<string, Script>> = {
  "endless models": (response) => endlessly(response, "x".repeat(65_536)),
  "models that are null": answering((response) => response.end(), "null"),
  "models of odd shapes": answering(
    (response) => response.end(),
    JSON.stringify({ data: [null, 7, { id: 7 }, { id: "" }, []] })
  ),
  "endless tokens": streaming((response) => endlessly(response, repeated(50, chunk("x")))),
  "endless comments": streaming((response) => endlessly(response, repeated(200, ": still here\n\n"))),
  "an event without an end": streaming((response) => endlessly(response, "x".repeat(65_536))),
  "one comment, then nothing": streaming((response) => void response.write(": hello\n\n")),
  "choices of odd shapes": streaming((response) => {
    response.end(
      [null, 1, [null], [{}], [{ delta: 4 }], {}].map((choices) =>
        `data: ${JSON.stringify({ choices, usage: { completion_tokens: -1 } })}\n\n`
      ).join("") + "data: [[[[\n\ndata: 7\n\ndata: null\n\n"
    )
  }),
  "a redirect to elsewhere": (response) => response.writeHead(302, { location: "http://127.0.0.1:1/v1/models" }).end(),
  "a server that redirects chats": answering((response) => response.writeHead(307, { location: "/elsewhere" }).end()),
  "no JSON at all": (response) => response.end("<html><body>It works!</body></html>"),
  "finished without a token": streaming((response) => response.end(finish)),
  "metrics without an end": (response, { path }) => {
    if (path === "/metrics") endlessly(response, "some_series_total{a=\"b\"} 1\n".repeat(1000))
    else {answering((chat) => {
        chat.writeHead(200, { "content-type": "text/event-stream" })
        chat.end(chunk("\u001b[31mred") + finish)
      })(response, { path, body: "" })}
  }
}

const silentSocket = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const sockets = new Set<{ destroy: () => void }>()
    const server = createSocketServer((socket) => {
      sockets.add(socket)
      socket.on("error", () => {})
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed({
        url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/v1`,
        close: () => {
          for (const socket of sockets) socket.destroy()
          server.close()
        }
      }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const patience = { ...impatient, wholeMillis: 5000 }

class Reports extends Context.Service<Reports, ReadonlyMap<string, EngineReport>>()("test/Reports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.gen(function*() {
      const reports = yield* Effect.forEach(
        Object.entries(servers),
        ([name, script]) =>
          Effect.scoped(Effect.gen(function*() {
            const { url } = yield* scriptedServer(script)
            return [
              name,
              yield* probed(`${url}/v1`, { patience, model: name.includes("models") ? undefined : "m" })
            ] as const
          })),
        { concurrency: 5 }
      )
      const silent = yield* Effect.scoped(Effect.flatMap(silentSocket, ({ url }) => probed(url, { patience })))
      return Reports.of(new Map([...reports, ["nothing at all", silent]]))
    })
  )
}

layer(Reports.layer, { excludeTestServices: true, timeout: "120 seconds" })("EngineProbe of a hostile server", (it) => {
  const expected: Readonly<Record<string, string>> = {
    "endless models": "unreachable",
    "models that are null": "no-model",
    "models of odd shapes": "no-model",
    "endless tokens": "endless",
    "endless comments": "endless",
    "an event without an end": "endless",
    "one comment, then nothing": "no-token",
    "choices of odd shapes": "malformed",
    "a redirect to elsewhere": "refused",
    "a server that redirects chats": "refused",
    "no JSON at all": "not-streamed",
    "finished without a token": "empty",
    "nothing at all": "unreachable"
  }
  for (const [name, finding] of Object.entries(expected)) {
    it.effect(`is not taken in by ${name}`, () =>
      Effect.map(Reports, (reports) => {
        const report = reports.get(name)!
        assert.include(idsOf(report), finding)
        assert.isFalse(report.fit)
        assert.strictEqual(report.findings[0]!.severity, "blocker")
      }))
  }

  it.effect("watches an engine whose metrics have no end, and says so", () =>
    Effect.map(Reports, (reports) => {
      const report = reports.get("metrics without an end")!
      assert.isTrue(report.fit, JSON.stringify(report.findings))
      assert.include(idsOf(report), "no-metrics")
    }))
})
