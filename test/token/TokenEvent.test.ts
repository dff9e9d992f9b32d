import { assert, describe, it } from "@effect/vitest"
import {
  coalesce,
  Delta,
  Finish,
  isProgress,
  Signal,
  type TokenEvent,
  tokensOf,
  Usage
} from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { tokenEvents } from "../support/arbitraries.ts"

const total = (events: ReadonlyArray<TokenEvent>) => events.reduce((sum, event) => sum + tokensOf(event), 0)

describe("coalesce", () => {
  it.prop("keeps the transcript and the number of tokens", [tokenEvents], ([events]) => {
    const joined = coalesce(events)
    assert.deepStrictEqual(Transcript.fromEvents(joined), Transcript.fromEvents(events))
    assert.strictEqual(total(joined), total(events))
  })

  it.prop("leaves no two neighbouring deltas of one channel", [tokenEvents], ([events]) => {
    const joined = coalesce(events)
    for (const [index, event] of joined.entries()) {
      const next = joined[index + 1]
      if (event._tag === "Delta" && next?._tag === "Delta") assert.notStrictEqual(event.channel, next.channel)
    }
  })

  it("joins what waits and keeps everything else where it is", () => {
    const said = (text: string, tokens = 1) => Delta.make({ channel: "content", text, tokens })
    const thought = Delta.make({ channel: "reasoning", text: "hm", tokens: 1 })
    const comment = Signal.make({ signal: "keep-alive" })
    assert.deepStrictEqual(
      coalesce([thought, said("a"), said("b", 2), comment, said("c"), Finish.make({ reason: "stop" })]),
      [thought, said("ab", 3), comment, said("c"), Finish.make({ reason: "stop" })]
    )
  })
})

describe("isProgress", () => {
  it("takes tokens and the finish for life, and nothing that a server in front of a dead engine sends", () => {
    assert.isTrue(isProgress(Delta.make({ channel: "content", text: "", tokens: 1 })))
    assert.isTrue(isProgress(Finish.make({ reason: "stop" })))
    for (const signal of ["accepted", "role", "empty", "keep-alive"] as const) {
      assert.isFalse(isProgress(Signal.make({ signal })))
    }
    assert.isFalse(isProgress(Usage.make({ promptTokens: 1, completionTokens: 1 })))
  })
})
