/**
 * An engine that agents of somebody else's ask, unseen, as evidence for their runs: what it says of itself goes into their
 * streams as heartbeats, and what it proves ends them.
 *
 * One of these for all such runs at an engine, because what may be said of one depends on how many there are
 * (EngineWitness.ts). It shares the scrapes with the runs that we open there ourselves, and is not counted as one of them.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { EngineEvidence } from "./EngineEvidence.ts"
import * as EngineWitness from "./EngineWitness.ts"
import type { Told } from "./Heartbeat.ts"
import { defaults, type LivenessLimits } from "./LivenessLimits.ts"
import type { Phase } from "./Phase.ts"
import { Stalled } from "./Stalled.ts"
import type { Ticker } from "./Ticker.ts"
import type { Evidence } from "./Verdict.ts"

/** A run, as far as its agent shows it. */
export interface UnseenRun extends EngineWitness.WitnessedRun {
  /** Where it stands, as its agent shows it. */
  readonly phase: Phase
  /** Generated tokens, as far as they are known. */
  readonly tokens: number
}

/** An engine that agents of somebody else's ask. */
export interface WitnessedEngine {
  /**
   * A heartbeat every `heartbeatMillis` for as long as it is pulled; fails with `Stalled` of hop "engine" when the engine
   * is proved hung or gone. `run` is called for what is known of the run at that moment.
   */
  readonly watch: (options: {
    readonly attempt: number
    readonly limits?: LivenessLimits | undefined
    readonly run: () => UnseenRun
  }) => Stream.Stream<Told, Stalled>
}

/** What `evidence` is of; the endpoint and the model are names for its verdicts. */
export const make = (options: {
  readonly evidence: EngineEvidence["Service"]
  readonly ticker: Ticker["Service"]
  readonly endpoint: string
  readonly model: () => string
}): WitnessedEngine => {
  const { endpoint, evidence, model, ticker } = options
  let unseen = 0

  const watch: WitnessedEngine["watch"] = ({ attempt, limits = defaults, run }) =>
    Stream.unwrap(Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const began = now()
      const queue = yield* Queue.unbounded<Told, Stalled>()
      let lastBeat = began
      const isSilent = () => now() - run().lastMillis > limits.suspectFloorMillis
      let witness: EngineWitness.EngineWitness | undefined
      yield* Effect.acquireRelease(Effect.sync(() => void unseen++), () => Effect.sync(() => void unseen--))
      const { known } = yield* evidence.follow({
        isSuspect: isSilent,
        tell: (input) => {
          if (input._tag === "Scrape" && witness !== undefined) {
            witness = EngineWitness.scraped(witness, input, run(), limits)
          }
        }
      })
      witness = EngineWitness.initial(known.longestStepMillis)

      const stalled = (
        seen: EngineWitness.EngineWitness,
        stall: NonNullable<ReturnType<typeof EngineWitness.stallOf>>
      ) => {
        const { lastMillis, phase, tokens } = run()
        const samples: Evidence["samples"] = seen.record.recent.map((sample) => ({
          ...sample,
          atMillis: sample.atMillis - began
        }))
        return new Stalled({
          hop: "engine",
          kind: stall.kind,
          confidence: "proved",
          phase,
          tokens,
          silentMillis: now() - lastMillis,
          limit: stall.limit,
          circumstances: {
            run: { hop: "engine", attempt, endpoint, model: model() },
            decidedBy: "evidence",
            atMillis: now() - began,
            phases: [{ phase, sinceMillis: 0 }],
            gapsMillis: [],
            limits: [stall.limit],
            evidence: {
              binding: seen.binding.status,
              frozenMillis: EngineWitness.standstillOf(seen),
              samples
            }
          },
          // Nothing of ours was sent to it, so nothing of ours can be taken back.
          cancel: stall.kind === "engine-dead" ? "confirmed" : "unconfirmed"
        })
      }

      yield* ticker.add((at) => {
        if (witness === undefined) return
        const stall = EngineWitness.stallOf(witness, at, run(), limits)
        if (stall !== undefined) {
          Queue.failCauseUnsafe(queue, Cause.fail(stalled(witness, stall)))
          return
        }
        if (at - lastBeat < limits.heartbeatMillis) return
        lastBeat = at
        const { phase, tokens } = run()
        const limit = EngineWitness.limitOf(witness, at, run(), limits)
        Queue.offerUnsafe(queue, {
          _tag: "Heartbeat",
          phase,
          tokens,
          // How long it has been silent is seen by whoever reads its answer.
          tokenAgeMillis: 0,
          engine: EngineWitness.digestOf(witness, at, unseen, limits),
          intervalMillis: limits.heartbeatMillis,
          ...limit === undefined ? {} : { limit }
        })
      })
      return Stream.fromQueue(queue)
    }))

  return { watch }
}
