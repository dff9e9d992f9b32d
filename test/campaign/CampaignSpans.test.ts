import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type * as Tracer from "effect/Tracer"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { Artifact, type TaskEvent } from "../../src/a2a/TaskEvent.ts"
import * as CampaignRunner from "../../src/campaign/CampaignRunner.ts"
import * as CampaignSpans from "../../src/campaign/CampaignSpans.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { fromTests } from "../../src/grading/Grade.ts"
import type { RunError } from "../../src/liveness/RunError.ts"
import { Finish } from "../../src/token/TokenEvent.ts"
import { said } from "../support/agents.ts"
import { definitionOf, plainRunner, seats } from "../support/campaigns.ts"
import { collectedSpans, endOf, pathOf } from "../support/collectedSpans.ts"
import { failed, stalled } from "../support/runErrors.ts"

const grade = fromTests([{ outcome: "passed" }])
const result = Artifact.make({
  artifactId: "result",
  name: "result",
  parts: [{ _tag: "Data", data: { results: [{ task: "a", participant: "agent", grade, reason: null }] } }]
} as never)
const scored = Stream.make<ReadonlyArray<TaskEvent>>(said("x"), Finish.make({ reason: "stop" }), result)

/** Plays a campaign of one battle whose attempts have these answers; gives its spans and the result. */
const play = (answers: ReadonlyArray<Stream.Stream<TaskEvent, RunError>>, interruptAfter?: number) =>
  Effect.gen(function*() {
    const { layer, spans } = collectedSpans()
    let sent = 0
    const client = Layer.succeed(A2aClient, {
      check: () => Effect.succeed({ name: "agent", streams: true, exact: true }),
      send: () => Stream.suspend(() => answers[Math.min(sent++, answers.length - 1)]!)
    })
    yield* Effect.gen(function*() {
      const store = yield* CampaignStore
      yield* store.create(definitionOf({}), null)
      const campaign = yield* Effect.flatMap(store.load, Effect.fromOption)
      const fiber = yield* CampaignRunner.run({ campaign, seats, onEvent: () => Effect.void }).pipe(
        Effect.provide(layer),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust(interruptAfter ?? "1 hour")
      yield* interruptAfter === undefined ? Fiber.join(fiber) : Fiber.interrupt(fiber)
    }).pipe(Effect.provide([client, Layer.fresh(CampaignStore.layerMemory), Layer.fresh(plainRunner)]), Effect.orDie)
    return spans
  })

const attributesOf = (span: Tracer.NativeSpan | undefined) => Object.fromEntries(span?.attributes ?? [])

describe("CampaignSpans", () => {
  it.effect("makes each battle a trace of its own, linked to the campaign, with its attempts and what came of them", () =>
    Effect.gen(function*() {
      const spans = yield* play([Stream.concat(Stream.make(said("x")), Stream.fail(stalled("engine-hung"))), scored])
      assert.deepStrictEqual(spans.map(pathOf), [
        "campaign",
        "battle",
        "battle > attempt",
        "battle > attempt > invoke_agent green",
        "battle > attempt",
        "battle > attempt > invoke_agent green"
      ])
      const [campaign, battle, first, , second] = spans
      assert.deepStrictEqual(battle?.links.map(({ span }) => span.spanId), [campaign?.spanId])
      assert.notStrictEqual(battle?.traceId, campaign?.traceId)
      assert.deepStrictEqual(attributesOf(campaign), {
        "a2a_campaign.campaign.id": "campaign-1",
        "a2a_campaign.campaign.battles": 1,
        "a2a_campaign.campaign.end": "ended"
      })
      assert.deepStrictEqual(attributesOf(battle), {
        "a2a_campaign.campaign.id": "campaign-1",
        "a2a_campaign.battle.task": "a",
        "a2a_campaign.battle.agent": "agent-1",
        "a2a_campaign.battle.repetition": 1,
        "a2a_campaign.battle.outcome": "scored",
        "a2a_campaign.battle.score": 1,
        "a2a_campaign.battle.attempts": 2
      })
      assert.deepInclude(attributesOf(first), {
        "a2a_campaign.attempt.number": 1,
        "a2a_campaign.verdict": "stalled",
        "a2a_campaign.verdict.reason": "engine-hung",
        "a2a_campaign.battle.outcome": "pending",
        "a2a_campaign.tokens": 1,
        "error.type": "engine-hung"
      })
      assert.deepInclude(attributesOf(second), {
        "a2a_campaign.attempt.number": 2,
        "a2a_campaign.verdict": "completed"
      })
      assert.deepStrictEqual(battle?.events.map(([name]) => name), ["a2a_campaign.retry"])
      assert.isAbove(Number(battle?.events[0]?.[2]["a2a_campaign.delay"]), 0)
      assert.deepStrictEqual([campaign, battle, second].map((span) => endOf(span!)), ["ok", "ok", "ok"])
      assert.include(endOf(first!), "engine-hung")
    }))

  it.effect("ends a battle without a score with what kept it from one", () =>
    Effect.gen(function*() {
      const reason = { _tag: "Rejected", status: 404, detail: "no such model: secret" } as const
      const [, battle] = yield* play([Stream.fail(failed(reason, 0))])
      assert.deepInclude(attributesOf(battle), {
        "a2a_campaign.battle.outcome": "unscored",
        "error.type": "rejected",
        "http.response.status_code": 404
      })
      assert.notInclude(JSON.stringify(attributesOf(battle)), "secret")
      assert.include(endOf(battle!), "rejected")
    }))

  it.effect("ends all that is open with a campaign that is interrupted", () =>
    Effect.gen(function*() {
      const spans = yield* play([Stream.concat(Stream.make(said("x")), Stream.never)], 5000)
      assert.deepStrictEqual(spans.map((span) => `${span.name}: ${endOf(span)}`), [
        "campaign: interrupted",
        "battle: interrupted",
        "attempt: interrupted",
        "invoke_agent green: interrupted"
      ])
      assert.strictEqual(attributesOf(spans[1])["a2a_campaign.battle.outcome"], "pending")
      assert.strictEqual(attributesOf(spans[2])["a2a_campaign.verdict"], "cancelled")
    }))

  it.effect("tells of gates, of waits that matter, and of battles that were given up", () =>
    Effect.gen(function*() {
      const { layer, spans } = collectedSpans()
      const battle = { task: "a", agent: "agent-1", repetition: 1 }
      const told = yield* Effect.provide(CampaignSpans.begin(definitionOf({})), layer)
      const span = yield* Effect.provide(told.battle(battle), layer)
      assert.strictEqual((yield* told.battle(battle)).span, span.span)
      CampaignSpans.tellWait(span, 999)
      CampaignSpans.tellWait(span, 4500)
      const gate = { _tag: "GateChanged", atMillis: 1, sinceMillis: 0, nextCanaryAtMillis: null, openedMillis: 0 }
      told.note({ ...gate, of: "engine", endpoint: "http://user:secret@engine:8000/v1", state: "open" } as never)
      told.note({ ...gate, of: "agent", endpoint: "agent-1", state: "open" } as never)
      const outcome = { _tag: "Unscored", reason: "secret", attempt: 0 } as const
      told.note({ _tag: "OutcomesChanged", atMillis: 2, why: "secret", battles: [{ battle, outcome }] })
      assert.deepStrictEqual(spans[1]?.events.map(([name, , attributes]) => [name, attributes]), [
        ["a2a_campaign.waited", { "a2a_campaign.delay": 4.5 }]
      ])
      assert.deepStrictEqual(spans[0]?.events.map(([, , attributes]) => attributes), [
        {
          "a2a_campaign.gate.of": "engine",
          "a2a_campaign.gate.state": "open",
          "server.address": "engine",
          "server.port": 8000
        },
        { "a2a_campaign.gate.of": "agent", "a2a_campaign.gate.state": "open", "a2a_campaign.battle.agent": "agent-1" }
      ])
      assert.include(endOf(spans[1]!), "given-up")
    }))
})
