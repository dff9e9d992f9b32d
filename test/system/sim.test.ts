/** `campaign sim` from outside: every flag of the wire reaches the simulated engine. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { start } from "../support/command.ts"

const ask = (url: string, body: object) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Hi" }], stream: true, ...body })
    })
    return { status: response.status, text: await response.text() }
  })

const flagsOfTheWire = [
  "--max-model-len=400",
  "--num-speculative-tokens=2",
  "--headers=with-first-token",
  "--sse-keep-alive-interval=0.1",
  "--reasoning-tokens=40",
  "--reasoning-field=reasoning_content",
  "--tool-call-parser=buffering",
  "--hold-back-every=2",
  "--finish-chunk=empty"
]

describe("campaign sim", () => {
  it.live("listens on the loopback interface unless told otherwise", () =>
    Effect.gen(function*() {
      const [, plain] = yield* (yield* start(["sim", "--port", "0"])).line(/listens at http:\/\/(\S+?):\d+\/v1,/)
      assert.strictEqual(plain, "127.0.0.1")
      const [, told] = yield* (yield* start(["sim", "--port", "0", "--host", "::1"])).line(
        /listens at http:\/\/(\S+)\/v1,/
      )
      assert.match(told!, /^\[::1\]:\d+$/)
    }), 30_000)

  it.live("behaves as its flags say", () =>
    Effect.gen(function*() {
      const command = ["sim", "--port", "0", "--time-to-first-token", "350", "--inter-token-latency", "0"]
      const [, url] = yield* (yield* start([...command, ...flagsOfTheWire])).line(/listens at (\S+),/)
      const { text } = yield* ask(url!, { return_token_ids: true })
      assert.isTrue(text.startsWith(": keep-alive\n\n"))
      assert.include(text, "\"reasoning_content\":\"")
      assert.match(text, /"delta":\{"(reasoning_)?content":""\},"logprobs":null,"finish_reason":null/)
      assert.match(text, /"token_ids":\[\d+,\d+,\d+\]/)
      assert.match(text, /"delta":\{"content":""\},"logprobs":null,"finish_reason":"stop"/)
      assert.strictEqual((yield* ask(url!, { max_tokens: 400 })).status, 400)
    }), 30_000)

  it.live("has plain defaults, and fails where it is told to", () =>
    Effect.gen(function*() {
      const command = ["sim", "--port", "0", "--time-to-first-token", "0", "--inter-token-latency", "0"]
      const [, url] = yield* (yield* start([...command, "--fail-after-tokens", "7"])).line(/listens at (\S+),/)
      const plain = yield* ask(url!, { max_tokens: 6 })
      assert.notInclude(plain.text, "keep-alive")
      assert.notInclude(plain.text, "reasoning")
      assert.include(plain.text, "\"finish_reason\":\"length\"")
      const failed = yield* ask(url!, {})
      assert.include(failed.text, "data: {\"error\":{\"message\":\"EngineCore encountered an issue.")
      assert.isTrue(failed.text.endsWith("data: [DONE]\n\n"))
    }), 30_000)
})
