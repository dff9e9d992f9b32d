// The fixture agents are what they say of themselves: they answer with their engine's words, show them when they say that
// they do, and hang where they are told to.
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
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

layer(engine, { excludeTestServices: true })("the fixture agent", (it) => {
  for (const agent of flawedAgents) {
    it.effect(`${agent.name} answers, and hangs in the second message if told to`, () =>
      Effect.gen(function*() {
        const { url, version } = yield* start(agent, { hang: { after: 5, messages: [1] } })
        const answer = JSON.parse(yield* send(url, version))
        // What replaces its artifact with each piece has the last one in the end.
        assert.strictEqual(
          textOf(answer.result),
          agent.finds.includes("pieces-without-append") ? " token" : ANSWER,
          JSON.stringify(answer)
        )
        const second = yield* send(url, version).pipe(Effect.timeoutOption(5 * TOKENS * PACE_MILLIS))
        assert.isTrue(second._tag === "None", "it does not hang")
      }))
  }
})
