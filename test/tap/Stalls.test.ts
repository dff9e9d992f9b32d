/**
 * What becomes of a call that is given up: the engine's request is closed, the agent's SDK understands, the runner has the
 * error. And of one whose battle is closed.
 */
// @effect-diagnostics globalTimers:off
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { APIError } from "openai"
import type { TaskEvent } from "../../src/a2a/TaskEvent.ts"
import { withPatience } from "../../src/liveness/LivenessLimits.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { Tap } from "../../src/tap/Tap.ts"
import { TapClient } from "../../src/tap/TapClient.ts"
import { rawSocket, requestText } from "../support/rawSocket.ts"
import { eventually, scriptedServer } from "../support/scriptedServer.ts"
import { agentAt, ask, impatient, tapFor, tappedSimulator, Told } from "./harness.ts"

/** What the SDK makes of a call, and how often the engine was asked. */
const outcome = (call: () => PromiseLike<unknown>) =>
  Effect.promise(async () => {
    try {
      const answer = await call()
      if (typeof answer === "object" && answer !== null && Symbol.asyncIterator in answer) {
        for await (const _ of answer as AsyncIterable<unknown>) { /* to its end */ }
      }
      return undefined
    } catch (error) {
      return error instanceof APIError ? error : undefined
    }
  })

const asked = Effect.map(
  Effect.flatMap(Simulator, ({ journal }) => journal),
  (events) => events.filter(({ event }) => event === "request").length
)

const noneOpen = Effect.flatMap(
  Simulator,
  ({ streams }) =>
    Effect.timeout(Effect.repeat(Effect.delay(streams, 5), { until: (open) => open.length === 0 }), "3 seconds")
)

const follow = (battle: string, attempt = 1, patience = 1) =>
  Effect.gen(function*() {
    const { url } = yield* Tap
    const client = yield* TapClient
    const events: Array<TaskEvent> = []
    const fiber = yield* Effect.forkScoped(Effect.result(
      Stream.runForEach(
        client.battle({ tapUrl: url, battle, agent: "red", attempt, patience }),
        (event) => Effect.sync(() => events.push(event))
      )
    ))
    yield* eventually(`${battle} is open`, () => events.length > 0 || fiber.pollUnsafe() !== undefined)
    return { events, fiber, result: Fiber.join(fiber) as Effect.Effect<Result.Result<void, RunError>> }
  })

const slow = { timeToFirstTokenMillis: 5, interTokenMillis: 2, answers: { _tag: "LengthOnly" as const, tokens: 30 } }
const hanging = { headers: { "x-sim-fault": "engine-hang:after-tokens=10" } }

layer(tappedSimulator(slow, { limits: impatient }), { excludeTestServices: true })("a call that stalls", (it) => {
  it.effect("ends in an error that the SDK knows and does not retry, whole or streamed", () =>
    Effect.gen(function*() {
      const { baseUrl } = yield* Tap
      const simulator = yield* Simulator
      for (const stream of [false, true]) {
        const before = yield* asked
        const error = yield* outcome(() => agentAt(baseUrl).chat.completions.create(ask("Hi", { stream }), hanging))
        assert.deepInclude(error, {
          status: stream ? undefined : 504,
          code: "engine_stalled",
          type: "campaign_tap_error",
          param: null
        })
        assert.match(error?.message ?? "", /given up: no token from the engine for 0\.\d s .* after 10 tokens/)
        assert.strictEqual(yield* asked, before + 1)
        yield* simulator.faults.clear
        yield* noneOpen
      }
      const ends = (yield* Told).flatMap((event) => event._tag === "CallEnded" ? [event.end] : [])
      assert.deepStrictEqual(ends, ["stalled", "stalled"])
    }))

  it.effect("is the error of its battle, which ends with all its calls", () =>
    Effect.gen(function*() {
      const { baseUrlOfBattle } = yield* Tap
      const simulator = yield* Simulator
      const { events, result } = yield* follow("stalls", 1, 1.5)
      const error = yield* outcome(() =>
        agentAt(baseUrlOfBattle("stalls")).chat.completions.create(ask("Hi", { stream: true }), hanging)
      )
      assert.strictEqual(error?.code, "engine_stalled")
      const ended = yield* result
      const failure = Result.isFailure(ended) ? ended.failure : undefined
      assert.deepInclude(failure, { _tag: "Stalled", hop: "engine", kind: "silent", tokens: 10, cancel: "unconfirmed" })
      // Battles that were given up before are waited for longer.
      assert.strictEqual(failure?._tag === "Stalled" ? failure.limit.millis : 0, 600)
      const deltas = events.filter((event) => event._tag === "Delta")
      assert.strictEqual(deltas.reduce((sum, { tokens }) => sum + tokens, 0), 10)
      const beats = events.filter((event) => event._tag === "Heartbeat")
      assert.deepInclude(beats[0], { phase: "agent-work", tokens: 0, intervalMillis: 100 })
      assert.isTrue(
        beats.some(({ phase, tokenAgeMillis, tokens }) =>
          phase === "decoding" && tokens === 10 && tokenAgeMillis >= 100
        )
      )
      yield* simulator.faults.clear
      yield* noneOpen
    }).pipe(Effect.scoped))

  it.effect("ends with its battle, however that is closed, and the SDK is told which", () =>
    Effect.gen(function*() {
      const { baseUrl, url } = yield* Tap
      const simulator = yield* Simulator
      for (const close of ["runner", "request"]) {
        const { events, fiber, result } = yield* follow(`closed by ${close}`)
        const call = yield* Effect.forkScoped(
          outcome(() => agentAt(baseUrl).chat.completions.create(ask("Hi", { stream: true }), hanging))
        )
        yield* eventually("it has tokens", () => events.some(({ _tag }) => _tag === "Delta"))
        if (close === "runner") yield* Fiber.interrupt(fiber)
        else {
          const answer = yield* Effect.promise(async () =>
            (await fetch(`${url}/.campaign-tap/battles/closed%20by%20request`, { method: "DELETE" })).json()
          )
          assert.deepStrictEqual(answer, { battle: "closed by request", callsClosed: 1 })
          assert.isTrue(Result.isSuccess(yield* result))
          assert.deepInclude(events.at(-1), { _tag: "Ended", state: "canceled", error: null })
        }
        assert.deepInclude(yield* Fiber.join(call), { code: "battle_closed", type: "campaign_tap_error" })
        yield* simulator.faults.clear
        yield* noneOpen
      }
    }).pipe(Effect.scoped))

  it.effect("is only told of where the policy is to warn", () =>
    Effect.gen(function*() {
      const { baseUrl } = yield* Tap
      const simulator = yield* Simulator
      const told = yield* Told
      const call = yield* Effect.forkScoped(outcome(() =>
        agentAt(baseUrl).chat.completions.create(ask("Hi"), {
          headers: { "x-sim-fault": "engine-hang:after-tokens=10,for=1" }
        })
      ))
      yield* eventually("it is found", () =>
        told.some((event) => event._tag === "CallVerdict" && event.verdict._tag === "Stalled"))
      assert.isUndefined(yield* Fiber.join(call))
      assert.deepInclude(
        told.findLast((event) =>
          event._tag === "CallEnded"
        ),
        { end: "completed", tokens: 30 }
      )
      yield* simulator.faults.clear
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.fresh(tappedSimulator(slow, { limits: impatient, policy: "warn" })))
    ))
})

layer(tappedSimulator(), { excludeTestServices: true })("a battle's stream", (it) => {
  it.effect("is refused to an attempt that is not later, and given to one that is", () =>
    Effect.gen(function*() {
      const first = yield* follow("b", 2)
      for (const attempt of [1, 2]) {
        const { result } = yield* follow("b", attempt)
        const refused = yield* result
        const error = Result.isFailure(refused) ? refused.failure : undefined
        assert.match(error?.message ?? "", /does not open the battle: battle b is open with attempt 2/)
      }
      yield* follow("b", 3)
      assert.isTrue(Result.isSuccess(yield* first.result))
      assert.match(JSON.stringify(first.events.at(-1)), /attempt 3 of the battle has taken its place/)
    }).pipe(Effect.scoped))

  it.effect("says what is wrong with how it was asked for", () =>
    Effect.gen(function*() {
      const { url } = yield* Tap
      const answer = (path: string, method = "GET") =>
        Effect.promise(async () => {
          const response = await fetch(`${url}/.campaign-tap/${path}`, { method })
          return `${response.status} ${
            ((await response.json()) as { readonly error: { readonly message: string } }).error.message
          }`
        })
      assert.match(yield* answer("battles/b"), /^400 expected \?agent=NAME/)
      assert.match(yield* answer("battles/b?agent=a&attempt=0"), /^400 .*attempt/)
      assert.match(yield* answer("battles/b?agent=a&trace=x"), /^400 .*trace/)
      assert.match(yield* answer("battles/none", "DELETE"), /^404 no battle none is open/)
      assert.match(yield* answer("battles/b", "POST"), /^405/)
      assert.match(yield* answer("nonsense"), /^404 a tap has/)
    }))

  it.effect("fails as a lost engine where there is no tap, or no longer", () =>
    Effect.gen(function*() {
      const client = yield* TapClient
      const nobody = { tapUrl: "http://127.0.0.1:2", battle: "b", agent: "a", attempt: 1, patience: 1 }
      const error = yield* Effect.flip(Stream.runDrain(client.battle(nobody)))
      assert.deepInclude(error, { _tag: "Failed", hop: "engine" })
      assert.match(error.message, /no connection to http:\/\/127\.0\.0\.1:2: the tap cannot be reached: .*ECONNREFUSED/)
    }))
})

describe("a tap that dies", () => {
  it.live("is a lost connection to whoever follows a battle there", () =>
    Effect.gen(function*() {
      const beat = {
        _tag: "Heartbeat",
        phase: "agent-work",
        tokens: 0,
        tokenAgeMillis: 0,
        engine: "unknown",
        intervalMillis: 1
      }
      const dying = yield* scriptedServer((response, { path }) => {
        response.writeHead(200, { "content-type": "text/event-stream" }).write(`data: ${JSON.stringify(beat)}\n\n`)
        if (path.includes("nonsense")) response.end("data: {\"_tag\":\"Nonsense\"}\n\n")
        else if (path.includes("ends")) response.end()
        else setTimeout(() => response.socket?.destroy(), 5)
      })
      const client = yield* TapClient
      const messages: Array<string> = []
      for (const battle of ["ends", "breaks", "nonsense"]) {
        const options = { tapUrl: dying.url, battle, agent: "a", attempt: 1, patience: 1 }
        messages.push((yield* Effect.flip(Stream.runDrain(client.battle(options)))).message)
      }
      assert.match(messages[0]!, /^engine: connection lost: the tap at .* is gone: it closed the battle's stream$/)
      assert.match(messages[1]!, /^engine: connection lost: the tap at .* is gone: ConnectionLost$/)
      assert.match(messages[2]!, /^engine: malformed answer: the tap at .* said what is no task event$/)
    }).pipe(Effect.scoped, Effect.provide(TapClient.layer)))
})

describe("an answer that comes whole", () => {
  const limits = { ...impatient, ...withPatience(impatient, 60_000), headersMillis: 100 }
  layer(tappedSimulator({ ...slow, interTokenMillis: 15 }, { limits }), { excludeTestServices: true })((it) => {
    it.effect("is not given up because nothing is said before it", () =>
      Effect.gen(function*() {
        const { baseUrl } = yield* Tap
        const body = { model: "simulated-model", prompt: "Hi", echo: true, max_tokens: 30 }
        const { choices } = yield* Effect.promise(() => agentAt(baseUrl).completions.create(body))
        assert.strictEqual(choices[0]?.finish_reason, "stop")
        assert.deepInclude((yield* Told).at(-1), { _tag: "CallEnded", mode: "whole", tokens: 30, end: "completed" })
      }))
  })
})

describe("a stream that stalls inside an event", () => {
  const cut =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\ndata: {\"half"
  it.live("is cut, because an error behind half an event would be none", () =>
    Effect.gen(function*() {
      const upstream = yield* scriptedServer((response) =>
        void response.writeHead(200, { "content-type": "text/event-stream" }).write(cut)
      )
      const received = yield* Effect.gen(function*() {
        const { url } = yield* Tap
        const raw = yield* rawSocket(url)
        raw.write(requestText("POST /v1/chat/completions", { body: JSON.stringify({ model: "m", stream: true }) }))
        yield* raw.closed
        return raw.received()
      }).pipe(Effect.provide(tapFor(`${upstream.url}/v1`, { limits: impatient })))
      assert.isTrue(received.endsWith("{\"half\r\n"), received)
    }).pipe(Effect.scoped))
})

describe("a tap with a token", () => {
  const guarded = tappedSimulator({}, { token: Redacted.make("the-token") })
  layer(guarded, { excludeTestServices: true })((it) => {
    it.effect("answers runners that have it, and agents without", () =>
      Effect.gen(function*() {
        const { baseUrl, url } = yield* Tap
        const client = yield* TapClient
        const battle = (token?: string) =>
          client.battle({
            tapUrl: url,
            battle: "b",
            agent: "a",
            attempt: 1,
            patience: 1,
            ...(token === undefined ? {} : { token: Redacted.make(token) })
          })
        for (const token of [undefined, "wrong"]) {
          const exit = yield* Effect.exit(Stream.runDrain(battle(token)))
          assert.match(Exit.isFailure(exit) ? String(exit.cause) : "", /rejected the request \(401\)/)
        }
        const [first] = yield* Stream.runCollect(Stream.take(battle("the-token"), 1))
        assert.strictEqual(first?._tag, "Heartbeat")
        const models = yield* Effect.promise(() => agentAt(baseUrl).models.list())
        assert.lengthOf(models.data, 1)
      }))
  })
  layer(tappedSimulator({}, { host: "0.0.0.0" }), { excludeTestServices: true })((it) => {
    it.effect("is what a listener for other machines needs to answer runners at all", () =>
      Effect.gen(function*() {
        const { baseUrl, url } = yield* Tap
        const response = yield* Effect.promise(() => fetch(`${url}/.campaign-tap/battles`))
        assert.strictEqual(response.status, 403)
        assert.include(yield* Effect.promise(() => response.text()), "CAMPAIGN_TAP_TOKEN")
        assert.lengthOf((yield* Effect.promise(() => agentAt(baseUrl).models.list())).data, 1)
      }))
  })
})
