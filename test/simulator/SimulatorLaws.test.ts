// The laws of conservation over everything: real sockets, virtual time, requests and clients that leave by chance.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import {
  ask,
  type Conversation,
  eventually,
  journal,
  kindsOf,
  pass,
  scrape,
  told,
  until
} from "./faults/virtualTime.ts"
import { simulator, streams } from "./harness.ts"

const ranks = [0, 1]

const runAll = (seed: number) =>
  Effect.gen(function*() {
    const random = SeededRandom.make(seed)
    const clients: Array<{ readonly conversation: Conversation; readonly tokens: number; left: boolean }> = []
    let before = yield* scrape

    const look = Effect.gen(function*() {
      const metrics = yield* scrape
      const total = (name: string) =>
        ranks.reduce((sum, rank) => sum + metrics.value(`vllm:${name}`, { engine: `${rank}` }), 0)
      const open = (yield* streams).filter(({ state }) => state !== "finished").length
      const written = (yield* journal).reduce((sum, { tokens = 0 }) => sum + tokens, 0)
      const staying = clients.filter(({ left }) => !left)
      return {
        metrics,
        running: total("num_requests_running"),
        open: [total("num_requests_running") + total("num_requests_waiting"), open],
        tokens: [total("generation_tokens_total"), written],
        excess: staying.filter(({ conversation, tokens }) => told(conversation) > tokens).length
      }
    })

    const check = Effect.gen(function*() {
      const { metrics } = yield* eventually(look, ({ open, tokens }) => open[0] === open[1] && tokens[0] === tokens[1])
      for (const [series, count] of before.all) {
        if (metrics.types.get(series.replace(/\{.*/, "")) !== "gauge") {
          assert.isAtLeast(metrics.all.get(series)!, count, series)
        }
      }
      before = metrics
    })

    for (let event = 0; event < 12; event++) {
      const open = clients.filter(({ conversation, left }) => !left && conversation.state === "reading")
      if (random.uniform() < 0.7 || open.length === 0) {
        const tokens = 1 + random.integer(20)
        const conversation = yield* ask({
          body: { max_tokens: tokens },
          headers: { "x-data-parallel-rank": String(random.integer(ranks.length)) }
        })
        clients.push({ conversation, tokens, left: false })
        yield* until(conversation, ({ status }) => status === 200)
      } else {
        const client = open[random.integer(open.length)]!
        client.left = true
        client.conversation.leave()
        yield* eventually(kindsOf(clients.indexOf(client)), (kinds) => kinds.includes("close-seen"))
      }
      yield* pass(0.1 + random.integer(8) / 10, 0.1)
      yield* check
    }
    yield* pass(60, 1)
    yield* check
    const { running, tokens, excess } = yield* look
    assert.deepStrictEqual([running, excess], [0, 0])
    let all = 0
    for (const [index, { conversation, left, tokens: asked }] of clients.entries()) {
      if (!left) assert.strictEqual(told(conversation), asked, `request ${index}`)
      all += told(conversation)
    }
    // Who left may not have read all that was written for him.
    assert.isAtMost(all, tokens[0]!)
  }).pipe(
    Effect.scoped,
    Effect.provide(simulator({
      interTokenMillis: 100,
      timeToFirstTokenMillis: 200,
      dataParallelSize: ranks.length,
      maxConcurrentRequests: 2,
      kvCacheTokens: 48,
      answers: { _tag: "LengthOnly", tokens: 20 }
    })),
    // Its times are those of a clock of its own.
    (run) => Effect.provide(run, TestClock.layer())
  )

describe("Simulator: laws", () => {
  it.effect.prop(
    "conserve tokens and requests over sockets, whoever comes and leaves",
    { seed: Schema.Int },
    ({ seed }) => runAll(seed),
    { arbitrary: { runs: 8 } }
  )
})
