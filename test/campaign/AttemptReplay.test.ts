import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as AttemptReplay from "../../src/campaign/AttemptReplay.ts"
import type { Report } from "../../src/campaign/StoredLook.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import * as AnswerText from "../../src/terminal/AnswerText.ts"
import { attemptOf } from "../support/attempts.ts"

const battle = { task: "a", agent: "b", repetition: 1 }

const Told = Schema.Array(Schema.Struct({
  content: Schema.Literals(["", "x", "two words"]),
  reasoning: Schema.Literals(["", "hm"]),
  arrivals: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  reported: Schema.Boolean
}))

describe("AttemptReplay", () => {
  it.prop("tells every token at its time and every text once, however much was reported", [Told], ([told]) => {
    let replay = AttemptReplay.begin(1000)
    const all: Array<AttemptReplay.Replayed> = []
    const arrivals: Array<TokenTimings.Arrival> = []
    const since = { content: "", reasoning: "", arrivals: 0 }
    for (const part of told) {
      for (let count = 0; count < part.arrivals; count++) arrivals.push({ atMillis: arrivals.length * 10, tokens: 1 })
      since.content += part.content
      since.reasoning += part.reasoning
      if (!part.reported) continue
      const report: Report = {
        ...since,
        at: 1000 + arrivals.length * 10,
        phase: "decoding",
        tokens: arrivals.length,
        arrivals: arrivals.slice(since.arrivals)
      }
      const [next, news] = AttemptReplay.reported(replay, report)
      replay = next
      all.push(...news)
      Object.assign(since, { content: "", reasoning: "", arrivals: arrivals.length })
    }
    const record = attemptOf(battle, 1, {
      content: told.map(({ content }) => content).join(""),
      reasoning: told.map(({ reasoning }) => reasoning).join(""),
      tokens: arrivals.length,
      timings: TokenTimings.encode(arrivals),
      durationMillis: 5000
    })
    all.push(...AttemptReplay.ended(replay, record)[1])
    const events = all.flatMap(({ events }) => events)
    const { reasoning, text } = AnswerText.step(AnswerText.empty, events)
    assert.deepStrictEqual([text, reasoning], [record.content, record.reasoning])
    const times = all.flatMap(({ at, events }) =>
      events.flatMap((event) => event._tag === "Delta" && event.tokens > 0 ? [at - 1000] : [])
    )
    assert.deepStrictEqual(times, arrivals.map(({ atMillis }) => atMillis))
    assert.deepStrictEqual(all.map(({ at }) => at), all.map(({ at }) => at).toSorted((a, b) => a - b))
    assert.deepStrictEqual(events.slice(-2).map(({ _tag }) => _tag), ["Usage", "Finish"])
  }, { arbitrary: { runs: 300 } })

  it("says the whole answer where it is another one than was told", () => {
    const report: Report = { at: 1, phase: "thinking", tokens: 1, arrivals: [], content: "draft", reasoning: "" }
    const [replay, [told]] = AttemptReplay.reported(AttemptReplay.begin(0), report)
    assert.deepInclude(told!.events.at(-1), { _tag: "Heartbeat", phase: "thinking" })
    const record = attemptOf(battle, 1, { content: "answer", promptTokens: null, finishReason: null })
    const [, [last]] = AttemptReplay.ended(replay, { ...record, timings: TokenTimings.encode([]) })
    assert.deepStrictEqual(last!.events, [{ _tag: "Replaced", text: "answer" }])
  })
})
