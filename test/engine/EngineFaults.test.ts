/**
 * The engine client against every fault of the simulated engine, in virtual time over real sockets: what the catalogue
 * says must become of a run, as far as a client without limits and without evidence can tell.
 *
 * What must end as completed or failed, ends so; what only a guard can end stays silent for ten minutes and is neither.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Engine } from "../../src/engine/Engine.ts"
import type { Failed } from "../../src/liveness/Failed.ts"
import { catalogue } from "../../src/simulator/faults/FaultCatalogue.ts"
import type { FaultEntry } from "../../src/simulator/faults/FaultEntry.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import type { TokenEvent } from "../../src/token/TokenEvent.ts"
import * as Transcript from "../../src/token/Transcript.ts"
import { pass } from "../simulator/faults/virtualTime.ts"
import { simulator } from "../simulator/harness.ts"

const answer =
  "Ein Gruß an 日本語 und 🙂 — mit vielen Wörtern, damit ein Fehler in der Mitte Platz hat: eins, zwei, drei."

/** A client without a limit of its own waits for these for ever; the catalogue means one that has it. */
const needsLimit = new Set(["headers-never", "server-silent"])
/** They end by what a user asked for, not here. */
const endless = new Set(["drip"])
/** They replace the answer. */
const otherAnswers = new Set(["garbage", "repetition", "buffered-tool-call"])
/** Where the catalogue allows several ways to say it, this client says the first. */
const kebab = (tag: string) => tag.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase()

interface Run {
  readonly events: Array<TokenEvent>
  ended: "not yet" | "completed" | Failed
}

const run = Effect.gen(function*() {
  const { url } = yield* Simulator
  const state: Run = { events: [], ended: "not yet" }
  const fiber = yield* Effect.gen(function*() {
    const engine = yield* Engine
    yield* engine.stream({ messages: [{ role: "user", content: "hi" }], requestId: "one" }).pipe(
      Stream.runForEachArray((some) => Effect.sync(() => state.events.push(...some))),
      Effect.match({
        onSuccess: () => {
          state.ended = "completed"
        },
        onFailure: (error) => {
          state.ended = error
        }
      })
    )
  }).pipe(
    Effect.provide(Engine.layer({ baseUrl: `${url}/v1`, model: "simulated-model", maxTokens: 500 })),
    Effect.forkChild({ startImmediately: true })
  )
  return { state, stop: Fiber.interrupt(fiber) }
})

/** Long enough for every fault that ends. */
const longest = 1600

const outcomeOf = ({ example, name }: FaultEntry) =>
  Effect.gen(function*() {
    const { state, stop } = yield* run
    yield* pass(20)
    for (let passed = 20; passed < longest && state.ended === "not yet"; passed += 20) yield* pass(20, 4)
    yield* stop
    return state
  }).pipe(
    Effect.scoped,
    Effect.provide(simulator({
      interTokenMillis: 100,
      timeToFirstTokenMillis: 400,
      answers: { _tag: "FixedText", text: answer },
      dataParallelSize: 1,
      // A server's fault is there before its request.
      faults: [name === "connection-refused" ? `${name}:for=10000` : example.includes(";") ? example : name]
    }))
  )

const judged = catalogue.filter(({ name }) => !needsLimit.has(name) && !endless.has(name))

describe("the engine client", () => {
  for (const fault of judged.filter(({ outcome }) => outcome.verdict === "completed")) {
    it.effect(`completes with ${fault.name}`, () =>
      Effect.gen(function*() {
        const { ended, events } = yield* outcomeOf(fault)
        assert.strictEqual(ended, "completed")
        assert.strictEqual(events.filter(({ _tag }) => _tag === "Finish").length, 1)
        if (!otherAnswers.has(fault.name)) assert.strictEqual(Transcript.fromEvents(events).content, answer)
      }), 30_000)
  }

  for (const fault of judged.filter(({ outcome }) => outcome.verdict === "failed")) {
    it.effect(`fails with ${fault.name} as ${fault.outcome.kinds.join(" or ")}`, () =>
      Effect.gen(function*() {
        const { ended, events } = yield* outcomeOf(fault)
        if (typeof ended === "string") return assert.fail(ended)
        assert.include(fault.outcome.kinds, kebab(ended.reason._tag), ended.message)
        // What came before is kept.
        assert.isTrue(answer.startsWith(Transcript.fromEvents(events).content))
      }), 30_000)
  }

  for (const fault of judged.filter(({ outcome }) => outcome.verdict === "stalled")) {
    it.effect(`neither ends nor fails with ${fault.name} by itself`, () =>
      Effect.gen(function*() {
        const { state, stop } = yield* run
        yield* pass(30)
        const before = state.events.filter(({ _tag }) => _tag === "Delta").length
        assert.isBelow(before, 40)
        yield* pass(fault.trigger.for === undefined ? 600 : Math.min(600, fault.trigger.for - 40), 10)
        assert.strictEqual(state.ended, "not yet")
        assert.strictEqual(state.events.filter(({ _tag }) => _tag === "Delta").length, before)
        yield* stop
      }).pipe(
        Effect.scoped,
        Effect.provide(simulator({
          interTokenMillis: 100,
          timeToFirstTokenMillis: 400,
          answers: { _tag: "FixedText", text: answer },
          faults: [fault.name === "mass-hang" ? "mass-hang:streams=1" : fault.name]
        }))
      ), 30_000)
  }
})
