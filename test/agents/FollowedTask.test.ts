/** An agent's task with what is known of it from elsewhere: its engine, and what its earlier tasks have taught. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { TestClock } from "effect/testing"
import { Status } from "../../src/a2a/TaskEvent.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import * as RunKey from "../../src/liveness/RunKey.ts"
import { Usage } from "../../src/token/TokenEvent.ts"
import { failureOf } from "../liveness/watching.ts"
import { stalled } from "../support/runErrors.ts"
import { beat, counted, done, followed, scenario, text, world } from "./followedWorld.ts"

describe("a followed task", () => {
  scenario(
    "is asked for in the mode that is forced, and in none where its tap is to be used",
    Effect.gen(function*() {
      for (const mode of ["stream", "poll", "blocking", "tap", null] as const) {
        const { asked, stop } = yield* world({ mode })
        assert.deepStrictEqual(asked.map(({ mode }) => mode), [mode === "tap" ? undefined : mode ?? undefined])
        yield* stop
      }
    })
  )

  scenario(
    "is what the agent says, and nothing else, where that tells everything",
    Effect.gen(function*() {
      const { agent, agentEnds, exit, isWitnessed, seen, tap } = yield* world({ with: ["tap"] })
      yield* tap(beat("agent-work"))
      const said = [followed(true), text("a", 3), beat("decoding", "moving"), counted(2), done]
      yield* agent(...said.slice(0, 2))
      yield* tap(counted(7), beat("decoding", "moving"))
      yield* agent(...said.slice(2))
      yield* agentEnds
      assert.isTrue(Exit.isSuccess(exit()!))
      // The watch keeps the agent's heartbeats to itself.
      assert.deepStrictEqual(seen, said.filter(({ _tag }) => _tag !== "Heartbeat"))
      assert.isFalse(isWitnessed())
    })
  )

  scenario(
    "asks no engine for an agent that tells everything",
    Effect.gen(function*() {
      const { agent, isWitnessed } = yield* world({ with: ["engine"] })
      assert.isFalse(isWitnessed())
      yield* agent(followed(true))
      assert.isFalse(isWitnessed())
      const other = yield* world({ with: ["engine"] })
      yield* other.agent(followed(false))
      assert.isTrue(other.isWitnessed())
    })
  )

  scenario(
    "tells the engine's witness when something came, and how much",
    Effect.gen(function*() {
      const { agent, run } = yield* world({ with: ["engine"] })
      yield* TestClock.adjust("1 second")
      yield* agent(followed(false))
      assert.deepStrictEqual(run(), { lastMillis: 0, pieces: 0, tokens: 0, phase: "awaiting" })
      yield* TestClock.adjust("1 second")
      yield* agent(Status.make({ state: "working", text: "" }))
      assert.strictEqual(run().lastMillis, 0)
      yield* agent(Status.make({ state: "working", text: "reads" }))
      assert.strictEqual(run().lastMillis, 2000)
      yield* TestClock.adjust("1 second")
      yield* agent(text("a"), text("b"))
      assert.deepStrictEqual(run(), { lastMillis: 3000, pieces: 2, tokens: 2, phase: "decoding" })
      yield* TestClock.adjust("1 second")
      yield* agent(Usage.make({ promptTokens: 1, completionTokens: 2 }))
      assert.strictEqual(run().lastMillis, 3000)
    })
  )

  scenario(
    "is waited for while its engine moves, and given up where nobody speaks for it",
    Effect.gen(function*() {
      const moving = { ...beat("decoding", "moving"), _tag: "Heartbeat" as const }
      const spoken = yield* world({ with: ["engine"] })
      const alone = yield* world({})
      yield* spoken.agent(followed(false), text("a"))
      yield* alone.agent(followed(false), text("a"))
      for (let turn = 0; turn < 400; turn++) {
        yield* spoken.engine(moving)
        yield* TestClock.adjust("5 seconds")
      }
      assert.isUndefined(spoken.exit())
      assert.deepInclude(failureOf(alone.exit()), { _tag: "Stalled", hop: "purple", kind: "agent-silent" })
    })
  )

  scenario(
    "ends with what its engine proves, unless it is not to be ended",
    Effect.gen(function*() {
      for (const policy of ["enforce", "warn", "off"] as const) {
        const { agent, engineFails, exit, isWitnessed } = yield* world({ with: ["engine"], policy })
        yield* agent(followed(false))
        assert.strictEqual(isWitnessed(), policy !== "off")
        yield* engineFails(stalled("engine-hung"))
        if (policy === "enforce") assert.deepInclude(failureOf(exit()), { hop: "engine", kind: "engine-hung" })
        else assert.isUndefined(exit())
      }
    })
  )

  scenario(
    "teaches and learns by its own silences, if nobody further in does",
    Effect.gen(function*() {
      const told: Array<string> = []
      const learner = LimitLearner.of({
        learned: (key) =>
          Effect.sync(() => {
            told.push(`asked ${RunKey.textOf(key)}`)
            return { gapMillis: 130_000, firstTokenMillis: null }
          }),
        finished: (key, run) => Effect.sync(() => void told.push(`${run.largestGapMillis} of ${key.endpoint}`)),
        everything: Effect.succeed([])
      })
      const exact = yield* world({ learner })
      yield* exact.agent(followed(true), text("a"), text("b"), done)
      yield* exact.agentEnds
      const plain = yield* world({ learner })
      yield* plain.agent(followed(false), text("a"))
      yield* TestClock.adjust("40 seconds")
      yield* plain.agent(text("b"))
      yield* TestClock.adjust("144 seconds")
      assert.isUndefined(plain.exit())
      yield* plain.agent(text("c"), done)
      yield* plain.agentEnds
      assert.deepStrictEqual(told, [
        "asked [\"http://agent/\",\"\",null,16,\"unknown\"]",
        "asked [\"http://agent/\",\"\",null,16,\"unknown\"]",
        "144000 of http://agent/"
      ])
      const silent = yield* world({ learner })
      yield* silent.agent(followed(false), text("a"))
      yield* TestClock.adjust("200 seconds")
      assert.deepNestedInclude(failureOf(silent.exit()), { _tag: "Stalled", "limit.origin": "learned" })
    })
  )
})
