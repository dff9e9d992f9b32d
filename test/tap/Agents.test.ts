/**
 * Agents at the tap as they are written, with the openai SDK: what they get is what the engine would have given them, and
 * whose tokens they are is known.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { TapClient } from "../../src/tap/TapClient.ts"
import { eventually } from "../support/scriptedServer.ts"
import { agentAt, ask, comparable, json, tappedSimulator, Told } from "./harness.ts"

const tool = { type: "function", function: { name: "weather", parameters: { type: "object" } } }
const thought = "<think>What is it?</think>It is 4."
const called = "<tool_call>{\"name\": \"weather\", \"arguments\": {\"city\": \"Ulm\"}}</tool_call>"
const simulated = {
  answers: {
    _tag: "Script" as const,
    entries: [
      { pattern: "tool", answers: [called] as const },
      { pattern: "think", answers: [thought] as const },
      { pattern: ".", answers: ["One two three four five six seven eight nine ten."] as const }
    ]
  }
}

const endedCalls = Effect.map(Told, (told) => told.filter((event) => event._tag === "CallEnded"))

/** A battle that is open until its fiber is interrupted, and the tokens that were told of it. */
const openBattle = (battle: string, agent: string, trace?: string, prompt?: string) =>
  Effect.gen(function*() {
    const { url } = yield* Tap
    const client = yield* TapClient
    const seen = { tokens: 0, beats: 0, ended: "" }
    const opened = yield* Effect.forkScoped(
      Stream.runForEach(
        client.battle({ tapUrl: url, battle, agent, attempt: 1, patience: 1, trace, prompt }),
        (event) =>
          Effect.sync(() => {
            if (event._tag === "Delta") {
              seen.tokens += event.tokens
            }
            if (event._tag === "Heartbeat") {
              seen.beats++
            }
            if (event._tag === "Ended") {
              seen.ended = event.text
            }
          })
      )
    )
    yield* eventually(`${battle} is open`, () => seen.beats > 0)
    return { seen, close: Fiber.interrupt(opened) }
  })

layer(tappedSimulator(simulated), { excludeTestServices: true })("agents at the tap", (it) => {
  it.effect("get the whole answers that the engine gives, field for field", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const tap = yield* Tap
      const requests: ReadonlyArray<readonly [string, object]> = [
        ["chat/completions", ask("Hi", { max_tokens: 5 })],
        ["chat/completions", ask("Hi", { stream: false })],
        ["chat/completions", ask("think", { seed: 1 })],
        ["chat/completions", ask("think", { include_reasoning: false })],
        ["chat/completions", ask("tool", { tools: [tool] })],
        ["chat/completions", ask("Hi", { return_token_ids: true })],
        ["chat/completions", ask("Hi", { max_tokens: 0 })],
        ["chat/completions", ask("Hi", { prompt_logprobs: 1 })],
        ["chat/completions", { model: "nobody", messages: [] }],
        ["completions", { model: "simulated-model", prompt: "Hi", max_tokens: 5 }],
        ["completions", { model: "simulated-model", prompt: "Hi", echo: true, return_token_ids: true }],
        ["completions", { model: "simulated-model", prompt: "Hi", max_tokens: 4, echo: true }],
        ["completions", { model: "simulated-model", prompt: ["Hi", "Ho"] }]
      ]
      for (const [path, body] of requests) {
        const send = (baseUrl: string) =>
          Effect.promise(async () => {
            const response = await fetch(`${baseUrl}/${path}`, {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify(body)
            })
            const { status } = response
            return {
              status,
              type: response.headers.get("content-type"),
              answer: comparable(await response.json() as object)
            }
          })
        const expected = yield* send(`${url}/v1`)
        // Calls have random ids, and the arguments of a whole one are written anew by vLLM's parser.
        const withoutIds = (answer: unknown) =>
          JSON.parse(JSON.stringify(answer).replaceAll(/(chatcmpl-tool-|call_)\w+/g, "id"), (key, value) =>
            key === "arguments" ? JSON.parse(value) : value)
        assert.deepStrictEqual(withoutIds(yield* send(tap.baseUrl)), withoutIds(expected), JSON.stringify(body))
      }
      const modes = new Set((yield* endedCalls).map(({ mode }) =>
        mode
      ))
      assert.deepStrictEqual(modes, new Set(["reassembled", "whole"]))
    }))

  it.effect("stream as ever, and everything else is as ever, too", () =>
    Effect.gen(function*() {
      const { url } = yield* Simulator
      const tap = yield* Tap
      const read = (baseUrl: string) =>
        Effect.promise(async () => {
          const client = agentAt(baseUrl)
          const chunks: Array<unknown> = []
          const stream = await client.chat.completions.create({
            ...ask("Hi", { stream_options: { include_usage: true } }),
            stream: true
          })
          for await (const chunk of stream) chunks.push(comparable(chunk))
          const text: Array<string> = []
          const completion = await client.completions.create({ model: "simulated-model", prompt: "Hi", stream: true })
          for await (const { choices } of completion) text.push(choices[0]?.text ?? "")
          const models = await client.models.list()
          return { chunks, text, models: models.data.map(({ id }) => id) }
        })
      assert.deepStrictEqual(yield* read(tap.baseUrl), yield* read(`${url}/v1`))
    }))

  it.effect("are told apart by their paths, a header or a trace, and alone without", () =>
    Effect.gen(function*() {
      const tap = yield* Tap
      const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
      const say = (baseUrl: string, tokens: number, headers: Record<string, string> = {}) =>
        Effect.promise(() => agentAt(baseUrl).chat.completions.create(ask("Hi", { max_tokens: tokens }), { headers }))
      const one = yield* openBattle("battle/1", "red")
      yield* say(tap.baseUrl, 1)
      yield* eventually("the only one", () => one.seen.tokens === 1)

      const two = yield* openBattle("battle 2", "blue", trace)
      yield* say(tap.baseUrlOfBattle("battle/1"), 2)
      yield* say(tap.baseUrlOfAgent("blue"), 3)
      yield* say(tap.baseUrl, 4, { "x-campaign-battle": "battle 2" })
      yield* say(tap.baseUrl, 5, { traceparent: `00-${trace}-00f067aa0ba902b7-01` })
      yield* eventually("each its own", () => one.seen.tokens === 3 && two.seen.tokens === 12)

      yield* say(tap.baseUrl, 6)
      yield* say(tap.baseUrlOfBattle("battle 3"), 7)
      const { battles } = yield* json(`${tap.url}/.campaign-tap/battles`)
      assert.deepStrictEqual(
        battles.map(({ agent, battle, calls, callsOpen, shared, tokens }: any) => ({
          agent,
          battle,
          calls,
          callsOpen,
          shared,
          tokens
        })),
        [
          { battle: "battle/1", agent: "red", tokens: 3, shared: 1, calls: 2, callsOpen: 0 },
          { battle: "battle 2", agent: "blue", tokens: 12, shared: 1, calls: 3, callsOpen: 0 }
        ]
      )
      const why = (yield* endedCalls).slice(-2).map((call) => call.why)
      assert.deepStrictEqual(why, ["shared", "not open"])
      yield* one.close
      yield* two.close
    }).pipe(Effect.scoped))

  it.effect("are told apart by what they were asked, however long that is", () =>
    Effect.gen(function*() {
      const tap = yield* Tap
      const say = (content: string, tokens: number) =>
        Effect.promise(() => agentAt(tap.baseUrl).chat.completions.create(ask(content, { max_tokens: tokens })))
      const long = `Begin 🙂 ${"word ".repeat(2000)} end`
      const one = yield* openBattle("one", "red", undefined, " Count to ten.\n")
      const two = yield* openBattle("two", "red", undefined, long)
      yield* say("You are helpful. Count to ten.", 2)
      yield* say(`${long} Please.`, 3)
      yield* say("Sum it up.", 4)
      yield* eventually("each its own", () => one.seen.tokens === 2 && two.seen.tokens === 3)
      yield* one.close
      yield* two.close
    }).pipe(Effect.scoped))

  it.effect("are found before anybody is asked, or it is said what is there instead", () =>
    Effect.gen(function*() {
      const { check } = yield* TapClient
      const { url } = yield* Simulator
      const tap = yield* Tap
      yield* check({ tapUrl: tap.url })
      assert.match(
        (yield* Effect.flip(check({ tapUrl: url }))).message,
        /what answers at http:\S+ is no tap; `campaign tap --engine URL` starts one/
      )
      assert.match((yield* Effect.flip(check({ tapUrl: "http://127.0.0.1:9" }))).message, /the tap cannot be reached/)
    }))

  it.effect("can be a hundred at once", () =>
    Effect.gen(function*() {
      const { baseUrl } = yield* Tap
      const told = yield* Told
      told.length = 0
      const client = agentAt(baseUrl)
      const texts = yield* Effect.promise(() =>
        Promise.all(Array.from({ length: 100 }, async (_, index) => {
          if (index % 2 === 0) {
            const whole = await client.chat.completions.create(ask("Hi", { max_tokens: 8 }))
            return whole.choices[0]?.message.content
          }
          let text = ""
          for await (
            const chunk of await client.chat.completions.create({ ...ask("Hi", { max_tokens: 8 }), stream: true })
          ) {
            text += chunk.choices[0]?.delta.content ?? ""
          }
          return text
        }))
      )
      assert.deepStrictEqual(new Set(texts), new Set(["One two three four five six seven eight"]))
      const ended = yield* endedCalls
      assert.strictEqual(ended.length, 100)
      assert.isTrue(ended.every(({ end, tokens }) => end === "completed" && tokens === 8))
      assert.deepStrictEqual(yield* json(`${(yield* Tap).url}/.campaign-tap/calls`), { calls: [] })
    }))

  it.effect("that go take their requests with them", () =>
    Effect.gen(function*() {
      const { baseUrl } = yield* Tap
      const simulator = yield* Simulator
      const told = yield* Told
      const happened = (since: number, ...names: ReadonlyArray<string>) =>
        Effect.map(simulator.journal, (events) => events.slice(since).some(({ event }) => names.includes(event))).pipe(
          Effect.delay(5),
          Effect.repeat({ until: (seen) => seen }),
          Effect.timeout("5 seconds")
        )
      for (const stream of [true, false]) {
        const abort = new AbortController()
        const before = (yield* simulator.journal).length
        const call = agentAt(baseUrl).chat.completions.create(ask("Hi", { stream, max_tokens: 5 }), {
          signal: abort.signal,
          headers: { "x-sim-fault": "engine-hang" }
        }).catch(() => undefined)
        yield* happened(before, "headers")
        abort.abort()
        yield* Effect.promise(() => call)
        yield* happened(before, "close-seen")
        yield* eventually(
          "it is told",
          () => told.findLast((event) => event._tag === "CallEnded")?.end === "client-gone"
        )
        yield* eventually("the watch has ended", () =>
          told.some((event) => event._tag === "CallVerdict" && event.verdict._tag === "Cancelled"))
        yield* simulator.faults.clear
        yield* Effect.repeat(Effect.delay(simulator.streams, 5), {
          until: (open) =>
            open.length === 0
        })
        told.length = 0
      }
    }))

  it.effect("never see their keys in what the tap tells", () =>
    Effect.gen(function*() {
      const { baseUrl, url } = yield* Tap
      const told = yield* Told
      yield* openBattle("secret", "red")
      yield* Effect.promise(() =>
        agentAt(`${baseUrl}`).chat.completions.create(ask("Hi"), {
          headers: { "api-key": "azure-secret", "x-sim-fault": "sk-very-secret" },
          query: { key: "query-secret" },
          maxRetries: 0
        }).catch(() => undefined)
      )
      const views = [yield* json(`${url}/.campaign-tap/battles`), yield* json(`${url}/.campaign-tap/calls`), told]
      const failed = (yield* endedCalls).at(-1)
      assert.include(failed?.detail, "<redacted>")
      assert.notMatch(JSON.stringify(views), /secret-|sk-very-secret|azure-secret|query-secret/)
    }).pipe(Effect.scoped))
})
