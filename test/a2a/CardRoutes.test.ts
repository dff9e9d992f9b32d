// @effect-diagnostics globalFetch:off
/** The card over HTTP: which document, and what a client that has it already is told. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import { createServer } from "node:http"
import * as AgentCard from "../../src/a2a/AgentCard.ts"
import * as CardRoutes from "../../src/a2a/CardRoutes.ts"

const card = AgentCard.make(
  {
    name: "n",
    description: "d",
    version: "1",
    skill: { id: "s", name: "s", description: "d", tags: ["t"] }
  },
  "http://127.0.0.1:1/",
  AgentCard.bearerSecurity
)

const served = Effect.gen(function*() {
  const server = yield* NodeHttpServer.make(createServer, { host: "127.0.0.1", port: 0 })
  yield* server.serve(yield* HttpRouter.toHttpEffect(CardRoutes.layer(card)))
  const url = HttpServer.formatAddress(server.address)
  return (headers: Record<string, string> = {}, method = "GET", path = "/.well-known/agent-card.json") =>
    Effect.promise(() =>
      fetch(url + path, { method, headers }).then((response) =>
        response.text().then((text) => ({ status: response.status, headers: response.headers, text }))
      )
    )
})

describe("the card's routes", () => {
  it.live("serve the document of the version that is asked for, and else that of both", () =>
    Effect.gen(function*() {
      const get = yield* served
      const documents: ReadonlyArray<readonly [Record<string, string>, string, unknown]> = [
        [{ "A2A-Version": "1.0" }, "", AgentCard.toCurrentJson(card)],
        [{ "a2a-version": "0.3" }, "", AgentCard.toLegacyJson(card)],
        [{ "a2a-version": "0.3.0" }, "", AgentCard.toLegacyJson(card)],
        [{}, "?A2A-Version=1.0", AgentCard.toCurrentJson(card)],
        [{}, "", AgentCard.toJson(card)],
        [{ "a2a-version": "" }, "", AgentCard.toJson(card)],
        [{ "a2a-version": "9.9" }, "", AgentCard.toJson(card)]
      ]
      const tags = new Set<string | null>()
      for (const [headers, query, document] of documents) {
        for (const path of ["/.well-known/agent-card.json", "/.well-known/agent.json"]) {
          const answer = yield* get(headers, "GET", path + query)
          assert.deepStrictEqual(JSON.parse(answer.text), JSON.parse(JSON.stringify(document)))
          assert.strictEqual(answer.headers.get("content-type"), "application/json")
          assert.strictEqual(answer.headers.get("vary"), "A2A-Version")
          assert.match(answer.headers.get("cache-control") ?? "", /max-age=\d+/)
          tags.add(answer.headers.get("etag"))
        }
      }
      assert.strictEqual(tags.size, 3)
    }))

  it.live("tell a client that has the card so, and no other", () =>
    Effect.gen(function*() {
      const get = yield* served
      const { headers } = yield* get()
      const etag = headers.get("etag")!
      const modified = headers.get("last-modified")!
      assert.match(etag, /^"[^"]+"$/)
      assert.strictEqual(new Date(modified).toUTCString(), modified)
      const later = new Date(Date.parse(modified) + 1000).toUTCString()
      const earlier = new Date(Date.parse(modified) - 1000).toUTCString()
      const cases: ReadonlyArray<readonly [Record<string, string>, number]> = [
        [{ "if-none-match": etag }, 304],
        [{ "if-none-match": `W/${etag}` }, 304],
        [{ "if-none-match": `"a,b", W/"c" ,${etag}` }, 304],
        [{ "if-none-match": "*" }, 304],
        [{ "if-none-match": "\"other\"" }, 200],
        [{ "if-none-match": etag.replaceAll("\"", "") }, 200],
        [{ "if-modified-since": modified }, 304],
        [{ "if-modified-since": later }, 304],
        [{ "if-modified-since": earlier }, 200],
        [{ "if-modified-since": "yesterday" }, 200],
        [{ "if-none-match": "\"other\"", "if-modified-since": later }, 200],
        [{ "if-none-match": etag, "a2a-version": "1.0" }, 200]
      ]
      for (const [conditions, status] of cases) {
        const answer = yield* get(conditions)
        assert.strictEqual(answer.status, status, JSON.stringify(conditions))
        assert.strictEqual(answer.text === "", status === 304)
        for (const name of ["etag", "cache-control", "last-modified", "vary"]) assert.isTrue(answer.headers.has(name))
      }
      assert.isFalse((yield* get({ "if-none-match": etag })).headers.has("content-type"))
    }))

  it.live("answer HEAD like GET without the document", () =>
    Effect.gen(function*() {
      const get = yield* served
      const whole = yield* get()
      const head = yield* get({}, "HEAD")
      assert.strictEqual(head.status, 200)
      assert.strictEqual(head.text, "")
      for (const name of ["etag", "content-type", "content-length", "cache-control", "last-modified", "vary"]) {
        assert.strictEqual(head.headers.get(name), whole.headers.get(name), name)
      }
      assert.strictEqual((yield* get({ "if-none-match": whole.headers.get("etag")! }, "HEAD")).status, 304)
    }))
})
