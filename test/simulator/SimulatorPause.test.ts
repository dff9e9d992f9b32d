// The paused engine over HTTP, in virtual time: who is refused and when, what stands still, and what a hung engine answers.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { ask, changes, eventsOf, finishReasonOf, pass, scrape, textSoFar, told, until } from "./faults/virtualTime.ts"
import { get, jsonOf, post, simulator } from "./harness.ts"

const server = simulator({
  timeToFirstTokenMillis: 100,
  interTokenMillis: 100,
  answers: { _tag: "LengthOnly", tokens: 50 }
})

const pause = (mode: string) => Effect.flatMap(post("", { path: `/pause?mode=${mode}` }), jsonOf)
const resume = Effect.flatMap(post("", { path: "/resume" }), jsonOf)
/** Whether it is paused, and whether it is asleep. */
const stands = Effect.gen(function*() {
  const { is_paused } = yield* Effect.flatMap(get("/is_paused"), jsonOf)
  const { is_sleeping } = yield* Effect.flatMap(get("/is_sleeping"), jsonOf)
  return [is_paused, is_sleeping]
})

const remove = (path: string) =>
  Effect.flatMap(Simulator, ({ url }) => Effect.promise((signal) => fetch(url + path, { method: "DELETE", signal })))

const message = "Generation is paused. Please retry after it resumes."
const refusal = {
  error: { message, type: "InternalServerError", param: null, code: 503 }
}

const isRefused = Effect.gen(function*() {
  const streamed = yield* ask()
  yield* until(streamed, ({ state }) => state === "complete")
  assert.strictEqual(streamed.status, 200)
  assert.deepStrictEqual(eventsOf(streamed), [JSON.stringify(refusal), "[DONE]"])
  const whole = yield* ask({ body: { stream: false, stream_options: undefined } })
  yield* until(whole, ({ state }) => state === "complete")
  assert.strictEqual(whole.status, 503)
  assert.deepStrictEqual(JSON.parse(textSoFar(whole)), { error: { ...refusal.error, type: "ServiceUnavailableError" } })
})

const begun = Effect.gen(function*() {
  const conversation = yield* ask()
  yield* until(conversation, ({ status }) => status === 200)
  yield* pass(1)
  assert.strictEqual(told(conversation), 10)
  return conversation
})

describe("Simulator: pause", () => {
  it.effect("with mode abort finishes what is open, and refuses everybody until it resumes", () =>
    Effect.gen(function*() {
      const open = yield* begun
      assert.deepStrictEqual(yield* stands, [false, false])
      assert.deepStrictEqual(yield* pause("abort"), { status: "paused" })
      yield* until(open, ({ state }) => state === "complete")
      assert.strictEqual(finishReasonOf(open), "abort")
      assert.deepStrictEqual(yield* stands, [true, true])
      const before = yield* scrape
      yield* isRefused
      yield* pass(10)
      const after = yield* scrape
      assert.deepStrictEqual(changes(before, after), [])
      // A pause is no sleep.
      assert.strictEqual(after.value("vllm:engine_sleep_state", { sleep_state: "awake" }), 1)
      yield* post("", { path: "/wake_up" })
      yield* isRefused
      assert.deepStrictEqual(yield* resume, { status: "resumed" })
      assert.deepStrictEqual(yield* stands, [false, false])
      yield* begun
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("with mode wait answers when the last one is done, and refuses from the beginning", () =>
    Effect.gen(function*() {
      const open = yield* begun
      const pausing = yield* Effect.forkChild(pause("wait"))
      yield* pass(1)
      assert.deepStrictEqual(yield* stands, [true, true])
      assert.isUndefined(pausing.pollUnsafe())
      yield* isRefused
      yield* pass(4)
      assert.strictEqual(finishReasonOf(open), "stop")
      assert.deepStrictEqual(yield* Fiber.join(pausing), { status: "paused" })
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("with mode keep refuses nobody; who comes waits and is not counted", () =>
    Effect.gen(function*() {
      const open = yield* begun
      assert.deepStrictEqual(yield* pause("keep"), { status: "paused" })
      const before = yield* scrape
      const late = yield* ask()
      yield* until(late, ({ status }) => status === 200)
      yield* pass(100, 10)
      assert.deepStrictEqual(changes(before, yield* scrape), [])
      assert.strictEqual(before.value("vllm:num_requests_running"), 1)
      assert.deepStrictEqual([told(open), textSoFar(late)], [10, ""])
      yield* resume
      yield* pass(6)
      assert.deepStrictEqual([told(open), told(late)], [50, 50])
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("is also what a sleep is, which refuses nobody, and shows nobody who comes", () =>
    Effect.gen(function*() {
      yield* begun
      yield* post("", { path: "/sleep?mode=abort" })
      assert.deepStrictEqual(yield* stands, [true, true])
      const late = yield* ask()
      yield* until(late, ({ status }) => status === 200)
      yield* pass(10)
      const asleep = yield* scrape
      for (const name of ["num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"]) {
        assert.strictEqual(asleep.value(`vllm:${name}`), 0, name)
      }
      yield* post("", { path: "/wake_up" })
      yield* pass(0.1)
      assert.strictEqual((yield* scrape).value("vllm:num_requests_running"), 1)
      yield* pass(6)
      assert.strictEqual(told(late), 50)
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("leaves asleep what was asleep when it resumes", () =>
    Effect.gen(function*() {
      yield* post("", { path: "/sleep?level=1" })
      yield* resume
      assert.deepStrictEqual(yield* stands, [false, true])
      yield* post("", { path: "/wake_up" })
      assert.deepStrictEqual(yield* stands, [false, false])
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("is not asked of an engine that hangs, in either form; nor does its gauge move", () =>
    Effect.gen(function*() {
      const hang = yield* Effect.flatMap(post("engine-hang", { path: "/sim/faults" }), jsonOf)
      const before = yield* scrape
      const asked = yield* Effect.forEach(
        ["/pause", "/resume", "/sleep", "/wake_up"],
        (path) => Effect.forkChild(post("", { path }))
      )
      const questions = yield* Effect.forEach(["/is_paused", "/is_sleeping"], (path) => Effect.forkChild(get(path)))
      const all = [...asked, ...questions]
      yield* pass(60, 5)
      assert.deepStrictEqual(all.map((fiber) => fiber.pollUnsafe()), all.map(() => undefined))
      assert.deepStrictEqual(changes(before, yield* scrape), [])
      yield* remove(`/sim/faults/${hang[0].id}`)
      for (const fiber of all) assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("is answered as a dead engine answers if it dies meanwhile", () =>
    Effect.gen(function*() {
      yield* begun
      const asked = [
        yield* Effect.forkChild(post("", { path: "/pause?mode=wait" })),
        yield* Effect.forkChild(post("", { path: "/sleep?mode=wait" }))
      ]
      yield* pass(1)
      yield* post("engine-death", { path: "/sim/faults" })
      for (const fiber of asked) {
        const answer = yield* Fiber.join(fiber)
        assert.deepStrictEqual([answer.status, (yield* jsonOf(answer)).error.type], [500, "InternalServerError"])
      }
    }).pipe(Effect.scoped, Effect.provide(server)))

  it.effect("has methods as the other paths have", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* get("/pause")).status, 405)
      assert.strictEqual((yield* get("/resume")).status, 405)
      assert.strictEqual((yield* post("", { path: "/is_paused" })).status, 405)
    }).pipe(Effect.scoped, Effect.provide(server)))
})
