// The admin endpoints: faults while the server runs, and llm-d-inference-sim's configuration.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { catalogue } from "../../../src/simulator/faults/FaultCatalogue.ts"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { get, jsonOf, post, simulator, userMessage } from "../harness.ts"
import { ask, pass, told, until } from "./virtualTime.ts"

const server = (options: Parameters<typeof simulator>[0] = {}) =>
  simulator({
    interTokenMillis: 100,
    timeToFirstTokenMillis: 400,
    answers: { _tag: "LengthOnly", tokens: 100 },
    ...options
  })

const send = (method: string, path: string, body?: string) =>
  Effect.gen(function*() {
    const { url } = yield* Simulator
    return yield* Effect.promise(() => fetch(url + path, { method, ...(body === undefined ? {} : { body }) }))
  })

const faults = Effect.flatMap(get("/sim/faults"), jsonOf)

describe("/sim/faults", () => {
  it.effect("stops an engine at once, and lets it go on", () =>
    Effect.gen(function*() {
      const conversation = yield* ask()
      yield* until(conversation, ({ status }) => status === 200)
      yield* pass(2)
      const added = yield* send("POST", "/sim/faults", "{\"fault\": \"engine-hang\"}")
      assert.strictEqual(added.status, 201)
      assert.deepStrictEqual(yield* jsonOf(added), [{ id: 1, fault: "engine-hang" }])
      const before = told(conversation)
      yield* pass(30, 5)
      assert.strictEqual(told(conversation), before)
      assert.deepStrictEqual(yield* faults, [{ id: 1, fault: "engine-hang", happened: 1 }])
      assert.strictEqual((yield* send("DELETE", "/sim/faults/1")).status, 204)
      yield* pass(15)
      assert.strictEqual(told(conversation), 100)
      assert.strictEqual((yield* send("DELETE", "/sim/faults/1")).status, 404)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("takes plain text, several at once, and all away", () =>
    Effect.gen(function*() {
      yield* send("POST", "/sim/faults", "rejected:times=1; metrics-error")
      assert.strictEqual((yield* post(userMessage("Hi"))).status, 400)
      assert.strictEqual((yield* get("/metrics")).status, 500)
      assert.deepStrictEqual((yield* faults).map(({ fault, happened }: any) => [fault, happened]), [
        ["rejected:times=1", 1],
        ["metrics-error", 1]
      ])
      assert.strictEqual((yield* send("DELETE", "/sim/faults")).status, 204)
      assert.strictEqual((yield* get("/metrics")).status, 200)
      assert.deepStrictEqual(yield* faults, [])
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("forgets what a request brought when it is over", () =>
    Effect.gen(function*() {
      yield* ask({ fault: "health-blip:for=3" })
      yield* pass(1)
      assert.strictEqual((yield* get("/health")).status, 503)
      assert.lengthOf(yield* faults, 1)
      yield* pass(5)
      assert.strictEqual((yield* get("/health")).status, 200)
      assert.lengthOf(yield* faults, 0)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("refuses what it cannot read, and nothing is in force then", () =>
    Effect.gen(function*() {
      for (const body of ["engin-hang", "{\"faults\": []}", "{", "", "crlf; nothing"]) {
        const refused = yield* send("POST", "/sim/faults", body)
        assert.strictEqual(refused.status, 400, body)
        assert.isAbove((yield* jsonOf(refused)).error.message.length, 10)
      }
      assert.deepStrictEqual(yield* faults, [])
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("tells the catalogue", () =>
    Effect.gen(function*() {
      const told = yield* Effect.flatMap(get("/sim/fault-catalogue"), jsonOf)
      assert.deepStrictEqual(told.map(({ name }: any) => name), catalogue.map(({ name }) => name))
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("tells what the options brought, and the journal can be cleared", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* faults, [{ id: 1, fault: "crlf:request=9", happened: 0 }])
      yield* ask({ fault: "rejected" })
      yield* pass(1)
      assert.isAbove((yield* Effect.flatMap(get("/sim/journal"), jsonOf)).length, 0)
      yield* send("DELETE", "/sim/journal")
      assert.deepStrictEqual(yield* Effect.flatMap(get("/sim/journal"), jsonOf), [])
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["crlf:request=9"] }))))
})

describe("/admin/config", () => {
  const configuration = Effect.flatMap(get("/admin/config"), jsonOf)
  const change = (body: object) => send("POST", "/admin/config", JSON.stringify(body))

  it.effect("changes the times of requests that come now", () =>
    Effect.gen(function*() {
      const before = yield* ask()
      yield* until(before, ({ status }) => status === 200)
      const changed = yield* change({
        "inter-token-latency": "1s",
        "time-to-first-token": 2000,
        "prefill-overhead": null
      })
      assert.strictEqual(changed.status, 200)
      assert.strictEqual((yield* jsonOf(changed))["inter-token-latency"], 1000)
      const after = yield* ask()
      yield* until(after, ({ status }) => status === 200)
      yield* pass(11.5, 0.5)
      assert.strictEqual(told(before), 100)
      assert.strictEqual(told(after), 10)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("changes the factor under load at once", () =>
    Effect.gen(function*() {
      const conversations = [yield* ask(), yield* ask()]
      for (const one of conversations) yield* until(one, ({ status }) => status === 200)
      yield* pass(1.4, 0.1)
      assert.strictEqual(told(conversations[0]!), 11)
      yield* change({ "time-factor-under-load": 10 })
      yield* pass(10, 1)
      assert.isAtMost(told(conversations[0]!), 22)
    }).pipe(Effect.scoped, Effect.provide(server({ maxConcurrentRequests: 2 }))))

  it.effect("injects failures at a rate, and stops to", () =>
    Effect.gen(function*() {
      yield* change({ "failure-injection-rate": 100, "failure-types": ["rate_limit"] })
      assert.strictEqual((yield* post(userMessage("Hi"))).status, 429)
      yield* change({ "failure-types": ["model_not_found"] })
      assert.strictEqual((yield* post(userMessage("Hi"))).status, 404)
      assert.lengthOf(yield* faults, 1)
      yield* change({ "failure-injection-rate": 0 })
      assert.lengthOf(yield* faults, 0)
      assert.deepStrictEqual((yield* configuration)["failure-types"], ["model_not_found"])
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("refuses what it does not know, as a whole", () =>
    Effect.gen(function*() {
      const before = yield* configuration
      for (
        const [body, expected] of [
          [
            { "inter-token-latency": "1s", "model": "other" },
            "model cannot be changed while the server runs; what can:"
          ],
          [{ "inter-token-latency": "-1s" }, "not negative"],
          [{ "inter-token-latency": "1s", "failure-injection-rate": 101 }, "failure-injection-rate"],
          [{ "failure-types": ["nonsense"] }, "rate_limit"],
          [{ "latency-calculator": "guess" }, "per-token"]
        ] as const
      ) {
        const refused = yield* change(body)
        assert.strictEqual(refused.status, 400)
        assert.include((yield* jsonOf(refused)).error.message, expected)
      }
      assert.strictEqual((yield* send("POST", "/admin/config", "[]")).status, 400)
      assert.deepStrictEqual(yield* configuration, before)
    }).pipe(Effect.scoped, Effect.provide(server())))
})

describe("the limits of the queue", () => {
  it.effect("refuse what is too much, of open or of waiting requests", () =>
    Effect.gen(function*() {
      for (const count of [0, 1, 2]) {
        const conversation = yield* ask({ body: { user: String(count) } })
        yield* until(conversation, ({ status }) => status === 200)
        yield* pass(0.2, 0.1)
      }
      const refused = yield* post(userMessage("Hi"))
      assert.strictEqual(refused.status, 503)
      assert.deepStrictEqual((yield* jsonOf(refused)).error, {
        message:
          "The engine is currently busy and cannot accept new requests. Please try again later or on a different instance.",
        type: "Service Unavailable",
        param: null,
        code: 503
      })
    }).pipe(
      Effect.scoped,
      Effect.provide(server({ maxConcurrentRequests: 1, maxNumQueuedRequests: 3, maxWaitingQueueLength: 100 }))
    ))

  it.effect("by those that wait", () =>
    Effect.gen(function*() {
      for (const status of [200, 200, 503]) {
        const conversation = yield* ask()
        yield* until(conversation, (seen) => seen.status !== undefined)
        assert.strictEqual(conversation.status, status)
        yield* pass(0.2, 0.1)
      }
    }).pipe(Effect.scoped, Effect.provide(server({ maxConcurrentRequests: 1, maxWaitingQueueLength: 1 }))))
})
