import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Ended, Heartbeat, isTokenEvent, Status, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as OneAnswer from "../../src/agents/OneAnswer.ts"
import { Delta, Finish, Signal, ToolCallDelta, Usage } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { said } from "../support/agents.ts"
import { taskEvents } from "../support/arbitraries.ts"
import { runs } from "../support/propertyRuns.ts"

const play = (chunks: ReadonlyArray<ReadonlyArray<TaskEvent>>): ReadonlyArray<TaskEvent> => {
  const out: Array<TaskEvent> = []
  let answer = OneAnswer.begin
  for (const chunk of chunks) {
    const [after, told] = OneAnswer.step(answer, chunk)
    answer = after
    out.push(...told)
  }
  return [...out, ...OneAnswer.heldBy(answer)]
}

/** A call as an engine tells it: so many tokens, perhaps a call of a tool, the finish, perhaps the usage. */
const Call = Schema.Struct({
  texts: Schema.Array(Schema.Literals(["a", "b", ""])).check(Schema.isMaxLength(4)),
  tools: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 })),
  usage: Schema.Boolean,
  fails: Schema.Boolean,
  together: Schema.Boolean
})

const eventsOf = ({ fails, texts, tools, usage }: typeof Call.Type): ReadonlyArray<TaskEvent> => [
  Signal.make({ signal: "accepted" }),
  ...texts.map((text) => Delta.make({ channel: "content", text, tokens: 1 })),
  ...Array.from({ length: tools }, (_, index) => [
    ToolCallDelta.make({ index, id: `t${index}`, name: "f", arguments: "{", tokens: 1 }),
    ToolCallDelta.make({ index, arguments: "}", tokens: 1 })
  ]).flat(),
  ...fails ? [] : [Finish.make({ reason: tools > 0 ? "tool_calls" : "stop" })],
  ...fails || !usage
    ? []
    : [Usage.make({ promptTokens: 10, completionTokens: texts.length + 2 * tools })]
]

const heartbeat = (fields: Partial<Parameters<typeof Heartbeat.make>[0]>) =>
  Heartbeat.make({
    phase: "awaiting",
    tokens: 0,
    tokenAgeMillis: 10_000,
    engine: "unknown",
    intervalMillis: 5000,
    limit: { name: "first-token", millis: 1_800_000, origin: "not-learned", learning: null, usedMillis: 10_000 },
    ...fields
  })

describe("OneAnswer", () => {
  it.prop(
    "tells calls as one: every text and tool call in order, one finish, and the sum of their usages or none",
    [Schema.Array(Call).check(Schema.isMaxLength(4))],
    ([calls]) => {
      const out = play(calls.flatMap((call) => call.together ? [eventsOf(call)] : eventsOf(call).map((one) => [one])))
      const finished = calls.filter(({ fails }) => !fails)
      const finishes = out.filter((event) => event._tag === "Finish")
      assert.deepStrictEqual(
        finishes.map(({ reason }) => reason),
        finished.slice(-1).map(({ tools }) => tools > 0 ? "tool_calls" : "stop")
      )
      assert.isTrue(
        out.slice(out.findIndex(({ _tag }) => _tag === "Finish") + 1).every(({ _tag }) => _tag === "Usage")
          || finishes.length === 0
      )
      const counted = finished.length > 0 && finished.every(({ usage }) => usage)
      assert.deepStrictEqual(
        out.filter((event) => event._tag === "Usage").map(({ completionTokens, promptTokens }) => [
          promptTokens,
          completionTokens
        ]),
        counted
          ? [[10 * finished.length, finished.reduce((sum, { texts, tools }) => sum + texts.length + 2 * tools, 0)]]
          : []
      )
      const transcript = Transcript.fromEvents(out.filter(isTokenEvent).filter(({ _tag }) => _tag !== "Usage"))
      assert.strictEqual(transcript.content, calls.flatMap(({ texts }) => texts).join(""))
      assert.strictEqual(transcript.tokens, calls.reduce((sum, { texts, tools }) => sum + texts.length + 2 * tools, 0))
      assert.deepStrictEqual(
        transcript.toolCalls,
        calls.flatMap(({ tools }) =>
          Array.from({ length: tools }, (_, index) => ({ id: `t${index}`, name: "f", arguments: "{}" }))
        )
      )
    },
    runs
  )

  it.prop(
    "lets through whatever else there is, as it is and in order",
    [taskEvents],
    ([events]) => {
      const others = (all: ReadonlyArray<TaskEvent>) =>
        all.filter(({ _tag }) => !["Finish", "Usage", "ToolCallDelta", "Heartbeat"].includes(_tag))
      assert.deepStrictEqual(others(play([events])), others(events))
    },
    runs
  )

  it("says how it ended before the task ends itself, or waits", () => {
    const ended = Ended.make({ state: "rejected", text: "", error: null })
    const waits = Status.make({ state: "input-required", text: "which?" })
    const finish = Finish.make({ reason: "stop" })
    for (const last of [ended, waits]) {
      assert.deepStrictEqual(play([[said("a"), finish, last]]), [said("a"), finish, last])
    }
    const working = Status.make({ state: "working", text: "on" })
    assert.deepStrictEqual(play([[finish, working]]), [working, finish])
  })

  it("counts the tokens of earlier calls in the heartbeats of a later one", () => {
    const earlier = [said("a"), said("b"), Finish.make({ reason: "tool_calls" })]
    const [, working] = OneAnswer.step(OneAnswer.step(OneAnswer.begin, earlier)[0], [heartbeat({ tokens: 3 })])
    assert.deepStrictEqual(working, [heartbeat({ tokens: 5 })])
  })

  it("tells a later call that waits for its first token as work, as long as its own limit counts", () => {
    const beatAfter = (events: ReadonlyArray<TaskEvent>, beat: TaskEvent) =>
      OneAnswer.step(OneAnswer.step(OneAnswer.begin, events)[0], [beat])[1][0]
    const earlier = [said("a"), Finish.make({ reason: "tool_calls" })]
    assert.deepStrictEqual(beatAfter(earlier, heartbeat({})), heartbeat({ phase: "agent-work", tokens: 1 }))
    // The first call, a call with a token, an engine of which something is known, a run without a limit.
    assert.deepStrictEqual(beatAfter([], heartbeat({})), heartbeat({}))
    assert.deepStrictEqual(beatAfter([...earlier, said("b")], heartbeat({})), heartbeat({ tokens: 2 }))
    assert.deepStrictEqual(
      beatAfter(earlier, heartbeat({ engine: "moving" })),
      heartbeat({ engine: "moving", tokens: 1 })
    )
    const { limit: _, ...unlimited } = heartbeat({})
    assert.deepStrictEqual(beatAfter(earlier, unlimited), { ...unlimited, tokens: 1 })
  })
})
