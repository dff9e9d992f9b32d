// The fixture agents are what they say of themselves: they answer with their engine's words, show them when they say that
// they do, and hang where they are told to.
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { simulator } from "../simulator/harness.ts"
import { post } from "../support/agents.ts"
import { type FlawedAgent, flawedAgents } from "../support/flawedAgents.ts"
import type { FixtureOptions } from "../support/flawedAgents/handMadeAgent.ts"

const TOKENS = 12
const PACE_MILLIS = 2
const ANSWER = ["token", ...Array.from({ length: TOKENS - 1 }, () => " token")].join("")

const engine = simulator({
  timeToFirstTokenMillis: 5,
  interTokenMillis: PACE_MILLIS,
  answers: { _tag: "LengthOnly", tokens: TOKENS }
})

const versionOf = Effect.fnUntraced(function*(url: string) {
  const card: any = yield* Effect.promise(() => fetch(`${url}.well-known/agent-card.json`).then((card) => card.json()))
  return card.supportedInterfaces === undefined ? "0.3" : "1.0"
})

/** Sends a message, with a wait for its end. */
const send = Effect.fnUntraced(function*(url: string, version: string) {
  const parts = version === "1.0" ? [{ text: "hi" }] : [{ kind: "text", text: "hi" }]
  const message = { messageId: "m", role: version === "1.0" ? "ROLE_USER" : "user", kind: "message", parts }
  const method = version === "1.0" ? "SendMessage" : "message/send"
  const params = version === "1.0" ? { message } : { message, configuration: { blocking: true } }
  const { text } = yield* post(url, { jsonrpc: "2.0", id: 1, method, params }, { "a2a-version": version })
  return text
})

const start = (agent: FlawedAgent, options: Partial<FixtureOptions> = {}) =>
  Effect.gen(function*() {
    const { url } = yield* Simulator
    const started = yield* agent.start({ engineBaseUrl: `${url}/v1`, model: "simulated-model", ...options })
    return { url: started.url, version: yield* versionOf(started.url) }
  })

/** Every text part of an answer, joined. */
const textOf = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return ""
  return Object.entries(value)
    .filter(([key]) => key !== "history")
    .map(([key, member]) => key === "text" && typeof member === "string" ? member : textOf(member))
    .join("")
}

interface Answered {
  readonly first: unknown
  /** Whether the second message has no answer long after it should have one. */
  readonly hangs: boolean
}

/** All at once, because most of it is waiting. */
class Answers extends Context.Service<Answers, ReadonlyMap<string, Answered>>()("test/Answers") {
  static readonly layer = Layer.effect(
    Answers,
    Effect.map(
      Effect.forEach(flawedAgents, (agent) =>
        Effect.scoped(Effect.gen(function*() {
          const { url, version } = yield* start(agent, { hang: { after: 5, messages: [1] } })
          const first: unknown = JSON.parse(yield* send(url, version))
          const second = yield* send(url, version).pipe(Effect.timeoutOption(10 * TOKENS * PACE_MILLIS))
          return [agent.name, { first, hangs: second._tag === "None" }] as const
        })), { concurrency: 8 }),
      (answers) => new Map(answers)
    )
  ).pipe(Layer.provide(engine))
}

layer(Answers.layer, { excludeTestServices: true, timeout: 30_000 })("the fixture agent", (it) => {
  for (const { finds, name } of flawedAgents) {
    it.effect(`${name} answers, and hangs in the second message if told to`, () =>
      Effect.gen(function*() {
        const { first, hangs } = (yield* Answers).get(name) ?? assert.fail("it did not answer")
        // What replaces its artifact with each piece has the last one in the end.
        const answer = finds.includes("pieces-without-append") ? " token" : ANSWER
        assert.strictEqual(textOf((first as { readonly result: unknown }).result), answer, JSON.stringify(first))
        assert.isTrue(hangs, "it does not hang")
      }))
  }
})
