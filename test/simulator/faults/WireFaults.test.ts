// Every fault of one response, by name: bytes, headers, ends.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import OpenAI, { APIError, RateLimitError } from "openai"
import { Simulator } from "../../../src/simulator/Simulator.ts"
import { contentOf, jsonOf, post, simulator, streams, textOf, userMessage } from "../harness.ts"
import {
  ask,
  chunksSoFar,
  type Conversation,
  eventsOf,
  eventually,
  finishReasonOf,
  journal,
  kindsOf,
  pass,
  scrape,
  textSoFar,
  told,
  until
} from "./virtualTime.ts"

const answer =
  "Ein Gruß an 日本語 und 🙂 — mit vielen Wörtern, damit ein Fehler in der Mitte Platz hat: eins, zwei, drei."

const server = (...faults: ReadonlyArray<string>) =>
  simulator({
    interTokenMillis: 100,
    timeToFirstTokenMillis: 400,
    answers: { _tag: "FixedText", text: answer },
    faults
  })

/** The whole of an answer, in virtual time. */
const conversation = (fault: string, body: object = {}) =>
  Effect.gen(function*() {
    const asked = yield* ask({ fault, body })
    yield* pass(15)
    return asked
  })

const ended = (asked: Conversation) => until(asked, ({ state }) => state === "complete" || state === "broken")

const withServer = <A, E>(test: Effect.Effect<A, E, Simulator | import("effect/Scope").Scope>) =>
  test.pipe(Effect.scoped, Effect.provide(server()))

const whole = (asked: Conversation) => contentOf(chunksSoFar(asked).filter((chunk) => chunk.choices.length > 0))

describe("refusals", () => {
  for (
    const [fault, status, type] of [
      ["rejected", 400, "BadRequestError"],
      ["rejected:status=401", 401, "AuthenticationError"],
      ["rejected:status=404", 404, "NotFoundError"],
      ["rejected:status=422", 422, "UnprocessableEntityError"],
      ["context-length", 400, "BadRequestError"],
      ["rate-limited", 429, "RateLimitError"],
      ["queue-full", 503, "Service Unavailable"],
      ["server-error", 500, "InternalServerError"],
      ["server-error:status=502", 502, "InternalServerError"]
    ] as const
  ) {
    it.effect(`${fault}: ${status}`, () =>
      withServer(Effect.gen(function*() {
        const before = yield* scrape
        const asked = yield* conversation(fault)
        yield* ended(asked)
        assert.strictEqual(asked.status, status)
        const { error } = JSON.parse(textSoFar(asked))
        assert.strictEqual(error.type, type)
        assert.strictEqual(error.code, status)
        assert.isUndefined(asked.headers["retry-after"])
        const after = yield* scrape
        assert.strictEqual(after.value("vllm:prompt_tokens_total"), 0)
        const rejections = (metrics: typeof after) =>
          metrics.value("vllm:admission_rejections_total", { reason: "max_num_queued_reqs" })
        assert.strictEqual(rejections(after) - rejections(before), fault === "queue-full" ? 1 : 0)
        assert.deepStrictEqual((yield* kindsOf(0)).filter((kind) => kind !== "end"), ["request", "fault"])
      })))
  }

  it.effect("say when to come back, if they are told to", () =>
    withServer(Effect.gen(function*() {
      for (const fault of ["rate-limited:retry-after=5", "queue-full:retry-after=5"]) {
        const asked = yield* conversation(fault)
        assert.strictEqual(asked.headers["retry-after"], "5")
      }
    })))

  it.effect("by the header of llm-d-inference-sim", () =>
    withServer(Effect.gen(function*() {
      for (const status of [400, 418, 429, 500, 503]) {
        const response = yield* post(userMessage("Hi"), { headers: { "x-return-error": String(status) } })
        assert.strictEqual(response.status, status)
      }
      const limited = yield* post(userMessage("Hi"), { headers: { "x-return-error": "429" } })
      assert.strictEqual((yield* jsonOf(limited)).error.type, "RateLimitError")
      const wrong = yield* post(userMessage("Hi"), { headers: { "x-return-error": "soon" } })
      assert.strictEqual(wrong.status, 400)
      assert.include((yield* jsonOf(wrong)).error.message, "x-return-error must be a status, not \"soon\"")
    })))
})

describe("headers", () => {
  it.effect("headers-never", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* ask({ fault: "headers-never" })
      yield* eventually(kindsOf(0), (kinds) => kinds.includes("fault"))
      yield* pass(3600, 300)
      assert.strictEqual(asked.state, "waiting")
      asked.leave()
      yield* eventually(kindsOf(0), (kinds) => kinds.includes("close-seen"))
      assert.strictEqual((yield* streams).length, 0)
    })))

  it.effect("late-headers: ten minutes, then everything", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* ask({ fault: "late-headers" })
      yield* eventually(kindsOf(0), (kinds) => kinds.includes("fault"))
      yield* pass(599, 20)
      assert.strictEqual(asked.state, "waiting")
      yield* pass(16)
      yield* ended(asked)
      assert.strictEqual(whole(asked), answer)
    })))

  it.effect("connection-dropped", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("connection-dropped")
      assert.strictEqual(asked.state, "broken")
      assert.isUndefined(asked.status)
      assert.include(yield* kindsOf(0), "torn")
    })))

  it.effect("wrong-content-type", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("wrong-content-type")
      yield* ended(asked)
      assert.strictEqual(asked.headers["content-type"], "text/plain; charset=utf-8")
      assert.strictEqual(whole(asked), answer)
    })))

  it.effect("html-page", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("html-page")
      yield* ended(asked)
      assert.strictEqual(asked.status, 200)
      assert.strictEqual(asked.headers["content-type"], "text/html; charset=utf-8")
      assert.match(textSoFar(asked), /^<!doctype html>/)
      assert.notInclude(yield* kindsOf(0), "chunk")
    })))
})

describe("ends in the middle", () => {
  const expectAbort = Effect.gen(function*() {
    yield* eventually(kindsOf(0), (kinds) => kinds.includes("abort-honoured"))
    assert.notInclude(yield* kindsOf(0), "close-seen")
    const metrics = yield* scrape
    assert.strictEqual(metrics.value("vllm:request_success_total", { finished_reason: "stop" }), 0)
  })

  for (const [fault, code] of [["mid-stream-error", 500], ["mid-stream-bad-request", 400]] as const) {
    it.effect(fault, () =>
      withServer(Effect.gen(function*() {
        const asked = yield* conversation(`${fault}:after-tokens=5`)
        yield* ended(asked)
        assert.strictEqual(asked.state, "complete")
        const events = eventsOf(asked)
        assert.strictEqual(events.at(-1), "[DONE]")
        assert.strictEqual(JSON.parse(events.at(-2)!).error.code, code)
        assert.strictEqual(told(asked), 5)
        yield* expectAbort
        // Not streamed it is the status.
        const response = yield* ask({ fault: `${fault}:after-tokens=5`, body: { stream: false, stream_options: null } })
        yield* pass(5)
        assert.strictEqual(response.status, code)
      })))
  }

  for (
    const [fault, state, tail] of [
      ["truncated", "complete", ""],
      ["done-without-finish", "complete", "data: [DONE]\n\n"],
      ["half-event", "complete", "data: {\"id\":\"chatcmpl-"],
      ["connection-reset", "broken", ""],
      ["connection-cut", "broken", undefined]
    ] as const
  ) {
    it.effect(fault, () =>
      withServer(Effect.gen(function*() {
        const asked = yield* conversation(`${fault}:after-tokens=5`)
        yield* ended(asked)
        assert.strictEqual(asked.state, state)
        assert.isUndefined(finishReasonOfPart(asked))
        const text = textSoFar(asked)
        if (tail !== undefined) {
          assert.strictEqual(text.slice(text.lastIndexOf("\n\n", text.length - 3) + 2), lastOf(text, tail))
        }
        assert.strictEqual((text.match(/"content":"[^"]/g) ?? []).length, 5)
        yield* expectAbort
        assert.strictEqual((yield* kindsOf(0)).includes("torn"), state === "broken")
        const plain = yield* ask({ fault: `${fault}:after-tokens=5`, body: { stream: false, stream_options: null } })
        yield* pass(5)
        assert.strictEqual(plain.state, "broken")
      })))
  }

  it.effect("connection-reset is RST, connection-cut is FIN", () =>
    withServer(Effect.gen(function*() {
      const reset = yield* conversation("connection-reset")
      const cut = yield* conversation("connection-cut")
      yield* ended(reset)
      yield* ended(cut)
      assert.strictEqual(reset.error, "ECONNRESET")
      assert.isTrue(textSoFar(cut).endsWith("data: {\"id\":\"chatcmpl-"))
    })))

  it.effect("do not happen to an answer that is shorter", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("truncated:after-tokens=1000")
      yield* ended(asked)
      assert.strictEqual(whole(asked), answer)
      assert.strictEqual(eventsOf(asked).at(-1), "[DONE]")
    })))
})

/** Of a text that may end with half an event. */
const finishReasonOfPart = (asked: Conversation) => /"finish_reason":"(\w+)"/.exec(textSoFar(asked))?.[1]

/** What the last event must be: the tail, or the last whole event if there is no tail. */
const lastOf = (text: string, tail: string) =>
  tail === "" ? text.slice(text.lastIndexOf("\n\n", text.length - 3) + 2) : tail

describe("ends behind the finish reason", () => {
  it.effect("finish-without-done", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("finish-without-done")
      yield* ended(asked)
      assert.strictEqual(asked.state, "complete")
      assert.strictEqual(whole(asked), answer)
      const last = chunksSoFar(asked).at(-1)
      assert.strictEqual(last.choices[0].finish_reason, "stop")
      assert.strictEqual(last.choices[0].delta.content, ".")
      assert.notInclude(textSoFar(asked), "[DONE]")
    })))

  for (const usage of ["no", "yes"] as const) {
    it.effect(`finish-then-open, usage: ${usage}`, () =>
      withServer(Effect.gen(function*() {
        const asked = yield* conversation(`finish-then-open:usage=${usage}`)
        assert.strictEqual(whole(asked), answer)
        assert.strictEqual(finishReasonOf(asked), "stop")
        assert.strictEqual(chunksSoFar(asked).some((chunk) => chunk.choices.length === 0), usage === "yes")
        yield* pass(3600, 300)
        assert.strictEqual(asked.state, "reading")
        asked.leave()
        yield* eventually(kindsOf(0), (kinds) => kinds.includes("close-seen"))
        assert.notInclude(yield* kindsOf(0), "abort-honoured")
      })))
  }

  it.effect("finish-then-reset", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("finish-then-reset:usage=yes")
      yield* ended(asked)
      assert.strictEqual(asked.state, "broken")
      assert.strictEqual(asked.error, "ECONNRESET")
      assert.deepStrictEqual((yield* kindsOf(0)).slice(-2), ["finish", "torn"])
    })))
})

describe("bytes", () => {
  it.effect("malformed-json stands between good events", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("malformed-json:after-tokens=4")
      yield* ended(asked)
      const data = eventsOf(asked).slice(0, -1)
      const broken = data.filter((text) => {
        try {
          return JSON.parse(text) === undefined
        } catch {
          return true
        }
      })
      assert.strictEqual(broken.length, 1)
      // The role chunk and four tokens stand before.
      assert.strictEqual(data.indexOf(broken[0]!), 5)
    })))

  it.effect("huge-event is five megabytes that nobody needs", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("huge-event")
      yield* ended(asked)
      assert.isAbove(asked.body.length, 5_000_000)
      assert.strictEqual(whole(asked), answer)
    })))

  it.effect("one-byte-writes, split-characters, crlf and byte-order-mark keep the answer", () =>
    withServer(Effect.gen(function*() {
      for (const fault of ["one-byte-writes", "split-characters", "crlf", "byte-order-mark"]) {
        const asked = yield* conversation(fault)
        yield* ended(asked)
        const text = textSoFar(asked)
        assert.strictEqual(text.startsWith("\uFEFF"), fault === "byte-order-mark", fault)
        assert.strictEqual(/[^\r]\n/.test(text), fault !== "crlf", fault)
        assert.strictEqual(text.includes(": ……"), fault === "split-characters")
        asked.body = Buffer.from(text.replace("\uFEFF", ""))
        assert.strictEqual(whole(asked), answer, fault)
      }
      const all = yield* journal
      assert.isTrue(all.filter(({ event }) => event === "chunk").every(({ bytes }) => bytes! > 50))
    })))

  it.effect("together they keep it, too", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("one-byte-writes; crlf; byte-order-mark; comments:every=0.3")
      yield* ended(asked)
      asked.body = asked.body.subarray(3)
      assert.strictEqual(whole(asked), answer)
    })))

  it.effect("comments come whatever else is sent", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* conversation("comments:every=0.5; slow-decode:tokens-per-second=1")
      assert.isAbove(textSoFar(asked).split(": keep-alive\n\n").length, 20)
    })))

  it.effect("none keeps all other faults away", () =>
    Effect.gen(function*() {
      const asked = yield* conversation("none")
      yield* ended(asked)
      assert.strictEqual(whole(asked), answer)
      const other = yield* ask()
      yield* ended(other)
      assert.strictEqual(other.status, 400)
    }).pipe(Effect.scoped, Effect.provide(server("rejected"))))
})

describe("proxies", () => {
  it.effect("proxy-idle-cut cuts a silence of a minute and nothing else", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* ask({ fault: "proxy-idle-cut; long-prefill:seconds=90" })
      yield* pass(59, 1)
      assert.strictEqual(asked.state, "reading")
      yield* pass(2)
      yield* ended(asked)
      assert.strictEqual(asked.state, "broken")
      const slow = yield* ask({ fault: "proxy-idle-cut; slow-decode:tokens-per-second=0.02; comments:every=50" })
      yield* pass(300, 10)
      assert.strictEqual(slow.state, "reading")
    })))

  it.effect("proxy-buffering keeps everything back", () =>
    withServer(Effect.gen(function*() {
      const asked = yield* ask({ fault: "proxy-buffering" })
      yield* pass(2)
      assert.strictEqual(asked.state, "waiting")
      yield* pass(12)
      yield* ended(asked)
      assert.strictEqual(whole(asked), answer)
      const chunks = (yield* journal).filter(({ event }) => event === "chunk")
      assert.strictEqual(chunks.length, 1)
    })))
})

describe("with the openai SDK", () => {
  const client = Effect.map(Simulator, ({ url }) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "key", maxRetries: 0 }))
  const flatOut = simulator({
    interTokenMillis: 0,
    timeToFirstTokenMillis: 0,
    answers: { _tag: "FixedText", text: answer }
  })

  const read = (fault: string) =>
    Effect.gen(function*() {
      const openai = yield* client
      return yield* Effect.promise(() =>
        openai.chat.completions.create(
          { model: "simulated-model", stream: true, messages: [{ role: "user", content: "Hi" }] },
          { headers: { "x-sim-fault": fault } }
        ).then((stream) => {
          let text = ""
          const next = stream[Symbol.asyncIterator]()
          const step = (): Promise<{ text: string; error?: unknown }> =>
            next.next().then(({ done, value }) => {
              if (done === true) return { text }
              text += value.choices[0]?.delta.content ?? ""
              return step()
            }, (error) => ({ text, error }))
          return step()
        }, (error) => ({ text: "", error }))
      )
    })

  it.live("harmless faults are not seen", () =>
    Effect.gen(function*() {
      for (
        const fault of ["none", "one-byte-writes", "split-characters", "crlf", "finish-without-done", "huge-event"]
      ) {
        assert.deepStrictEqual(yield* read(fault), { text: answer }, fault)
      }
    }).pipe(Effect.provide(flatOut)))

  it.live("an end without a finish reason is not seen either, and an error event is", () =>
    Effect.gen(function*() {
      for (const fault of ["truncated", "done-without-finish"]) {
        const { error, text } = yield* read(fault)
        assert.isUndefined(error)
        assert.isTrue(answer.startsWith(text) && text.length < answer.length, fault)
      }
      const failed = yield* read("mid-stream-error")
      assert.instanceOf(failed.error, APIError)
      const refused = yield* read("rate-limited")
      assert.instanceOf(refused.error, RateLimitError)
      const broken = yield* read("malformed-json")
      assert.instanceOf(broken.error, SyntaxError)
    }).pipe(Effect.provide(flatOut)))

  it.live("faults that say which requests have them mean nothing in a request", () =>
    Effect.gen(function*() {
      for (const fault of ["crlf:probability=0.5", "engine-hang:request=2", "metrics-down:from=3", "crlf:for=3"]) {
        const refused = yield* post(userMessage("Hi"), { headers: { "x-sim-fault": fault } })
        assert.strictEqual(refused.status, 400, fault)
        assert.include(yield* textOf(refused), "means nothing for one request", fault)
      }
      const lasting = yield* post(userMessage("Hi"), { headers: { "x-sim-fault": "health-blip:for=3" } })
      assert.strictEqual(lasting.status, 200)
    }).pipe(Effect.provide(flatOut)))

  it.live("misspelt faults are refused with what would be right", () =>
    Effect.gen(function*() {
      const refused = yield* post(userMessage("Hi"), { headers: { "x-sim-fault": "engine-hnag" } })
      assert.strictEqual(refused.status, 400)
      assert.include(yield* textOf(refused), "did you mean engine-hang?")
    }).pipe(Effect.provide(flatOut)))
})
