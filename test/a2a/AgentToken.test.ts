/** A token goes to the agent that it is for, and nowhere else; also not into an error. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { askWith } from "../support/askWith.ts"
import { beginStream, cardOf, frame, hostileAgent, json } from "../support/hostileAgent.ts"
import { status, task, token as said } from "./hostileCases.ts"

const secret = "s3cret-Token.~+/="
const tokensFor = (url: string, token = secret) =>
  A2aClient.layerWith({ tokens: new Map([[new URL(url).origin, Redacted.make(token)]]) })

const answers = Effect.suspend(() =>
  hostileAgent({
    stream: (response, request) => {
      beginStream(response)
      response.end([task, said("x"), status("COMPLETED")].map((each) => frame(request, each)).join(""))
    }
  })
)

describe("a bearer token", () => {
  it.live("goes with every request to its origin", () =>
    Effect.gen(function*() {
      const server = yield* answers
      const { error } = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url)))
      assert.isUndefined(error)
      assert.deepStrictEqual(server.requests.map(({ headers }) => headers.authorization), [
        `Bearer ${secret}`,
        `Bearer ${secret}`
      ])
    }))

  it.live("does not go to another origin, where the card leads to", () =>
    Effect.gen(function*() {
      const other = yield* answers
      const server = yield* hostileAgent({ card: (response) => json(response, cardOf(other.url)) })
      const { error } = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url)))
      assert.isUndefined(error)
      assert.strictEqual(server.requests[0]?.headers.authorization, `Bearer ${secret}`)
      assert.deepStrictEqual(other.requests.map(({ headers }) => headers.authorization), [undefined])
    }))

  it.live("follows a redirect on its origin, and not to another", () =>
    Effect.gen(function*() {
      const other = yield* answers
      for (const target of ["/moved", other.url]) {
        const server = yield* hostileAgent({
          card: (response, _url, { path }) =>
            path === "/moved"
              ? json(response, cardOf(other.url))
              : void response.writeHead(302, { location: target }).end()
        })
        const before = other.connections()
        const { error } = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url)))
        assert.isTrue(server.requests.every(({ headers }) => headers.authorization === `Bearer ${secret}`))
        if (target === "/moved") assert.isUndefined(error)
        else assert.deepStrictEqual([error?._tag, other.connections()], ["Failed", before])
      }
      assert.isTrue(other.requests.every(({ headers }) => headers.authorization === undefined))
    }))

  for (const code of [401, 403]) {
    it.live(`is named where it is missing or wrong (${code})`, () =>
      Effect.gen(function*() {
        const server = yield* hostileAgent({ card: (response) => json(response, { error: "no" }, code) })
        const missing = yield* askWith(server.url).pipe(Effect.provide(A2aClient.layer))
        assert.match(missing.error?.message ?? "", /it wants a token; put it into CAMPAIGN_AGENT_TOKEN/)
        const wrong = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url)))
        assert.match(wrong.error?.message ?? "", /does not take the token in CAMPAIGN_AGENT_TOKEN/)
        assert.deepNestedInclude(wrong.error, { "reason._tag": "Rejected", "reason.status": code })
      }))
  }

  const quotes = [
    { name: "a page", answer: (text: string) => ({ status: 500, type: "text/plain", body: `got ${text}` }) },
    {
      name: "an error",
      answer: (text: string) => ({
        status: 200,
        type: "application/json",
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, error: { code: -32603, message: `got ${text}` } })
      })
    },
    {
      name: "an event",
      answer: (text: string) => ({ status: 200, type: "text/event-stream", body: `data: not json ${text}\n\n` })
    }
  ]
  for (const { answer, name } of quotes) {
    it.live(`is not in the error of an agent that quotes it in ${name}`, () =>
      Effect.gen(function*() {
        const server = yield* hostileAgent({
          stream: (response, { headers }) => {
            const { body, status, type } = answer(String(headers.authorization))
            response.writeHead(status, { "content-type": type }).end(body)
          }
        })
        const { error } = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url)))
        assert.include(error?.message, "Bearer <token>")
        assert.notInclude(JSON.stringify(error), secret)
        assert.notInclude(String(error?.stack), secret)
      }))
  }

  it.live("that no header can hold is not sent and not shown", () =>
    Effect.gen(function*() {
      const server = yield* answers
      const { error } = yield* askWith(server.url).pipe(Effect.provide(tokensFor(server.url, `${secret}\nx`)))
      assert.match(error?.message ?? "", /characters that no header can hold/)
      assert.notInclude(JSON.stringify(error), secret)
      assert.strictEqual(server.connections(), 0)
    }))
})
