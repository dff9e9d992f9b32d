/**
 * The memory of finished runs, from which the limits of the next one are learned: one service for all runs of a process.
 *
 * Who opens a run makes its key (RunKey.ts), asks `learned` and hands the answer to the reducer with `Opened`; when the
 * run has ended, `finished` is told under the same key what it teaches (FinishedRun.ts). Neither fails: a learner that
 * cannot remember acts as if nothing was learned.
 *
 * Laws: keys do not mix; only the last `learnedRuns` runs of a key count, so that a limit follows an engine that changes;
 * a run that teaches nothing takes nobody's place. The two limits of a key are learned apart: a run that was given up
 * before its first token says nothing of gaps.
 *
 * `layerNone` learns nothing; `layerMemory` forgets with the process; StoredLimitLearner.ts keeps it with the campaign.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type FinishedRun, teachesSomething } from "./FinishedRun.ts"
import { LearnedRuns, type LearningSettings } from "./LearnedRuns.ts"
import { type LearnedLimits, nothingLearned } from "./LimitInForce.ts"
import { CurrentPolicy } from "./LivenessPolicy.ts"
import { type RunKey, textOf } from "./RunKey.ts"

/** What is known of the runs of one key. */
export interface LearnedKey {
  readonly key: RunKey
  readonly learned: LearnedLimits
}

/** The memory from which limits are learned. Keep one for all runs of a process. */
export class LimitLearner extends Context.Service<LimitLearner, {
  /** What is known now; ask when the run is sent. */
  readonly learned: (key: RunKey) => Effect.Effect<LearnedLimits>
  /** Remembers one run that has ended; tell it once, under the key it was opened with. */
  readonly finished: (key: RunKey, run: FinishedRun) => Effect.Effect<void>
  /** All keys of which anything is remembered, with what is known of each, the last taught first; for people. */
  readonly everything: Effect.Effect<ReadonlyArray<LearnedKey>>
}>()("a2a-campaign/LimitLearner") {
  /** Learns nothing. */
  static readonly layerNone: Layer.Layer<LimitLearner> = Layer.succeed(
    LimitLearner,
    LimitLearner.of({
      learned: () => Effect.succeed(nothingLearned),
      finished: () => Effect.void,
      everything: Effect.succeed([])
    })
  )

  /** Remembers until its scope closes; learns as the policy in force says unless given. */
  static readonly layerMemory = (given?: LearningSettings): Layer.Layer<LimitLearner> =>
    Layer.effect(
      LimitLearner,
      Effect.map(CurrentPolicy, ({ limits }) => {
        const settings = given ?? limits
        const kept = new Map<string, { readonly key: RunKey; readonly runs: LearnedRuns }>()
        const nothing = new LearnedRuns(settings).limits()
        return LimitLearner.of({
          learned: (key) => Effect.sync(() => kept.get(textOf(key))?.runs.limits() ?? nothing),
          finished: (key, run) =>
            Effect.sync(() => {
              if (!teachesSomething(run)) return
              const text = textOf(key)
              const runs = kept.get(text)?.runs ?? new LearnedRuns(settings)
              runs.add(run)
              kept.delete(text)
              kept.set(text, { key, runs })
            }),
          everything: Effect.sync(() =>
            Array.from(kept.values(), ({ key, runs }) => ({ key, learned: runs.limits() })).toReversed()
          )
        })
      })
    )
}
