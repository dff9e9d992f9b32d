// The probe names the flaw of every fixture agent, and finds none in those that have none. All are probed before anything
// is judged, some at a time, each with an engine of its own that is watched beside it.
import { assert, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { probeAgent } from "../../src/probe/AgentProbe.ts"
import { AgentWire } from "../../src/probe/AgentWire.ts"
import { type AgentReport, analyseAgent } from "../../src/probe/analyseAgent.ts"
import { UpstreamWatch } from "../../src/probe/UpstreamWatch.ts"
import { Simulator } from "../../src/simulator/Simulator.ts"
import { simulator } from "../simulator/harness.ts"
import { byHand, type FlawedAgent, flawedAgents } from "../support/flawedAgents.ts"

const AT_ONCE = 6
/**
 * What comes out wrong while this process stood still for longer than this is tried again, with an engine that is twice as
 * slow: agent, engine and probe all stood still, and no number of them means anything.
 */
const MOST_PAUSED_MILLIS = 25
const PACES_MILLIS = [5, 10, 20, 40]

/** The model says no secret word, so that only the engine's count of prompts can tell what it was told. */
const engine = (interTokenMillis: number) =>
  simulator({
    timeToFirstTokenMillis: 20,
    interTokenMillis,
    answers: {
      _tag: "Script",
      entries: [
        { pattern: "secret word", answers: ["OK"] },
        { pattern: "Count", answers: [Array.from({ length: 40 }, (_, index) => `n${index}`).join(" ")] }
      ]
    }
  })

/** Seems to be at work whenever it is asked, and is no fixture of a campaign: a campaign would find out what we do. */
const stampsAnswers: FlawedAgent = {
  name: "stamps-answers",
  flaw: "does not stream, and its task has the time of asking",
  start: byHand("stamps-answers", { streaming: false, upstream: "whole", stampsAnswers: true }),
  finds: ["no-streaming", "polls-show-nothing"],
  mode: "blocking"
}
/** Stands still for longer than any answer may take, so that its cards are answered late and with nothing. */
const blockedForLong: FlawedAgent = {
  ...flawedAgents.find(({ name }) => name === "blocks-its-loop")!,
  name: "blocks-its-loop-for-long",
  finds: ["blocking-client", "cancel-unanswered"]
}
const agents = [...flawedAgents, stampsAnswers, blockedForLong]

interface Probed {
  readonly report: AgentReport
  /** The requests that the engine still had when the probe had ended. */
  readonly left: number
}

/** Nothing less, and nothing more. */
const isAsSaid = (
  { finds, hangs, mode, name }: FlawedAgent,
  { findings, measurements, mode: found }: AgentReport
): boolean => {
  const codes = findings.map(({ code }) => code as string)
  const { cancel, resubscription } = measurements
  return found === mode && codes.toSorted().join() === [...finds].toSorted().join() &&
    (hangs === true ? findings.some(({ what }) => what.includes("engine went on")) : true) &&
    (name === "refuses-cancel" ? cancel?.stopped === false : true) &&
    (finds.length === 0 ? cancel?.stopped === true && resubscription?.outcome === "whole" : true)
}

const probed = Effect.fnUntraced(function*(agent: FlawedAgent) {
  for (const pace of PACES_MILLIS.slice(0, -1)) {
    const once = yield* probedAt(agent, pace)
    if (isAsSaid(agent, once.report) || once.report.measurements.pausedMillis <= MOST_PAUSED_MILLIS) return once
  }
  return yield* probedAt(agent, PACES_MILLIS.at(-1)!)
})

const probedAt = (agent: FlawedAgent, pace: number) =>
  Effect.scoped(Effect.gen(function*() {
    const { streams, url } = yield* Simulator
    const started = yield* agent.start({ engineBaseUrl: `${url}/v1`, model: "simulated-model" })
    const settings = {
      url: started.url,
      prompt: "Count to 40",
      // Only agents that hang are waited for so long.
      patienceMillis: agent.hangs ? 140 * pace : 20_000,
      pollMillis: 4 * pace,
      settleMillis: 24 * pace
    }
    const report = yield* Effect.map(probeAgent(settings, () => Effect.void), analyseAgent).pipe(
      Effect.provide(Layer.merge(
        AgentWire.layer({ tokens: new Map(), answerMillis: agent === blockedForLong ? 24 * pace : 5000 }),
        UpstreamWatch.layerEngine({ baseUrl: `${url}/v1`, every: 4 * pace })
      ))
    )
    return { report, left: (yield* streams).length } satisfies Probed as Probed
  })).pipe(Effect.provide(engine(pace)))

class Reports extends Context.Service<Reports, ReadonlyMap<string, Probed>>()("test/Reports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.map(
      Effect.forEach(
        agents,
        (agent) => Effect.map(probed(agent), (report) => [agent.name, report] as const),
        { concurrency: AT_ONCE }
      ),
      (reports) => new Map(reports)
    )
  )
}

const reportOf = (name: string) =>
  Effect.map(Reports, (reports) => reports.get(name) ?? assert.fail(`no fixture is called ${name}`))

layer(Reports.layer, { excludeTestServices: true, timeout: 60_000 })("a probe", (it) => {
  for (const { finds, flaw, mode, name } of agents) {
    it.effect(`of ${name} (${flaw}) says so`, () =>
      Effect.gen(function*() {
        const { report } = yield* reportOf(name)
        const codes = report.findings.map(({ code }) => code as string)
        const told = JSON.stringify(report.findings, null, 1)
        assert.sameMembers(codes, [...finds], told)
        assert.strictEqual(report.mode, mode, told)
        const isFlawed = report.findings.some(({ severity }) => severity === "blocker")
        assert.strictEqual(report.fit.watched, !isFlawed && mode !== "blocking")
      }))
  }

  it.effect("says what became of the engine's tokens", () =>
    Effect.gen(function*() {
      const { measurements } = (yield* reportOf("sdk-append")).report
      const { stream } = measurements
      assert.deepInclude(stream, { outcome: "ended", state: "completed", firstFrame: "task", artifacts: 1 })
      // 40 words with 39 spaces between them.
      assert.strictEqual(stream?.upstream?.tokens, stream?.textFrames)
      assert.strictEqual(stream?.textLength, Array.from({ length: 40 }, (_, index) => `n${index}`).join(" ").length)
      assert.deepInclude(measurements.cancel, { outcome: "answered", state: "canceled", stopped: true, tokensAfter: 0 })
      assert.deepInclude(measurements.resubscription, { outcome: "whole", whole: stream?.textLength ?? null })
      const ours = (yield* reportOf("ours")).report.measurements
      assert.isTrue(ours.card.extension)
      assert.strictEqual(ours.stream?.tokens, ours.stream?.upstream?.tokens)
    }))

  it.effect("does not take the time of asking for progress", () =>
    Effect.gen(function*() {
      const { polled } = (yield* reportOf("stamps-answers")).report.measurements
      assert.deepInclude(polled?.side, { changes: 0, textLength: 0 })
      assert.isAbove(polled?.side.pollsAnswered ?? 0, 2)
    }))

  it.effect("sees an engine go on for nobody", () =>
    Effect.gen(function*() {
      for (const name of ["pretends-cancel", "refuses-cancel"]) {
        const { cancel } = (yield* reportOf(name)).report.measurements
        assert.isFalse(cancel?.stopped, name)
        assert.isAbove(cancel?.tokensAfter ?? 0, 0, name)
      }
    }))

  it.effect("leaves nothing at work at an agent that can be cancelled", () =>
    Effect.gen(function*() {
      for (const name of ["ours", "sdk-append", "pollable", "buffers-itself", "unflushed-gzip"]) {
        assert.strictEqual((yield* reportOf(name)).left, 0, name)
      }
    }))

  it.effect("tells the hang of an agent from one of its engine", () =>
    Effect.gen(function*() {
      for (const name of ["hangs", "comments-only", "same-status"]) {
        const { findings } = (yield* reportOf(name)).report
        const hang = findings.find(({ code }) => code === "stops-relaying")
        assert.match(hang?.what ?? "", /its engine went on|Its engine went on/i, name)
        if (name === "comments-only") assert.match(hang?.what ?? "", /heartbeats go on \(comments\)/)
        if (name === "same-status") assert.match(hang?.what ?? "", /heartbeats go on \(the same status\)/)
        if (name === "hangs") assert.notMatch(hang?.what ?? "", /heartbeats/)
      }
    }))
})
