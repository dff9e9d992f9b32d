// Every fault of the engine, by name: what a client gets, what /metrics say, what the journal says.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { get, jsonOf, post, simulator, streams, userMessage } from "../harness.ts"
import {
  ask,
  changes,
  chunksSoFar,
  eventually,
  finishReasonOf,
  kindsOf,
  pass,
  scrape,
  textSoFar,
  told,
  until
} from "./virtualTime.ts"

const tokens = (count: number) => ({ _tag: "LengthOnly", tokens: count }) as const

/** Ten tokens a second, a hundred of them, and 0.4 s before. */
const server = (options: Parameters<typeof simulator>[0] = {}) =>
  simulator({ interTokenMillis: 100, timeToFirstTokenMillis: 400, answers: tokens(100), ...options })

/** Two minutes in which no series moves. */
const frozen = Effect.gen(function*() {
  const before = yield* scrape
  yield* pass(120, 10)
  assert.deepStrictEqual(changes(before, yield* scrape), [])
})

/** The series that move in a minute. */
const moving = Effect.gen(function*() {
  const before = yield* scrape
  yield* pass(60, 5)
  return changes(before, yield* scrape)
})

const answered = (conversation: Parameters<typeof until>[0]) => until(conversation, ({ status }) => status === 200)

const usageOf = (conversation: Parameters<typeof told>[0]) => chunksSoFar(conversation).at(-1)?.usage

describe("engine-hang", () => {
  it.effect("stops tokens and all series, and nobody is told", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(3)
      assert.strictEqual(told(first), 20)
      yield* frozen
      assert.strictEqual(told(first), 20)
      assert.strictEqual(first.state, "reading")
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
      // The HTTP side does not know.
      assert.strictEqual((yield* get("/health")).status, 200)
      const second = yield* ask()
      yield* answered(second)
      yield* pass(10)
      assert.strictEqual(textSoFar(second), "")
      // Who leaves frees nothing.
      first.leave()
      yield* eventually(kindsOf(0), (kinds) => kinds.includes("close-seen"))
      assert.notInclude(yield* kindsOf(0), "abort-honoured")
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["engine-hang:after-tokens=20"] }))))

  it.effect("happens once, to the request that its keys choose", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      const second = yield* ask()
      yield* answered(second)
      yield* pass(3)
      assert.isAbove(told(first), 4)
      assert.strictEqual(told(second), 5)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["engine-hang:request=2,after-tokens=5"] }))))

  it.effect("goes on where it was, and then reads its messages", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      const leaver = yield* ask()
      yield* answered(leaver)
      yield* pass(3)
      leaver.leave()
      yield* eventually(kindsOf(1), (kinds) => kinds.includes("close-seen"))
      const before = told(first)
      yield* pass(27)
      assert.strictEqual(told(first), before)
      yield* pass(40)
      assert.strictEqual(told(first), 100)
      assert.strictEqual(finishReasonOf(first), "stop")
      assert.include(yield* kindsOf(1), "abort-honoured")
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 0)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["short-hang"] }))))

  it.effect("of more than three minutes ends, too", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(200, 5)
      assert.strictEqual(told(first), 10)
      yield* pass(30, 5)
      assert.strictEqual(told(first), 100)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["long-hang"] }))))

  it.effect("does not end while another one lasts", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(60, 5)
      assert.strictEqual(told(first), 10)
      yield* pass(60, 5)
      assert.strictEqual(told(first), 100)
    }).pipe(
      Effect.scoped,
      Effect.provide(server({ faults: ["short-hang; engine-hang:after-tokens=10,for=90"] }))
    ))

  it.effect("with a gauge that says nothing runs", () =>
    Effect.gen(function*() {
      yield* answered(yield* ask())
      yield* pass(3)
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 0)
      yield* frozen
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["engine-hang-idle-gauge"] }))))

  for (const role of ["no", "yes"] as const) {
    it.effect(`before the first token, role chunk: ${role}`, () =>
      Effect.gen(function*() {
        const first = yield* ask({ fault: `engine-hang-before-first-token:role-chunk=${role}` })
        yield* answered(first)
        yield* pass(5)
        yield* until(first, (conversation) => chunksSoFar(conversation).length === (role === "yes" ? 1 : 0))
        if (role === "yes") assert.strictEqual(chunksSoFar(first)[0].choices[0].delta.role, "assistant")
        assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
        yield* frozen
        assert.strictEqual(told(first), 0)
      }).pipe(Effect.scoped, Effect.provide(server())))
  }

  it.effect("while requests are queued", () =>
    Effect.gen(function*() {
      const running = yield* ask()
      yield* answered(running)
      yield* pass(1)
      const queued = yield* ask({ fault: "engine-hang-while-queued" })
      yield* answered(queued)
      yield* pass(5)
      const metrics = yield* scrape
      assert.strictEqual(metrics.value("vllm:num_requests_waiting"), 1)
      assert.strictEqual(metrics.value("vllm:num_requests_running"), 1)
      yield* frozen
      assert.strictEqual(textSoFar(queued), "")
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("behind comments that go on", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(2)
      const before = textSoFar(first).length
      yield* pass(60, 5)
      const after = textSoFar(first).slice(before)
      assert.match(after, /^(: keep-alive\n\n){4}$/)
      yield* frozen
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["engine-hang-with-comments"] }))))

  for (const frame of ["empty-delta", "role-chunk", "usage"] as const) {
    it.effect(`behind chunks that go on: ${frame}`, () =>
      Effect.gen(function*() {
        const first = yield* ask()
        yield* answered(first)
        yield* pass(3)
        const before = chunksSoFar(first).length
        yield* pass(30, 2)
        const noise = chunksSoFar(first).slice(before)
        assert.strictEqual(noise.length, 15)
        for (const chunk of noise) {
          const delta = chunk.choices[0]?.delta
          if (frame === "usage") assert.deepStrictEqual(chunk.choices, [])
          else {assert.deepStrictEqual(
              delta,
              frame === "empty-delta" ? { content: "" } : { role: "assistant", content: "" }
            )}
          assert.isAtMost(chunk.usage.completion_tokens, 10)
        }
        assert.strictEqual(told(first), 10)
      }).pipe(Effect.scoped, Effect.provide(server({ faults: [`engine-hang-with-noise:every=2,frame=${frame}`] }))))
  }

  it.effect("of one rank leaves the others alone", () =>
    Effect.gen(function*() {
      const first = yield* ask({ headers: { "x-data-parallel-rank": "1" } })
      const other = yield* ask({ headers: { "x-data-parallel-rank": "0" } })
      yield* answered(first)
      yield* answered(other)
      yield* pass(3)
      const before = yield* scrape
      yield* pass(30, 5)
      assert.strictEqual(told(first), 10)
      assert.strictEqual(told(other), 100)
      const after = yield* scrape
      const running = (engine: string) => after.value("vllm:num_requests_running", { engine })
      assert.deepStrictEqual([running("0"), running("1")], [0, 1])
      for (const [name, value] of before.all) {
        if (name.includes("engine=\"1\"")) assert.strictEqual(after.all.get(name), value, name)
      }
    }).pipe(
      Effect.scoped,
      Effect.provide(server({ dataParallelSize: 2, faults: ["rank-hang:rank=1,request=1"] }))
    ))

  it.effect("of the first request only, while it computes its prompt", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(39)
      assert.strictEqual(told(first), 0)
      yield* pass(20)
      assert.strictEqual(told(first), 100)
      const second = yield* ask()
      yield* answered(second)
      yield* pass(15)
      assert.strictEqual(told(second), 100)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["first-request-pause"] }))))

  it.effect("as soon as many requests are open", () =>
    Effect.gen(function*() {
      const conversations = yield* Effect.replicateEffect(ask(), 4)
      for (const conversation of conversations) yield* answered(conversation)
      yield* pass(5)
      assert.isAbove(told(conversations[0]!), 10)
      const fifth = yield* ask()
      yield* answered(fifth)
      yield* pass(1)
      const before = told(conversations[0]!)
      yield* frozen
      assert.strictEqual(told(conversations[0]!), before)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["mass-hang:streams=5"] }))))
})

describe("decode-hang", () => {
  it.effect("stops decoding and lets prompts be computed", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(3)
      assert.strictEqual(told(first), 10)
      const before = yield* scrape
      const second = yield* ask()
      yield* answered(second)
      yield* pass(60, 5)
      assert.deepStrictEqual([told(first), told(second)], [10, 1])
      const moved = changes(before, yield* scrape)
      assert.include(moved, "vllm:time_to_first_token_seconds_count")
      assert.include(moved, "vllm:prompt_tokens_total")
      assert.notInclude(moved, "vllm:inter_token_latency_seconds_count")
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 2)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["decode-hang:others=0"] }))))

  it.effect("goes on giving others their first tokens", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(3)
      const moved = yield* moving
      assert.include(moved, "vllm:time_to_first_token_seconds_count")
      assert.notInclude(moved, "vllm:inter_token_latency_seconds_count")
      assert.strictEqual(told(first), 10)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["decode-hang"] }))))

  it.effect("ends when it is taken away", () =>
    Effect.gen(function*() {
      const first = yield* ask()
      yield* answered(first)
      yield* pass(60, 5)
      assert.strictEqual(told(first), 10)
      yield* pass(60, 5)
      assert.strictEqual(told(first), 100)
    }).pipe(Effect.scoped, Effect.provide(server({ faults: ["decode-hang:for=90,others=0"] }))))
})

describe("request-lost", () => {
  it.effect("is forgotten by the engine alone", () =>
    Effect.gen(function*() {
      const lost = yield* ask({ fault: "request-lost" })
      yield* answered(lost)
      const other = yield* ask()
      yield* answered(other)
      yield* pass(3)
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
      assert.deepStrictEqual((yield* streams).map(({ state }) => state), ["lost", "decoding"])
      yield* pass(30, 5)
      assert.deepStrictEqual([told(lost), told(other)], [10, 100])
      assert.strictEqual(lost.state, "reading")
      lost.leave()
      yield* eventually(streams, (open) => open.length === 0)
      assert.notInclude(yield* kindsOf(0), "abort-honoured")
    }).pipe(Effect.scoped, Effect.provide(server())))
})

describe("requests that wait", () => {
  it.effect("deferred-stuck is counted as deferred, for ever, and others pass it", () =>
    Effect.gen(function*() {
      const stuck = yield* ask({ fault: "deferred-stuck:others=1" })
      yield* answered(stuck)
      yield* pass(2)
      const moved = yield* moving
      assert.include(moved, "vllm:inter_token_latency_seconds_count")
      const metrics = yield* scrape
      assert.strictEqual(metrics.value("vllm:num_requests_waiting"), 1)
      assert.strictEqual(metrics.value("vllm:num_requests_waiting_by_reason", { reason: "deferred" }), 1)
      assert.strictEqual(metrics.value("vllm:num_requests_waiting_by_reason", { reason: "capacity" }), 0)
      const other = yield* ask()
      yield* answered(other)
      yield* pass(15)
      assert.strictEqual(told(other), 100)
      yield* pass(3600, 60)
      assert.strictEqual(textSoFar(stuck), "")
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("long-queue waits twelve minutes in front of a busy engine, and is served", () =>
    Effect.gen(function*() {
      const queued = yield* ask({ fault: "long-queue" })
      yield* answered(queued)
      yield* pass(2)
      const moved = yield* moving
      assert.include(moved, "vllm:generation_tokens_total")
      assert.strictEqual((yield* scrape).value("vllm:num_requests_waiting_by_reason", { reason: "capacity" }), 1)
      yield* pass(650, 10)
      assert.strictEqual(textSoFar(queued), "")
      yield* pass(30, 5)
      assert.strictEqual(told(queued), 100)
      // The others have left.
      yield* eventually(streams, (open) => open.length === 0)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("preemptions take the place away, four times", () =>
    Effect.gen(function*() {
      const preempted = yield* ask({ fault: "preemptions" })
      yield* answered(preempted)
      for (const count of [10, 20, 30, 40]) {
        yield* pass(100, 5)
        assert.strictEqual(told(preempted), count)
        const metrics = yield* scrape
        assert.strictEqual(metrics.value("vllm:num_requests_waiting"), 1)
        // Another request is at work meanwhile.
        assert.strictEqual(metrics.value("vllm:num_requests_running"), 1)
        yield* pass(100, 5)
        yield* pass(2.5, 0.5)
      }
      yield* pass(30, 5)
      assert.strictEqual(told(preempted), 100)
      assert.strictEqual((yield* scrape).value("vllm:num_preemptions_total"), 4)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("long-prefill moves nothing but the gauge of the KV cache", () =>
    Effect.gen(function*() {
      const slow = yield* ask({ fault: "long-prefill" })
      yield* answered(slow)
      yield* pass(2)
      assert.deepStrictEqual(yield* moving, ["vllm:kv_cache_usage_perc"])
      const other = yield* ask()
      yield* answered(other)
      yield* pass(20)
      assert.strictEqual(told(other), 100)
      yield* pass(510, 10)
      assert.strictEqual(textSoFar(slow), "")
      yield* pass(30, 5)
      assert.strictEqual(told(slow), 100)
      assert.isAbove(usageOf(slow).prompt_tokens, 9000)
      assert.strictEqual((yield* scrape).value("vllm:prompt_tokens_total"), usageOf(slow).prompt_tokens + 1)
    }).pipe(Effect.scoped, Effect.provide(server())))
})

describe("answers that are slow or strange", () => {
  it.effect("hidden-reasoning is six minutes without a chunk, and counted", () =>
    Effect.gen(function*() {
      const hidden = yield* ask({ fault: "hidden-reasoning", body: { max_tokens: 50, return_token_ids: true } })
      yield* answered(hidden)
      yield* pass(2)
      assert.include(yield* moving, "vllm:generation_tokens_total")
      yield* pass(290, 10)
      assert.strictEqual(told(hidden), 0)
      yield* pass(30, 5)
      assert.strictEqual(told(hidden), 50)
      assert.isAbove(usageOf(hidden).completion_tokens, 3600)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("buffered-tool-call tells a call of the request's tool as a whole", () =>
    Effect.gen(function*() {
      const call = yield* ask({
        fault: "buffered-tool-call",
        body: { tools: [{ type: "function", function: { name: "search", parameters: {} } }] }
      })
      yield* answered(call)
      yield* pass(2)
      assert.include(yield* moving, "vllm:generation_tokens_total")
      yield* pass(260, 10)
      assert.isTrue(chunksSoFar(call).every((chunk) => chunk.choices[0].delta.tool_calls === undefined))
      yield* pass(20, 5)
      yield* until(call, ({ state }) => state === "complete")
      const calls = chunksSoFar(call).flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? [])
      assert.strictEqual(calls.length, 1)
      assert.strictEqual(calls[0].function.name, "search")
      assert.isAbove(JSON.parse(calls[0].function.arguments).text.length, 1000)
      assert.strictEqual(finishReasonOf(call), "tool_calls")
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("slow-decode makes a token in five seconds", () =>
    Effect.gen(function*() {
      const slow = yield* ask({ fault: "slow-decode" })
      yield* answered(slow)
      yield* pass(100, 5)
      assert.strictEqual(told(slow), 20)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("bursts tell many tokens in one chunk", () =>
    Effect.gen(function*() {
      const bursts = yield* ask({ fault: "bursts" })
      yield* answered(bursts)
      yield* pass(19)
      assert.strictEqual(usageOf(bursts).completion_tokens, 1)
      yield* pass(3)
      assert.strictEqual(usageOf(bursts).completion_tokens, 65)
      assert.strictEqual(told(bursts), 2)
      yield* pass(20)
      assert.strictEqual(usageOf(bursts).completion_tokens, 100)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("drip never ends by itself", () =>
    Effect.gen(function*() {
      const drip = yield* ask({ fault: "drip", body: { max_tokens: 150 } })
      yield* answered(drip)
      yield* pass(5000, 50)
      assert.strictEqual(told(drip), 100)
      yield* pass(2600, 50)
      assert.strictEqual(finishReasonOf(drip), "length")
      assert.strictEqual(usageOf(drip).completion_tokens, 150)
    }).pipe(Effect.scoped, Effect.provide(server())))

  for (
    const [fault, text] of [["garbage", "!!!!!"], ["repetition", "Let me think about this again. Let me"]] as const
  ) {
    it.effect(`${fault} comes at full speed until max_tokens`, () =>
      Effect.gen(function*() {
        const conversation = yield* ask({ fault, body: { max_tokens: 500 } })
        yield* answered(conversation)
        yield* pass(1)
        yield* until(conversation, ({ state }) => state === "complete")
        assert.strictEqual(finishReasonOf(conversation), "length")
        assert.strictEqual(usageOf(conversation).completion_tokens, 500)
        const content = chunksSoFar(conversation).map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")
        assert.isTrue(content.startsWith(text), content.slice(0, 50))
      }).pipe(Effect.scoped, Effect.provide(server())))
  }

  it.effect("abort-ignored goes on without its client", () =>
    Effect.gen(function*() {
      const leaver = yield* ask({ fault: "abort-ignored" })
      yield* answered(leaver)
      yield* pass(2)
      leaver.leave()
      yield* eventually(kindsOf(0), (kinds) => kinds.includes("abort-ignored"))
      assert.notInclude(yield* kindsOf(0), "abort-honoured")
      yield* pass(4)
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
      yield* pass(10)
      const metrics = yield* scrape
      assert.strictEqual(metrics.value("vllm:num_requests_running"), 0)
      assert.strictEqual(metrics.value("vllm:generation_tokens_total"), 100)
      assert.strictEqual((yield* streams).length, 0)
    }).pipe(Effect.scoped, Effect.provide(server())))

  it.effect("faults of an answer that is not streamed hold it up, too", () =>
    Effect.gen(function*() {
      const whole = yield* ask({
        fault: "slow-decode:tokens-per-second=1",
        body: { stream: false, stream_options: null }
      })
      yield* eventually(streams, (open) => open.length === 1)
      yield* pass(90, 5)
      assert.strictEqual(whole.status, undefined)
      yield* pass(15, 5)
      yield* until(whole, ({ state }) => state === "complete")
      assert.strictEqual(JSON.parse(textSoFar(whole)).usage.completion_tokens, 100)
    }).pipe(Effect.scoped, Effect.provide(server())))
})

describe("ranks", () => {
  const open = (rank: string | undefined) =>
    ask(rank === undefined ? {} : { headers: { "x-data-parallel-rank": rank } })

  it.effect("take requests by header, else in turn, the one with the fewest first", () =>
    Effect.gen(function*() {
      const running = Effect.map(scrape, ({ value }) =>
        ["0", "1", "2"].map((engine) => value("vllm:num_requests_running", { engine })))
      const conversations = [yield* open("2"), yield* open(" 2 ")]
      for (const one of conversations) {
        yield* answered(one)
      }
      yield* pass(1)
      assert.deepStrictEqual(yield* running, [0, 0, 2])
      for (let count = 0; count < 4; count++) {
        yield* answered(yield* open(undefined))
      }
      yield* pass(1)
      assert.deepStrictEqual(yield* running, [2, 2, 2])
      yield* answered(yield* open("no number"))
      yield* pass(1)
      assert.strictEqual(
        (yield* running).reduce((sum, count) =>
          sum + count
        ),
        7
      )
    }).pipe(Effect.scoped, Effect.provide(server({ dataParallelSize: 3 }))))

  it.effect("that do not exist are found behind the headers", () =>
    Effect.gen(function*() {
      const wrong = yield* open("3")
      yield* until(wrong, ({ state }) => state === "complete")
      assert.strictEqual(wrong.status, 200)
      assert.strictEqual(chunksSoFar(wrong)[0].error.message, "data_parallel_rank 3 is out of range [0, 3).")
      const response = yield* post(userMessage("Hi"), { headers: { "x-data-parallel-rank": "-1" } })
      assert.strictEqual(response.status, 400)
      assert.strictEqual((yield* jsonOf(response)).error.message, "data_parallel_rank -1 is out of range [0, 3).")
    }).pipe(Effect.scoped, Effect.provide(server({ dataParallelSize: 3 }))))
})
