/** What the tap prints of what happens. */
import { assert, describe, it } from "@effect/vitest"
import { jsonOfTapEvent, lineOfTapEvent } from "../../src/cli/renderTapEvent.ts"
import type { CallName, TapEvent } from "../../src/tap/TapEvent.ts"

const name: CallName = {
  call: 7,
  path: "/v1/chat/completions",
  model: "m",
  battle: null,
  why: "no battle",
  mode: "stream"
}
const ended: Extract<TapEvent, { readonly _tag: "CallEnded" }> = {
  _tag: "CallEnded",
  ...name,
  end: "completed",
  status: 200,
  tokens: 1,
  millis: 12_345,
  firstTokenMillis: 400,
  detail: null
}
const limit = { name: "suspect", millis: 1, origin: "default", learning: null } as const
const slow: TapEvent = {
  _tag: "CallVerdict",
  ...name,
  verdict: {
    _tag: "Slow",
    reason: "silent-unverified",
    phase: "decoding",
    tokens: 30,
    silentMillis: 8000,
    sinceMillis: 1,
    limit,
    engine: null
  }
}

describe("renderTapEvent", () => {
  it("says in one line what became of a call", () => {
    assert.strictEqual(
      lineOfTapEvent(ended),
      "call 7 m: completed, 1 token in 12 s, first after 0.4 s"
    )
    assert.strictEqual(
      lineOfTapEvent({
        ...ended,
        battle: "b",
        path: "/v1/completions",
        why: null,
        mode: "reassembled",
        tokens: 0,
        firstTokenMillis: null,
        end: "failed",
        detail: "why"
      }),
      "call 7 (battle b) /v1/completions m: failed, 0 tokens in 12 s: why"
    )
    assert.strictEqual(
      lineOfTapEvent({ ...ended, why: "shared", mode: "whole", model: "", end: "client-gone" }),
      "call 7 (battle shared) ?, unseen until whole: the agent went, 1 token in 12 s, first after 0.4 s"
    )
  })

  it("says when a call is slow, and what else passes", () => {
    assert.strictEqual(
      lineOfTapEvent(slow),
      "call 7 m: slow, nobody can tell why, no token for 8.0 s after 30 tokens"
    )
    assert.isUndefined(lineOfTapEvent({ _tag: "CallBegan", ...name }))
    assert.strictEqual(
      lineOfTapEvent({ _tag: "Passed", method: "GET", path: "/v1/models", status: 200 }),
      "GET /v1/models: 200"
    )
    assert.strictEqual(
      lineOfTapEvent({ _tag: "Passed", method: "GET", path: "/", status: null }),
      "GET /: not answered"
    )
    assert.strictEqual(
      lineOfTapEvent({ _tag: "BattleClosed", battle: "b", agent: "a", calls: 2, tokens: 1, shared: 3 }),
      "battle b closed: 2 calls, 1 token, and 3 more calls that may have been its own"
    )
  })

  it("gives everything as JSON", () => {
    assert.deepStrictEqual(jsonOfTapEvent(ended), ended)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(jsonOfTapEvent(slow))), slow)
  })
})
