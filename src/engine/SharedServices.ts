/**
 * The services of watches in programs that have no layers: one ticker for all of a kind, one scrape for all runs at an
 * engine, for as long as there is a run.
 *
 * Laws: what nobody uses is closed at once, so that no timer and no socket keeps a program alive that has nothing more to
 * do. What was found out about an engine (that its metrics are its own, its longest step) and what finished runs have
 * taught is kept for the life of the program.
 *
 * Gotcha: engines are told apart by the options that are given. Two spellings of one address are two engines.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import { type EndpointKnowledge, EngineEvidence, type EvidenceReader } from "../liveness/EngineEvidence.ts"
import type { LearningSettings } from "../liveness/LearnedRuns.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import type { LivenessLimits } from "../liveness/LivenessLimits.ts"
import { Ticker } from "../liveness/Ticker.ts"
import * as ScrapedEvidence from "./ScrapedEvidence.ts"

/** An engine whose metrics are asked for. */
export interface SharedEngine {
  /** The address of the engine's API, with its `/v1`; its metrics and its health stand beside it. */
  readonly baseUrl: string
  /** The `engine` label of the engine that serves us; needed where there are several behind the address. */
  readonly engine?: string
  /** How often its metrics are asked for, in milliseconds; 5000 unless given. */
  readonly scrapeMillis?: number
  /** The same while a run is in doubt; 2000 unless given. */
  readonly suspectScrapeMillis?: number
}

const nobody: EvidenceReader = { tell: () => {}, isSuspect: () => false }

const known = new Map<string, EndpointKnowledge>()
const learners = new Map<string, LimitLearner["Service"]>()

const openEvidence = Effect.fnUntraced(function*(key: string) {
  const { baseUrl, engine, scrapeMillis, suspectScrapeMillis } = JSON.parse(key) as SharedEngine
  const services = yield* Layer.build(ScrapedEvidence.layer({
    baseUrl,
    ...(engine === undefined ? {} : { engine }),
    ...(scrapeMillis === undefined ? {} : { interval: scrapeMillis }),
    ...(suspectScrapeMillis === undefined ? {} : { suspectInterval: suspectScrapeMillis })
  }))
  const evidence = Context.get(services, EngineEvidence)
  const before = known.get(key)
  if (before !== undefined) yield* evidence.learn(before)
  // Whoever follows is told what is known, and that is all that is wanted here.
  yield* Effect.addFinalizer(() =>
    Effect.scoped(Effect.map(evidence.follow(nobody), (link) => {
      known.set(key, link.known)
    }))
  )
  return evidence
})

const shared = Effect.gen(function*() {
  return {
    evidence: yield* RcMap.make({ lookup: openEvidence }),
    tickers: yield* RcMap.make({
      lookup: (tickMillis: number) =>
        Effect.map(Layer.build(Ticker.layer(tickMillis)), (services) => Context.get(services, Ticker))
    })
  }
})
// It lives as long as the program, and holds nothing that is not in use.
const { evidence, tickers } = Effect.runSync(Scope.provide(shared, Scope.makeUnsafe()))

const learnerOf = ({ learnedFalseAlarms, learnedRuns }: LearningSettings): LimitLearner["Service"] => {
  const key = JSON.stringify([learnedFalseAlarms, learnedRuns])
  const before = learners.get(key)
  if (before !== undefined) return before
  const layer = LimitLearner.layerMemory({ learnedFalseAlarms, learnedRuns })
  const learner = Context.get(Effect.runSync(Effect.scoped(Layer.build(layer))), LimitLearner)
  learners.set(key, learner)
  return learner
}

/** The services of a run at this engine, or at none, until the scope closes. */
export const services = (
  engine: SharedEngine | undefined,
  limits: LivenessLimits
): Effect.Effect<Context.Context<EngineEvidence | LimitLearner | Ticker>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { baseUrl, engine: label, scrapeMillis, suspectScrapeMillis } = engine ?? { baseUrl: "" }
    return Context.make(Ticker, yield* RcMap.get(tickers, limits.tickMillis)).pipe(
      Context.add(LimitLearner, learnerOf(limits)),
      Context.add(
        EngineEvidence,
        engine === undefined
          ? EngineEvidence.none
          : yield* RcMap.get(evidence, JSON.stringify({ baseUrl, engine: label, scrapeMillis, suspectScrapeMillis }))
      )
    )
  })
