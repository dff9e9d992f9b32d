/** Where a green agent goes for those who only name a URL, and where it does not. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import * as AddressRule from "../../src/a2a/AddressRule.ts"
import { GreenAgent } from "../../src/agents/GreenAgent.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { agent, ask, said } from "../support/agents.ts"
import { cardOf, hostileAgent, json } from "../support/hostileAgent.ts"

const green = Effect.fnUntraced(function*(participants?: AddressRule.AddressRule) {
  const layer = GreenAgent.layer({ host: "127.0.0.1", port: 0, participants }).pipe(
    Layer.provide([A2aClient.layer, Grader.layer, Ticker.layer()])
  )
  return (yield* Effect.provide(GreenAgent, yield* Layer.build(layer))).url
})
const request = (participants: Record<string, string>) =>
  JSON.stringify({ participants, config: { tasks: ["run-length"] } })

/** The rule of an agent that everybody reaches, with patterns. */
const exposed = (...patterns: ReadonlyArray<string>) =>
  AddressRule.forListener("0.0.0.0", patterns.map((text) => Result.getOrThrow(AddressRule.parsePattern(text))))

/** The address as a name that is looked up. */
const byName = (url: string) => url.replace("127.0.0.1", "localhost")

describe("a green agent", () => {
  it.live("that listens on loopback plays against participants there", () =>
    Effect.gen(function*() {
      const purple = yield* agent(() => Stream.make(said("x")))
      const { error } = yield* ask(yield* green(), request({ agent: byName(purple.url) }))
      assert.isUndefined(error)
    }))

  for (
    const spelling of [(url: string) => url, byName, (url: string) => url.replace("127.0.0.1", "[::ffff:127.0.0.1]")]
  ) {
    it.live(`that everybody reaches rejects loopback (${spelling("127.0.0.1")}) before it connects to anybody`, () =>
      Effect.gen(function*() {
        const [first, second] = [yield* hostileAgent({}), yield* hostileAgent({})]
        const rule = exposed(first.url.slice("http://".length, -1))
        const url = spelling(second.url)
        const { error, events } = yield* ask(yield* green(rule), request({ one: first.url, two: url }))
        assert.deepNestedInclude(error, { "reason._tag": "AgentFailed", "reason.state": "rejected" })
        assert.match(
          error?.message ?? "",
          /participant "two" at http:\S+: .*(127\.0\.0\.1|::1|7f00:1).* loopback address.*--allow-participant \S+ .*CAMPAIGN_ALLOW_PARTICIPANT/
        )
        assert.include(error?.message, new URL(url).href)
        assert.isFalse(events.some((event) => event._tag === "Status" && event.text !== ""))
        assert.deepStrictEqual([first.connections(), second.connections()], [0, 0])
      }))
  }

  it.live("does not show the password of a URL that it rejects", () =>
    Effect.gen(function*() {
      const { error } = yield* ask(yield* green(), request({ agent: "http://me:hunter2@127.0.0.1:9/" }))
      assert.include(error?.message, "participant \"agent\" at http://127.0.0.1:9/: it holds a user name or a password")
    }))

  for (const spelling of [(url: string) => url, byName]) {
    it.live(`does not follow a card to an address that is refused (${spelling("127.0.0.1")})`, () =>
      Effect.gen(function*() {
        const inner = yield* hostileAgent({})
        const purple = yield* hostileAgent({ card: (response) => json(response, cardOf(spelling(inner.url))) })
        const rule = exposed(purple.url.slice("http://".length, -1))
        const { error } = yield* ask(yield* green(rule), request({ agent: purple.url }))
        assert.deepNestedInclude(error, { hop: "purple", "reason._tag": "Unsupported" })
        assert.match(error?.message ?? "", /a loopback address, which this agent does not reach/)
        assert.deepStrictEqual([purple.connections(), inner.connections()], [1, 0])
      }))
  }

  it.live("goes where a pattern allows it", () =>
    Effect.gen(function*() {
      for (const pattern of ["127.0.0.0/8", "127.0.0.1", "any"]) {
        const purple = yield* agent(() => Stream.make(said("x")))
        const { error } = yield* ask(yield* green(exposed(pattern)), request({ agent: purple.url }))
        assert.isUndefined(error, pattern)
      }
    }))
})
