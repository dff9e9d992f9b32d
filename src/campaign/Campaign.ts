/**
 * A campaign as a service: what it plays, how it stands, and what its program may ask of it while it runs.
 *
 * `Campaign.layer` starts what the campaign needs (our green agent, our purple agent in front of engines, taps, agents with
 * a command), puts the campaign into its store or goes on with the one that is there, and stops everything with its scope.
 * It needs what a campaign keeps, `CampaignStore.layerMemory` for example, and can be given any other part by
 * `CampaignParts`.
 *
 * Laws
 * - `play` plays what is pending until nothing is, or somebody stops it; played again it goes on. Two at once take turns.
 * - Whoever follows `events` sees all of them from then on, in order, until that play has ended, however it ends.
 * - Interrupting `play` stores the attempts in flight as cancelled and leaves their battles pending.
 * - What is asked by `pause`, `cancel` and `retry` has been done when they have succeeded, whether the campaign runs or not.
 *
 * Gotchas: begin to follow `events` before `play`, by `Effect.forkScoped(…, { startImmediately: true })`, else its beginning
 * is missed. A view that is slow holds nobody up and grows: its events wait in memory. Times of events are milliseconds
 * since that play began.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { LimitLearner } from "../liveness/LimitLearner.ts"
import { CampaignError, CampaignErrorReason } from "./CampaignError.ts"
import type { CampaignEvent } from "./CampaignEvent.ts"
import type { CampaignParts } from "./CampaignParts.ts"
import { CampaignStore } from "./CampaignStore.ts"
import type { BattleCounts, CampaignSummary } from "./CampaignSummary.ts"
import { type CampaignInput, define } from "./config/CampaignInput.ts"
import { changesBetween } from "./config/changesBetween.ts"
import type { ConfigError } from "./config/ConfigError.ts"
import { configHash } from "./config/configHash.ts"
import type { Definition } from "./Definition.ts"
import { make } from "./parts/makeCampaign.ts"
import { prepare } from "./parts/PreparedCampaign.ts"
import type { RunEnd } from "./RunEnd.ts"
import type { RunnerDesk } from "./RunnerDesk.ts"
import type { Selection } from "./Selection.ts"
import type { CampaignState } from "./StoredCampaign.ts"
import type { StoreError } from "./StoreError.ts"

export type { Phase } from "../liveness/Phase.ts"
export type { AttemptOutlook } from "./AttemptOutlook.ts"
export type { AttemptRecord } from "./AttemptRecord.ts"
export type { Battle, Outcome } from "./Battle.ts"
export { CampaignError, CampaignErrorReason } from "./CampaignError.ts"
export type { CampaignEvent, Earlier, Standing } from "./CampaignEvent.ts"
export type { CampaignParts } from "./CampaignParts.ts"
export type { AgentSummary, BattleCounts, CampaignSummary, Percentiles, TaskSummary } from "./CampaignSummary.ts"
export {
  type AgentInput,
  type CampaignInput,
  type ConcurrencyInput,
  define,
  type EngineInput,
  type GraderInput,
  type TaskInput
} from "./config/CampaignInput.ts"
export { ConfigError, ConfigErrorReason } from "./config/ConfigError.ts"
export type { EpochBegan } from "./EngineEpochStep.ts"
export type { EngineLoad } from "./EngineLoad.ts"
export type { ReplaceableEngineParts } from "./parts/EngineParts.ts"
export type { RunEnd } from "./RunEnd.ts"

/** How a play ended. */
export interface CampaignResult {
  /** Whether everything has its outcome, or what stopped it before. */
  readonly end: RunEnd
  /** The numbers of all that is stored, also of earlier plays. */
  readonly summary: CampaignSummary
}

/** How a campaign stands. */
export interface CampaignStanding {
  /** What its user wants of it, as stored. */
  readonly state: CampaignState
  /** Whether it is being played by this service. */
  readonly isPlaying: boolean
  /** Why no battle is begun any more; a clause, or `null`. */
  readonly stopping: string | null
  /** Attempts that have begun here and have not ended. */
  readonly inFlight: number
  /** Attempts that have ended, of all battles. */
  readonly attempts: number
  /** How many battles there are, by how they stand. */
  readonly battles: BattleCounts
}

/** What is told while it is played. */
export interface PlayOptions {
  /** Told of everything, at once and in order; the campaign waits for it. */
  readonly onEvent?: (event: CampaignEvent) => Effect.Effect<void>
}

/** What a campaign keeps. */
export type Kept = CampaignStore | LimitLearner | RunnerDesk

/**
 * One campaign, of one store.
 *
 * @example
 * ```ts
 * import { Campaign } from "a2a-campaign/Campaign"
 * import { CampaignStore } from "a2a-campaign/CampaignStore"
 * import { Simulator } from "a2a-campaign/Simulator"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const campaign = Layer.unwrap(Simulator.useSync(({ url }) =>
 *   Campaign.layer({
 *     engine: [{ name: "gpu", url: `${url}/v1` }],
 *     agent: [{ name: "model", engine: "gpu" }],
 *     repeat: 2,
 *     task: [{
 *       id: "greeting",
 *       prompt: "Say hello.",
 *       grader: { kind: "text", match: "contains", expected: "hello", "ignore-case": true }
 *     }]
 *   })
 * )).pipe(
 *   Layer.provide(Simulator.layer({
 *     host: "127.0.0.1",
 *     port: 0,
 *     interTokenMillis: 1,
 *     answers: { _tag: "FixedText", text: "Hello!" }
 *   })),
 *   Layer.provide(CampaignStore.layerMemory)
 * )
 *
 * const program = Effect.gen(function*() {
 *   const { end, summary } = yield* Campaign.use((campaign) => campaign.play())
 *   yield* Console.log(`${end._tag}: ${summary.battles.scored} scored, mean ${summary.score}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, campaign))
 * // prints: Ended: 2 scored, mean 1
 * ```
 */
export class Campaign extends Context.Service<Campaign, {
  /** What is played. */
  readonly definition: Definition
  /** Plays what is pending. Fails only if the store or the desk does. */
  readonly play: (options?: PlayOptions) => Effect.Effect<CampaignResult, StoreError>
  /** What happens from now on in the play that is going on, else in the next one; it ends with that play. */
  readonly events: Stream.Stream<CampaignEvent>
  /**
   * Begins nothing more; what is in flight is finished, or ended at once and played again later. `play` then ends as
   * `Paused`. Says in a clause what has come of it.
   */
  readonly pause: (options?: {
    /** Whether what is in flight is ended; not unless given. */
    readonly now?: boolean
  }) => Effect.Effect<string, StoreError>
  /**
   * Ends it for good: what is pending stays without a score. With a selection only those of its battles that are not in
   * flight; the campaign goes on with the rest. Says in a clause what has come of it.
   */
  readonly cancel: (selection?: Selection) => Effect.Effect<string, StoreError>
  /** Makes unscored battles pending again, at once or for the next `play`. Says in a clause what has come of it. */
  readonly retry: (selection: Selection) => Effect.Effect<string, StoreError>
  /** How it stands now. */
  readonly status: Effect.Effect<CampaignStanding, StoreError>
  /**
   * The lane that a gate's endpoint belongs to: an engine's address, or `agent NAME`. Several agents of one engine share a
   * lane. `undefined` for an endpoint of nobody's.
   */
  readonly laneOf: (endpoint: string) => string | undefined
}>()("a2a-campaign/Campaign") {
  /**
   * The campaign that is written as in a campaign.toml (docs/campaign-file.md): what is there, in the same words. Fails with
   * `ConfigError` where it would refuse the file, with `CampaignError` where something of it cannot be used, and with
   * `StoreError` where the store cannot.
   */
  static readonly layer = (
    input: CampaignInput,
    parts: CampaignParts = {}
  ): Layer.Layer<Campaign, CampaignError | ConfigError | StoreError, Kept> =>
    Layer.unwrap(Effect.map(define(input), (definition) => Campaign.layerOf(definition, parts)))

  /** The same from a definition that has been read already. */
  static readonly layerOf = (
    definition: Definition,
    parts: CampaignParts = {}
  ): Layer.Layer<Campaign, CampaignError | StoreError, Kept> =>
    Layer.effect(
      Campaign,
      Effect.gen(function*() {
        const prepared = yield* prepare(definition, { parts })
        return Campaign.of(yield* make({ ...prepared, definition: yield* adopt(definition) }))
      })
    )
}

/** Puts the campaign into the store, or goes on with the one that is there, if that may be. */
const adopt = Effect.fnUntraced(function*(definition: Definition) {
  const store = yield* CampaignStore
  const stored = Option.getOrUndefined(yield* store.load)
  if (stored === undefined) {
    yield* store.create(definition, configHash(definition))
    return definition
  }
  const changes = changesBetween(stored.definition, definition)
  const breaking = changes.filter(({ startsNewCampaign }) => startsNewCampaign)
  if (breaking.length > 0) {
    const detail = `the store holds another campaign, "${stored.definition.id}": ` +
      `${breaking.map(({ line }) => line).join("; ")}; take that back, or give this one another store`
    return yield* new CampaignError({ reason: CampaignErrorReason.cases.Stored.make({ detail }) })
  }
  yield* store.abandon
  if (changes.length === 0) return stored.definition
  const extended = { ...definition, id: stored.definition.id }
  yield* store.extend(extended, configHash(extended))
  return extended
})
