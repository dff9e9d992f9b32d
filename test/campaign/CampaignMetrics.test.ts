/** What is counted of a campaign: from its events, one by one, and of one whose engine hangs in the middle. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Outcome } from "../../src/campaign/Battle.ts"
import type { CampaignEvent } from "../../src/campaign/CampaignEvent.ts"
import * as CampaignMetrics from "../../src/campaign/CampaignMetrics.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { Canary, CanaryOutcome } from "../../src/liveness/Canary.ts"
import { EngineGate, type GateView } from "../../src/liveness/EngineGate.ts"
import { Ticker } from "../../src/liveness/Ticker.ts"
import { stalled } from "../support/runErrors.ts"
import { countedAlone, pageNow } from "../telemetry/scrapedPage.ts"
import { began, definitionOf, recordOf, scoredOutcome } from "../terminal/campaigns.ts"
import { agentAt, campaignOf, engineNamed, runStored, scoredAfter, unwatched } from "./virtualCampaigns.ts"

const plan = began(definitionOf(["one", "two"], { repetitions: 2 }))
const [first, second, third] = plan.battles.map(({ battle }) => battle)
const pending: Outcome = { _tag: "Pending" }

const states = Effect.map(
  pageNow,
  (page) =>
    ["pending", "in-flight", "scored", "unscored"].map((state) =>
      page.value("campaign_battles", { gen_ai_agent_name: "agent", campaign_state: state })
    )
)

/** Tells events to metrics of their own. */
const telling = Effect.map(CampaignMetrics.make, (metrics) => {
  const tell = metrics.counting(() => Effect.void)
  return { ...metrics, tell: (event: CampaignEvent) => tell(event) }
})

const gate: GateView = {
  endpoint: "http://e/v1",
  state: "closed",
  sinceMillis: 0,
  why: "",
  untried: false,
  nextCanaryAtMillis: null,
  unconfirmed: 0,
  openedMillis: null,
  admits: true
}

describe("the metrics of a campaign", () => {
  it.effect("put every battle in one state, whatever happens to it", () =>
    Effect.gen(function*() {
      const { recorded, tell } = yield* telling
      yield* tell(plan)
      assert.deepStrictEqual(yield* states, [4, 0, 0, 0])
      yield* tell({ _tag: "AttemptBegan", atMillis: 0, battle: first!, number: 1 })
      assert.deepStrictEqual(yield* states, [3, 1, 0, 0])
      const error = stalled("engine-hung")
      const record = recordOf(first!, { verdict: "stalled", error, outcome: pending, durationMillis: 90_000 })
      yield* tell({ _tag: "AttemptEnded", atMillis: 1, record })
      yield* tell({ _tag: "RetryWaits", atMillis: 1, battle: first!, delayMillis: 5 })
      assert.deepStrictEqual(yield* states, [4, 0, 0, 0])
      yield* tell({ _tag: "AttemptBegan", atMillis: 2, battle: first!, number: 2 })
      yield* tell({ _tag: "AttemptEnded", atMillis: 3, record: recordOf(first!, { outcome: scoredOutcome(1, 2) }) })
      const unscored: Outcome = { _tag: "Unscored", reason: "any words", attempt: 1 }
      yield* tell({
        _tag: "AttemptEnded",
        atMillis: 3,
        record: recordOf(second!, { verdict: "stalled", error, outcome: unscored })
      })
      yield* tell({
        _tag: "OutcomesChanged",
        atMillis: 4,
        why: "",
        battles: [{ battle: third!, outcome: { _tag: "Unscored", reason: "gone", attempt: 0 } }]
      })
      recorded(first!, "counted")
      recorded(first!, "superseded")
      assert.deepStrictEqual(yield* states, [1, 0, 1, 2])

      const page = yield* pageNow
      const agent = { gen_ai_agent_name: "agent" }
      const why = (kind: string) => page.value("campaign_battles_unscored", { ...agent, error_type: kind })
      assert.deepStrictEqual([why("engine-hung"), why("given-up")], [1, 1])
      assert.strictEqual(page.value("campaign_attempts_total", { ...agent, campaign_verdict: "stalled" }), 2)
      assert.strictEqual(page.value("campaign_attempts_total", { ...agent, campaign_verdict: "completed" }), 1)
      assert.strictEqual(page.value("campaign_retries_total", { ...agent, error_type: "engine-hung" }), 1)
      assert.strictEqual(page.value("campaign_attempts_superseded_total", agent), 1)
      assert.strictEqual(page.value("gen_ai_workflow_duration_seconds_count", { error_type: "engine-hung" }), 2)
      assert.strictEqual(page.value("campaign_concurrency"), 4)

      // Reopened, and then told anew by somebody who begins to look.
      yield* tell({ _tag: "OutcomesChanged", atMillis: 5, why: "", battles: [{ battle: second!, outcome: pending }] })
      assert.deepStrictEqual(yield* states, [2, 0, 1, 1])
      yield* tell(plan)
      assert.deepStrictEqual(yield* states, [4, 0, 0, 0])
      assert.strictEqual((yield* pageNow).value("campaign_battles_unscored"), 0)
    }).pipe(Effect.provide(countedAlone)))

  it.effect("show a gate in one state and count its openings, not its canaries", () =>
    Effect.gen(function*() {
      const { tell } = yield* telling
      yield* tell(plan)
      for (const state of ["suspect", "open", "open", "half-open", "open", "closed", "suspect", "open"] as const) {
        yield* tell({ _tag: "GateChanged", atMillis: 0, of: "engine", ...gate, state })
        const open = (yield* pageNow).having("campaign_gate_state", { campaign_gate_of: "engine" })
        assert.deepStrictEqual(
          open.filter(({ value }) => value === 1).map(({ labels }) => labels["campaign_state"]),
          [state]
        )
      }
      const page = yield* pageNow
      assert.strictEqual(page.value("campaign_gate_openings_total", { campaign_gate_name: "http://e/v1" }), 3)
      assert.strictEqual(page.value("campaign_gate_state", { campaign_gate_of: "agent", campaign_state: "closed" }), 1)
      yield* tell({ _tag: "ConcurrencyChanged", atMillis: 0, lane: "agent agent", battles: 2 })
      yield* tell({ _tag: "LaneHalted", atMillis: 0, lane: "agent agent", why: "gone" })
      assert.strictEqual((yield* pageNow).value("campaign_concurrency", { campaign_lane: "agent agent" }), 0)
      yield* tell({ _tag: "LaneHalted", atMillis: 0, lane: "agent agent", why: null })
      assert.strictEqual((yield* pageNow).value("campaign_concurrency", { campaign_lane: "agent agent" }), 2)
    }).pipe(Effect.provide(countedAlone)))

  it.effect("are told nothing where nobody counts", () =>
    Effect.gen(function*() {
      const metrics = yield* CampaignMetrics.make
      const onEvent = () => Effect.void
      assert.strictEqual(metrics.counting(onEvent), onEvent)
    }))

  it.effect("follow a runner whose engine's gate opens and closes", () =>
    Effect.gen(function*() {
      const store = yield* CampaignStore
      yield* store.create(
        campaignOf({ tasks: ["a", "b"], engines: [engineNamed("e")], agents: [agentAt("agent", "e")] }),
        null
      )
      const opened: Array<number> = []
      let isDead = true
      const { Failed, Passed } = CanaryOutcome.cases
      const canary = Canary.layerTest(() =>
        Effect.sync(() => {
          const outcome = isDead
            ? Failed.make({ why: "dead" })
            : Passed.make({ tokens: 1, stepMillis: 1, binding: "proven" })
          isDead = false
          return outcome
        })
      )
      const { end } = yield* runStored({
        definition: campaignOf({ tasks: ["a", "b"] }),
        services: Layer.mergeAll(
          EngineGate.layer().pipe(Layer.provide(canary)),
          unwatched.breaker,
          unwatched.engines
        ),
        agent: () => scoredAfter(2),
        onEvent: (event) =>
          event._tag !== "GateChanged" || event.state !== "open" ? Effect.void : Effect.map(pageNow, (page) => {
            opened.push(page.value("campaign_gate_state", { campaign_gate_of: "engine", campaign_state: "open" }))
          })
      })
      assert.deepStrictEqual(end, { _tag: "Ended" })
      assert.isAbove(opened.length, 0)
      assert.isTrue(opened.every((value) => value === 1))
      const page = yield* pageNow
      assert.strictEqual(page.value("campaign_gate_state", { campaign_gate_of: "engine", campaign_state: "open" }), 0)
      assert.strictEqual(page.value("campaign_battles", { campaign_state: "pending" }), 0)
      assert.strictEqual(page.value("campaign_battles", { campaign_state: "in-flight" }), 0)
      const done = page.value("campaign_battles", { campaign_state: "scored" }) +
        page.value("campaign_battles", { campaign_state: "unscored" })
      assert.strictEqual(done, page.value("campaign_battles"))
      assert.isAbove(page.value("gen_ai_invoke_agent_duration_seconds_count", { campaign_hop: "green" }), 0)
    }).pipe(
      Effect.provide(
        Layer.fresh(Layer.mergeAll(CampaignStore.layerMemory, Ticker.layer())).pipe(Layer.provideMerge(countedAlone))
      ),
      Effect.orDie
    ))
})
