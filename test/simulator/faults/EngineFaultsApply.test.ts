// What a request's faults make of its part in the engine, without an engine: tokens, limits, paces, and alarms.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import type { EngineRequest } from "../../../src/simulator/EngineLoop.ts"
import * as EngineFaults from "../../../src/simulator/faults/EngineFaults.ts"
import type { OwnAction } from "../../../src/simulator/faults/FaultBoard.ts"

const request: EngineRequest = {
  id: "a",
  prompt: "one two three",
  promptTokens: 3,
  maxTokens: 20,
  answer: { length: 2, token: (index) => ` ${index}` },
  pace: { timeToFirstToken: () => 7, gap: () => 8 }
}

const idle: EngineFaults.FaultContext = {
  run: () => {},
  perform: () => Effect.void,
  latency: () => ({ interTokenMillis: 100 })
}

const apply = (
  actions: ReadonlyArray<OwnAction>,
  context = idle,
  tool: string | undefined = undefined,
  asked: EngineRequest = request
) => EngineFaults.apply(asked, { actions, alarms: [] }, context, tool)

const textOf = ({ answer }: EngineRequest, tokens = answer.length) =>
  Array.from({ length: tokens }, (_, index) => answer.token(index)).join("")

const rings = (asked: EngineRequest) => (asked.alarms ?? []).map(({ when }) => when)

describe("EngineFaults", () => {
  it("leaves a request as it is that has no faults, or only such as are not the engine's", () => {
    assert.strictEqual(apply([]), request)
    assert.strictEqual(apply([{ _tag: "Buffer" }, { _tag: "Drop" }]), request)
  })

  it("hides reasoning in front of the answer, for so long, and takes nothing from its limit", () => {
    const changed = apply([{ _tag: "HiddenReasoning", seconds: 0.3 }])
    assert.strictEqual(textOf(changed), "<think> hm hm hm</think> 0 1")
    assert.strictEqual(changed.maxTokens, 25)
    assert.strictEqual(textOf(apply([{ _tag: "HiddenReasoning", seconds: 0 }])), "<think> hm</think> 0 1")
    // Without any time between tokens a second has as many as a millisecond each.
    const flatOut = apply([{ _tag: "HiddenReasoning", seconds: 0.3 }], {
      ...idle,
      latency: () => ({ interTokenMillis: 0 })
    })
    assert.strictEqual(flatOut.maxTokens, 322)
  })

  it("makes a call of the request's first tool, which is never cut", () => {
    const changed = apply([{ _tag: "BufferedToolCall", seconds: 4 }], idle, "search")
    assert.strictEqual(changed.answer.length, 40)
    assert.strictEqual(changed.maxTokens, 40)
    const call = JSON.parse(/^<tool_call>(.*)<\/tool_call>$/.exec(textOf(changed))![1]!)
    assert.strictEqual(call.name, "search")
    assert.match(call.arguments.text, /^( text)+$/)
    const short = apply([{ _tag: "BufferedToolCall", seconds: 0 }])
    assert.match(textOf(short), /^<tool_call>\{"name": "lookup", "arguments": \{"text": " text"\}\}<\/tool_call>$/)
    const limited = apply([{ _tag: "BufferedToolCall", seconds: 4 }], idle, undefined, { ...request, maxTokens: 99 })
    assert.strictEqual(limited.maxTokens, 99)
  })

  it("repeats a text for ever", () => {
    const changed = apply([{ _tag: "Endless", text: " a b" }])
    assert.strictEqual(changed.answer.length, Infinity)
    assert.strictEqual(textOf(changed, 5), " a b a b a")
  })

  it("changes only those times that it is told to, and makes chunks of a second that fill a block each", () => {
    const first = apply([{ _tag: "Pace", firstTokenSeconds: 2 }])
    assert.deepStrictEqual([first.pace.timeToFirstToken(9), first.pace.gap()], [2000, 8])
    assert.deepStrictEqual([first.promptTokens, first.longestChunk, first.tokensOfStep], [3, undefined, undefined])
    const gaps = apply([{ _tag: "Pace", gapSeconds: 3, tokensPerStep: 4 }])
    assert.deepStrictEqual([gaps.pace.timeToFirstToken(9), gaps.pace.gap(), gaps.tokensOfStep!()], [7, 3000, 4])
    const chunked = apply([{ _tag: "Pace", firstTokenSeconds: 2.5, chunked: true }])
    assert.deepStrictEqual([chunked.promptTokens, chunked.longestChunk], [48, 20])
    const long = apply([{ _tag: "Pace", firstTokenSeconds: 2, chunked: true }], idle, undefined, {
      ...request,
      promptTokens: 100
    })
    assert.deepStrictEqual([long.promptTokens, long.longestChunk], [100, 50])
  })

  it("sorts alarms into the order in which they come true", () => {
    const changed = EngineFaults.apply(
      request,
      {
        actions: [
          { _tag: "Preempt", afterTokens: 3, times: 2, seconds: 1, others: 0 },
          { _tag: "Lose", afterTokens: 0 },
          { _tag: "Hold", reason: "deferred", seconds: 1, others: 0 }
        ],
        alarms: [{ when: 1, ring: () => {} }, { when: "admitted", ring: () => {} }]
      },
      idle,
      undefined
    )
    assert.deepStrictEqual(rings(changed), ["queued", "admitted", "admitted", 1, 3, 6])
    assert.strictEqual(changed.heldAs, "deferred")
    assert.deepStrictEqual(rings(apply([{ _tag: "Lose", afterTokens: 5 }])), [5])
    assert.isTrue(apply([{ _tag: "IgnoreAbort" }]).ignoresAbort)
  })

  it.effect("holds and releases after the time, with others beside it if it is told so", () =>
    Effect.gen(function*() {
      for (const others of [0, 2]) {
        const events: Array<string> = []
        const runFork = Effect.runForkWith(yield* Effect.context<never>())
        const context: EngineFaults.FaultContext = {
          run: (effect) => {
            runFork(effect)
          },
          perform: (action) =>
            Effect.acquireRelease(
              Effect.sync(() => events.push(JSON.stringify(action))),
              () => Effect.sync(() => events.push("others end"))
            ),
          latency: () => ({ interTokenMillis: 100 })
        }
        const control = {
          lose: () => events.push("lose"),
          hold: (reason: string) => events.push(`hold ${reason}`),
          release: () => events.push("release")
        }
        for (
          const action of [
            { _tag: "Hold", reason: "deferred", seconds: 10, others },
            { _tag: "Preempt", afterTokens: 1, times: 1, seconds: 10, others },
            { _tag: "Lose", afterTokens: 1 }
          ] as const
        ) {
          for (const alarm of apply([action], context).alarms!) {
            alarm.ring({
              lose: () => control.lose(),
              hold: (reason) => control.hold(reason),
              release: () => control.release()
            })
          }
          yield* TestClock.adjust(9999)
          events.push("10 s")
          yield* TestClock.adjust(1)
        }
        const during = others === 0 ? [] : ["{\"_tag\":\"OtherRequests\",\"count\":2}"]
        const after = others === 0 ? [] : ["others end"]
        const times = [...during, "10 s", ...after, "release"]
        assert.deepStrictEqual(events, [...times, "hold capacity", ...times, "lose", "10 s"])
      }
    }))
})
