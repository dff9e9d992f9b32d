/** Every part of a campaign can be replaced by one of a program's own, one by one, and the campaign uses it. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { A2aClient } from "../../src/a2a/A2aClient.ts"
import { BattleQueue } from "../../src/campaign/BattleQueue.ts"
import { Campaign, type Kept } from "../../src/campaign/Campaign.ts"
import { CampaignEngines } from "../../src/campaign/CampaignEngines.ts"
import type { CampaignParts } from "../../src/campaign/CampaignParts.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { summarize } from "../../src/campaign/CampaignSummary.ts"
import { define } from "../../src/campaign/config/CampaignInput.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { fromScore } from "../../src/grading/Grade.ts"
import { Grader } from "../../src/grading/Grader.ts"
import { AgentBreaker } from "../../src/liveness/AgentBreaker.ts"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import { EngineGate } from "../../src/liveness/EngineGate.ts"
import { LimitLearner } from "../../src/liveness/LimitLearner.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { answer, campaignWith, inventedEngine } from "../support/inventedEngine.ts"

/** Plays a campaign of one battle, with these in the place of ours. */
const played = (parts: CampaignParts, kept: Layer.Layer<Kept> = CampaignStore.layerMemory) =>
  Effect.gen(function*() {
    const campaign = yield* Campaign
    const { end, summary } = yield* campaign.play()
    assert.deepStrictEqual(end, { _tag: "Ended" })
    assert.strictEqual(summary.battles.scored, 1)
    return summary
  }).pipe(
    Effect.provide(
      Campaign.layer(campaignWith(), { ...inventedEngine, ...parts }).pipe(Layer.provide(Layer.fresh(kept)))
    )
  )

/** What was used of a double. */
const record = () => {
  const uses: Array<string> = []
  return { uses, note: (use: string) => Effect.sync(() => void uses.push(use)) }
}

const ENGINE = "http://127.0.0.1:9/v1"

describe("a campaign of a program", () => {
  it.live("asks the engine that it is given, which is also tried before the first battle", () =>
    Effect.gen(function*() {
      const { uses } = record()
      const { tokens } = yield* played({
        engine: (name, { baseUrl, maxTokens }) => {
          uses.push(`${name} at ${baseUrl}, ${maxTokens} tokens`)
          return Engine.layerTest(answer)
        }
      })
      assert.strictEqual(tokens, 2)
      assert.includeMembers(uses, [`gpu at ${ENGINE}, 4096 tokens`, `gpu at ${ENGINE}, 3 tokens`])
    }))

  it.live("follows the evidence that it is given", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const { none } = EngineEvidence
      yield* played({
        evidence: (name) =>
          Layer.succeed(EngineEvidence, {
            ...none,
            follow: (reader) => Effect.andThen(note(`${name} is followed`), none.follow(reader))
          })
      })
      assert.include(uses, "gpu is followed")
    }))

  it.live("asks the canary that it is given before the first battle", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const passed = CanaryOutcome.cases.Passed.make({ tokens: 3, stepMillis: 1, binding: "unproven" })
      yield* played({
        canary: (name) =>
          Layer.succeed(Canary, { check: (endpoint) => Effect.as(note(`${name} at ${endpoint}`), passed) })
      })
      assert.deepStrictEqual(uses, [`gpu at ${ENGINE}`])
    }))

  it.live("starts its battles through the gate that it is given", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const gate = EngineGate.useSync((gate) => ({
        ...gate,
        enter: (endpoint: string) => Effect.andThen(note(endpoint), gate.enter(endpoint))
      }))
      yield* played({ gate: Layer.effect(EngineGate, gate).pipe(Layer.provide(EngineGate.layerNone)) })
      assert.deepStrictEqual(uses, [ENGINE])
    }))

  it.live("starts its battles through the breaker that it is given", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const breaker = AgentBreaker.useSync((breaker) => ({
        ...breaker,
        enter: (agent: string) => Effect.andThen(note(agent), breaker.enter(agent))
      }))
      yield* played({ breaker: Layer.effect(AgentBreaker, breaker).pipe(Layer.provide(AgentBreaker.layerNone)) })
      assert.deepStrictEqual(uses, ["my-model"])
    }))

  it.live("speaks to agents by the client that it is given", () =>
    Effect.gen(function*() {
      const { uses } = record()
      const client = A2aClient.useSync((client) => ({
        ...client,
        send: (message: Parameters<typeof client.send>[0]) => {
          uses.push(message.hop)
          return client.send(message)
        }
      }))
      yield* played({ client: Layer.effect(A2aClient, client).pipe(Layer.provide(A2aClient.layer)) })
      assert.deepStrictEqual(uses, ["green", "purple"])
    }))

  it.live("has its answers graded by the grader that it is given", () =>
    Effect.gen(function*() {
      const { uses } = record()
      const { score } = yield* played({
        grader: Grader.layerTest((task, answer) => {
          uses.push(`${task.id}: ${answer}`)
          return Effect.succeed(fromScore(0.25, 1, "mine"))
        })
      })
      assert.strictEqual(score, 0.25)
      assert.deepStrictEqual(uses, ["greeting: Hello, world"])
    }))

  it.live("asks the engines that it is given what they are", () =>
    Effect.gen(function*() {
      const epochs = yield* Effect.gen(function*() {
        yield* (yield* Campaign).play()
        return yield* CampaignStore.use((store) => store.epochs)
      }).pipe(Effect.provide(
        Campaign.layer(campaignWith(), {
          ...inventedEngine,
          engines: CampaignEngines.layerTest({
            look: () => Effect.succeed({ models: [{ id: "mine", root: null }], startedAtMillis: null }),
            serve: () => Effect.void,
            queueTimes: () => Effect.succeed(undefined)
          })
        }).pipe(Layer.provideMerge(Layer.fresh(CampaignStore.layerMemory)))
      ))
      assert.deepStrictEqual(epochs.map(({ engine, modelId }) => [engine, modelId]), [["gpu", "mine"]])
    }))

  it.live("queues its battles where it is told to", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const queue = BattleQueue.useSync((queue) => ({
        ...queue,
        offer: (ticket: Parameters<typeof queue.offer>[0]) =>
          Effect.andThen(note(`${ticket.lane}: ${ticket.battle.task}`), queue.offer(ticket))
      }))
      yield* played({ queue: Layer.effect(BattleQueue, queue).pipe(Layer.provide(BattleQueue.layerMemory)) })
      assert.deepStrictEqual(uses, ["engine gpu: greeting"])
    }))

  it.live("lets time pass by the ticker that it is given", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      yield* played({ ticker: Layer.succeed(Ticker, { add: () => note("watched") }) })
      assert.isNotEmpty(uses)
    }))

  it.live("keeps what it keeps in the store, at the desk and with the learner that it is given", () =>
    Effect.gen(function*() {
      const { note, uses } = record()
      const store = CampaignStore.useSync((store) => ({
        ...store,
        record: (attempt: Parameters<typeof store.record>[0]) =>
          Effect.tap(store.record(attempt), (recorded) => note(`${attempt.battle.task} is ${recorded}`))
      }))
      const desk = RunnerDesk.useSync((desk) => ({ ...desk, requests: Effect.andThen(note("asked"), desk.requests) }))
      const learner = LimitLearner.useSync((learner) => ({
        ...learner,
        finished: (...run: Parameters<typeof learner.finished>) =>
          Effect.andThen(note("taught"), learner.finished(...run))
      }))
      const kept = Layer.mergeAll(
        Layer.effect(CampaignStore, store),
        Layer.effect(RunnerDesk, desk),
        Layer.effect(LimitLearner, learner)
      ).pipe(Layer.provide(CampaignStore.layerMemory))
      yield* played({}, kept)
      assert.includeMembers(uses, ["greeting is counted", "asked", "taught"])
    }))

  it.effect("is itself a service, which a program can be tried without", () =>
    Effect.gen(function*() {
      const definition = yield* define(campaignWith())
      const summary = summarize({ definition, battles: [], attempts: [] })
      const nightly = Campaign.use((campaign) => Effect.map(campaign.play(), ({ end }) => `it has ${end._tag}`))
      const told = yield* nightly.pipe(Effect.provideService(Campaign, {
        definition,
        play: () => Effect.succeed({ end: { _tag: "Ended" }, summary }),
        events: Stream.empty,
        pause: () => Effect.succeed("paused"),
        cancel: () => Effect.succeed("cancelled"),
        retry: () => Effect.succeed("again"),
        status: Effect.never,
        laneOf: () => undefined
      }))
      assert.strictEqual(told, "it has Ended")
    }))
})
