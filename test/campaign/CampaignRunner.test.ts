import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import type { Definition } from "../../src/campaign/Definition.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import { Failed, type FailReason } from "../../src/liveness/Failed.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf, plainRunner, seats } from "../support/campaigns.ts"

const grade = fromTests([{ outcome: "passed" }])
const result = Artifact.make({
  artifactId: "result",
  name: "result",
  parts: [{ _tag: "Data", data: { results: [{ task: "a", participant: "agent", grade, reason: null }] } }]
} as never)

/** A battle that takes a second and is scored. */
const scored: Stream.Stream<TaskEvent> = Stream.make<ReadonlyArray<TaskEvent>>(
  said("x"),
  Finish.make({ reason: "stop" }),
  result
).pipe(
  Stream.rechunk(1),
  Stream.mapEffect((event) => Effect.as(Effect.sleep(333), event))
)
const failing = (reason: FailReason) =>
  Stream.concat(Stream.make(said("x")), Stream.fail(new Failed({ hop: "engine", tokens: 1, reason })))
const truncated: FailReason = { _tag: "Truncated" }

interface Played {
  readonly events: ReadonlyArray<CampaignEvent>
  readonly outcomes: ReadonlyArray<string>
  readonly verdicts: ReadonlyArray<string>
  readonly sent: number
}

/** Plays a campaign under the test clock; `answers` are the streams of successive attempts, the last one repeating. */
const play = (
  definition: Definition,
  answers: ReadonlyArray<Stream.Stream<TaskEvent, RunError>>,
  options: { readonly interruptAfter?: number } = {}
): Effect.Effect<Played> => {
  let sent = 0
  const client = Layer.succeed(A2aClient, {
    check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
    send: () => Stream.suspend(() => answers[Math.min(sent++, answers.length - 1)]!)
  })
  return Effect.gen(function*() {
    const store = yield* CampaignStore
    const stored = Effect.flatMap(store.load, Effect.fromOption)
    yield* store.create(definition, null)
    const events: Array<CampaignEvent> = []
    const fiber = yield* CampaignRunner.run({
      campaign: yield* stored,
      seats,
      onEvent: (event) => Effect.sync(() => events.push(event))
    }).pipe(Effect.forkChild({ startImmediately: true }))
    yield* TestClock.adjust(options.interruptAfter ?? "1 hour")
    yield* options.interruptAfter === undefined ? Fiber.join(fiber) : Fiber.interrupt(fiber)
    const { attempts, battles } = yield* stored
    return {
      events,
      sent,
      outcomes: battles.map(({ outcome }) => outcome._tag),
      verdicts: attempts.map(({ verdict }) => verdict)
    }
  }).pipe(
    Effect.provide([client, Layer.fresh(CampaignStore.layerMemory), Layer.fresh(plainRunner)]),
    Effect.orDie
  )
}

const tags = (events: ReadonlyArray<CampaignEvent>, tag: CampaignEvent["_tag"]) =>
  events.filter((event) => event._tag === tag)

describe("CampaignRunner", () => {
  it.effect("scores every battle once and tells everything in order", () =>
    Effect.gen(function*() {
      const { events, outcomes, sent } = yield* play(
        definitionOf({ tasks: ["a", "b"], repetitions: 3, concurrency: 2 }),
        [scored]
      )
      assert.deepStrictEqual(outcomes, Array(6).fill("Scored"))
      assert.strictEqual(sent, 6)
      assert.deepStrictEqual([events[0]?._tag, events.at(-1)?._tag], ["CampaignBegan", "CampaignEnded"])
      assert.strictEqual(tags(events, "AttemptEnded").length, 6)
      const times = events.map(({ atMillis }) => atMillis)
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
      // Virtual time goes on in steps of the watches that stand beside it.
      assert.isAtLeast(times.at(-1)!, 2997)
      assert.isBelow(times.at(-1)!, 3600)
    }))

  it.effect("never runs more battles at once than allowed", () =>
    Effect.gen(function*() {
      const { events } = yield* play(definitionOf({ repetitions: 10, concurrency: 3 }), [scored])
      let active = 0
      let most = 0
      for (const event of events) {
        if (event._tag === "AttemptBegan") most = Math.max(most, ++active)
        if (event._tag === "AttemptEnded") active--
      }
      assert.strictEqual(most, 3)
    }))

  it.effect("tries again what may end differently, after about 1 s and 2 s, and then gives the reason", () =>
    Effect.gen(function*() {
      const again = yield* play(definitionOf({}), [failing(truncated), scored])
      assert.deepStrictEqual([again.outcomes, again.verdicts], [["Scored"], ["failed", "completed"]])
      const never = yield* play(definitionOf({}), [failing(truncated)])
      assert.deepStrictEqual([never.outcomes, never.verdicts], [["Unscored"], ["failed", "failed", "failed"]])
      const delays = tags(never.events, "RetryWaits").map((event) =>
        event._tag === "RetryWaits" ? event.delayMillis : 0
      )
      assert.deepStrictEqual(delays.map((delay) => Math.floor(delay / 1000)), [1, 2])
    }))

  it.effect("does not try again what would fail the same way", () =>
    Effect.gen(function*() {
      const { outcomes, sent } = yield* play(definitionOf({}), [
        failing({ _tag: "Rejected", status: 400, detail: "no" })
      ])
      assert.deepStrictEqual([outcomes, sent], [["Unscored"], 1])
    }))

  it.effect("waits at least as long as a server asks", () =>
    Effect.gen(function*() {
      const busy = failing({ _tag: "RateLimited", status: 429, retryAfterMillis: 30_000, detail: "busy" })
      const { events } = yield* play(definitionOf({}), [busy, scored])
      const [waits] = tags(events, "RetryWaits")
      assert.isAtLeast(waits?._tag === "RetryWaits" ? waits.delayMillis : 0, 30_000)
    }))

  it.effect("gives up an agent that falls silent, as stalled, and tries again", () =>
    Effect.gen(function*() {
      const silent = Stream.concat(Stream.make(said("x")), Stream.never)
      const { events, outcomes, verdicts } = yield* play(definitionOf({}), [silent, scored])
      assert.deepStrictEqual([outcomes, verdicts], [["Scored"], ["stalled", "completed"]])
      const ended = tags(events, "AttemptEnded")[0]
      // The limit of the engine hop, and one allowance for each of the two hops outside it.
      const { durationMillis, error } = ended?._tag === "AttemptEnded" ? ended.record : assert.fail("not ended")
      assert.deepInclude(error, { _tag: "Stalled", hop: "green", kind: "agent-silent", tokens: 1 })
      const limit = 60_000 + 2 * 15_000
      assert.isAbove(durationMillis, limit)
      assert.isAtMost(durationMillis, limit + 2600)
    }))

  it.effect("takes a task that completes without a grade for a failure, not for a score", () =>
    Effect.gen(function*() {
      const { outcomes, verdicts } = yield* play(definitionOf({}), [
        Stream.make(said("x"), Finish.make({ reason: "stop" }))
      ])
      assert.deepStrictEqual([outcomes, verdicts], [["Unscored"], ["failed", "failed"]])
    }))

  it.effect("stores attempts in flight as cancelled when it is interrupted, and leaves their battles pending", () =>
    Effect.gen(function*() {
      const { outcomes, verdicts } = yield* play(definitionOf({ repetitions: 4, concurrency: 2 }), [scored], {
        interruptAfter: 1500
      })
      assert.deepStrictEqual(outcomes, ["Scored", "Scored", "Pending", "Pending"])
      assert.deepStrictEqual(verdicts, ["completed", "completed", "cancelled", "cancelled"])
    }))
})
