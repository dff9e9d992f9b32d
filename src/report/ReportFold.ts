/**
 * Makes the report of a campaign out of its stored facts, in one pass, one battle at a time.
 *
 * Kept are a row of some hundred bytes for each attempt, every stall with its evidence, and counts of gaps between tokens:
 * texts are never read, and the times of tokens are forgotten as soon as they are counted.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as CampaignFacts from "../campaign/CampaignFacts.ts"
import { type CampaignSummary, summarize } from "../campaign/CampaignSummary.ts"
import type { EngineEpoch } from "../campaign/EngineEpoch.ts"
import * as TokenTimings from "../campaign/TokenTimings.ts"
import { attemptEndsOf } from "./attemptEnds.ts"
import { attemptsOf, type BattleRow, hasTokenTimes, isCompleted, isDecided, rowOf } from "./CampaignRows.ts"
import { deliveryOf } from "./delivery.ts"
import { epochsOf } from "./epochs.ts"
import { proportionEstimate } from "./estimates.ts"
import { glanceOf } from "./glance.ts"
import { headerOf } from "./header.ts"
import { LatencyFold } from "./LatencyFold.ts"
import { limitMarksOf } from "./limitMarks.ts"
import { OutcomeFold } from "./OutcomeFold.ts"
import { passAtKOf } from "./passAtK.ts"
import { type Report, reportSchema } from "./Report.ts"
import { retriesOf } from "./retries.ts"
import { coverageOf, scoresOf } from "./scores.ts"
import { censoredOf } from "./survival.ts"
import { TimeoutReplay } from "./TimeoutReplay.ts"
import { unknownsOf } from "./unknowns.ts"
import { unscoredOf } from "./unscored.ts"

export class ReportFold {
  readonly #head: CampaignFacts.CampaignHead
  readonly #agents: ReadonlyArray<string>
  readonly #rows: Array<BattleRow> = []
  readonly #latencies: LatencyFold
  readonly #outcomes = new OutcomeFold()
  readonly #replay = new TimeoutReplay()

  constructor(head: CampaignFacts.CampaignHead) {
    this.#head = head
    this.#agents = head.definition.agents.map(({ name }) => name)
    this.#latencies = new LatencyFold(this.#agents)
  }

  /** The next battle of the plan. */
  add(facts: CampaignFacts.BattleFacts): void {
    const arrivals = new Map(
      [...facts.attempts, ...facts.inFlight].map(({ timings }) => [timings, TokenTimings.decode(timings)])
    )
    const arrivalsOf = ({ timings }: { readonly timings: Uint8Array }) => arrivals.get(timings) ?? []
    this.#rows.push(rowOf(facts, arrivalsOf))
    this.#outcomes.add(facts)
    for (const attempt of facts.attempts) {
      if (isCompleted(attempt)) this.#latencies.add(facts.battle.agent, attempt, arrivalsOf(attempt))
      const isGood = attempt.counted && facts.outcome._tag === "Scored"
      if (!isGood && (attempt.verdict !== "stalled" || attempt.superseded)) continue
      this.#replay.add({
        kind: isGood ? "good" : "hung",
        durationMillis: attempt.durationMillis,
        arrivals: hasTokenTimes(attempt) ? arrivalsOf(attempt) : null
      })
    }
  }

  /** What has been added; `file` is what the store is called to whoever reads the report. */
  report(epochs: ReadonlyArray<EngineEpoch>, file: string): Report {
    const { definition } = this.#head
    const rows = this.#rows
    const decided = attemptsOf(rows).filter(isDecided).length
    const rate = (count: number) => proportionEstimate(count, decided)
    const planned = {
      agents: this.#agents,
      tasks: definition.tasks.map(({ id }) => id),
      repetitions: definition.repetitions
    }
    const scores = scoresOf(rows, planned)
    const stalls = this.#outcomes.stalls(rate)
    const sections = {
      header: headerOf(rows, this.#head, file),
      summary: summaryOf(rows, definition),
      coverage: coverageOf(scores),
      scores,
      passAtK: passAtKOf(rows, planned),
      latencies: this.#latencies.report,
      censored: censoredOf(rows, this.#agents),
      attemptEnds: attemptEndsOf(rows),
      stalls,
      failures: this.#outcomes.failures(rate),
      retries: retriesOf(rows),
      delivery: deliveryOf(rows, definition.agents),
      epochs: epochsOf(rows, epochs),
      unscored: unscoredOf(rows),
      counterfactual: {
        query: "counterfactual" as const,
        curves: this.#replay.curves,
        limits: limitMarksOf(stalls.rows),
        hardCapMillis: definition.hardCapMillis
      }
    }
    const known = { schema: reportSchema, ...sections, glance: glanceOf(sections) } as const
    return { ...known, unknown: unknownsOf(known, rows) }
  }
}

const summaryOf = (
  rows: ReadonlyArray<BattleRow>,
  definition: CampaignFacts.CampaignHead["definition"]
): CampaignSummary =>
  summarize({
    definition,
    battles: rows.map(({ battle, passed, reason, score }) => ({
      battle,
      outcome: score !== null
        ? { _tag: "Scored", grade: { score, passed } }
        : reason !== null
        ? { _tag: "Unscored", reason }
        : { _tag: "Pending" }
    })),
    attempts: rows.flatMap(({ attempts, battle }) => attempts.map((attempt) => ({ ...attempt, battle })))
  })

/** The report of the campaign in a file, as it is at this moment; none if the file is empty. Fails as reading a store does. */
export const reportOf = Effect.fn("reportOf")(
  function*(filename: string) {
    const facts = yield* CampaignFacts.open(filename)
    if (Option.isNone(facts)) return Option.none<Report>()
    const { battles, campaign, epochs } = facts.value
    const fold = new ReportFold(campaign)
    yield* Stream.runForEachArray(battles, (some) =>
      Effect.sync(() => {
        for (const battle of some) fold.add(battle)
      }))
    return Option.some(fold.report(epochs, filename))
  },
  Effect.scoped
)
