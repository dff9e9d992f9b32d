/**
 * The watch for a stream of any elements: a classifier tells what they are, and everything else is as for tokens.
 *
 * Laws: the elements are the upstream's, in its chunks; the classifier is called once for each, when its chunk arrives;
 * the verdicts are those of token events that come at the same times (Classification.ts tells which). A classifier that
 * throws is a defect.
 *
 * Services are taken as they are there: evidence of the engine, limits learned from runs at the same endpoint, the ticker,
 * and the policy in force. `layer` is all of them, without evidence unless it is given some.
 *
 * Gotcha: a stream that ends before an element that the classifier calls its finish has failed: proxies cut answers
 * cleanly. Where the elements of a stream cannot tell, say `endWithoutFinish: "finished"`.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { type Classifier, type Classify, inputsOf, started } from "./Classification.ts"
import { EngineEvidence } from "./EngineEvidence.ts"
import * as FinishedRun from "./FinishedRun.ts"
import type { Hop } from "./Hop.ts"
import { nothingLearned } from "./LimitInForce.ts"
import { LimitLearner } from "./LimitLearner.ts"
import { morePatient } from "./LivenessLimits.ts"
import { CurrentPolicy, type LivenessPolicy } from "./LivenessPolicy.ts"
import * as LivenessWatch from "./LivenessWatch.ts"
import type { RunError } from "./RunError.ts"
import * as RunKey from "./RunKey.ts"
import type { RunState } from "./RunState.ts"
import { Ticker } from "./Ticker.ts"
import type { Verdict } from "./Verdict.ts"

/** How a stream of any elements is watched. */
export interface WatchWithOptions<A> {
  /** Tells what an element is. */
  readonly classify: Classify<A> | Classifier<A>
  /** Where the stream comes from, such as the engine's address. Limits are learned for each; without one, none are. */
  readonly endpoint?: string
  /** The model that answers, for learned limits and for the record of a run. */
  readonly model?: string
  /** The most tokens that the request allows, for learned limits. */
  readonly maxTokens?: number
  /** The length of the prompt in characters, for learned limits. */
  readonly promptCharacters?: number
  /** What is at the far end of the stream; "engine" unless given. */
  readonly hop?: Hop
  /** Counted from 1; 1 unless given. */
  readonly attempt?: number
  /** A factor on the limits of a silence about which nothing is known, for a retry; 1 unless given. */
  readonly patience?: number
  /** The policy in force (`CurrentPolicy`) unless given. */
  readonly policy?: LivenessPolicy
  /** What an end is before an element was called the finish; "failed" unless given. */
  readonly endWithoutFinish?: "finished" | "failed"
  /** Told of each verdict as it changes, and of the last one. Synchronous; must not throw. */
  readonly onVerdict?: (verdict: Verdict) => void
}

/**
 * The stream, watched. It fails with `Stalled`, `Slow` or `Failed` as its verdict is, unless the policy is only to warn;
 * its upstream is closed first.
 *
 * @example
 * import * as Liveness from "a2a-campaign/Liveness"
 * import * as LivenessPolicy from "a2a-campaign/LivenessPolicy"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Stream from "effect/Stream"
 *
 * // Lines of some protocol: two pings, a word, and then nothing more.
 * const lines = Stream.concat(Stream.make("ping", "ping", "data: Hello"), Stream.never)
 *
 * const program = lines.pipe(
 *   Liveness.watchWith({
 *     classify: (line: string) => line === "ping" ? Liveness.transport : line === "end" ? Liveness.finish() : Liveness.progress()
 *   }),
 *   Stream.runForEach((line) => Effect.sync(() => console.log(line))),
 *   Effect.catchTag("Stalled", (stalled) => Effect.sync(() => console.log(stalled.kind, stalled.confidence)))
 * )
 *
 * // A tenth of a second, so that nobody has to wait for a quarter of an hour.
 * const policy = LivenessPolicy.layer({
 *   stallLimitMillis: 100,
 *   limits: { tickMillis: 20 }
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Liveness.layer().pipe(Layer.provideMerge(policy))))
 *
 * // prints: ping
 * // prints: ping
 * // prints: data: Hello
 * // prints: silent inferred
 */
export const watchWith = <A>(options: WatchWithOptions<A>) =>
<B extends A, E, R>(
  self: Stream.Stream<B, E, R>
): Stream.Stream<B, E | RunError, R | EngineEvidence | LimitLearner | Ticker> =>
  Stream.unwrap(Effect.gen(function*() {
    const { attempt = 1, endpoint, hop = "engine", maxTokens, model = "", patience = 1, promptCharacters } = options
    const policy = options.policy ?? (yield* CurrentPolicy)
    const evidence = yield* EngineEvidence
    const learner = yield* LimitLearner
    const key = endpoint === undefined
      ? undefined
      : RunKey.make({ endpoint, model, maxTokens, promptCharacters, running: yield* evidence.running })
    const learned = key === undefined ? nothingLearned : yield* learner.learned(key)
    let last: RunState | undefined
    const watched = self.pipe(LivenessWatch.watch<B>({
      run: { hop, attempt, endpoint: endpoint ?? "", model },
      inputsOf: inputsOf<B>(started(options.classify)),
      limits: patience === 1 ? policy.limits : morePatient(policy.limits, patience),
      policy: policy.stallPolicy,
      endWithoutFinish: options.endWithoutFinish ?? "failed",
      opened: {
        learned,
        ...(maxTokens === undefined ? {} : { maxTokens }),
        ...(policy.hardCapMillis === null ? {} : { budgetMillis: policy.hardCapMillis })
      },
      ...(options.onVerdict === undefined ? {} : { onVerdict: options.onVerdict }),
      onEnd: (state) => {
        last = state
      }
    }))
    if (key === undefined) return watched
    return Stream.ensuring(
      watched,
      Effect.suspend(() => last === undefined ? Effect.void : learner.finished(key, FinishedRun.fromState(last)))
    )
  }))

/**
 * What watches need: a ticker, a memory of finished runs, and the evidence that is given, such as `ScrapedEvidence.layer`;
 * none unless given. The policy in force where it is built tells how often it ticks and how it learns.
 */
export const layer = <E = never, R = never>(
  evidence: Layer.Layer<EngineEvidence, E, R> = EngineEvidence.layerNone as Layer.Layer<EngineEvidence, E, R>
): Layer.Layer<EngineEvidence | LimitLearner | Ticker, E, R> =>
  Layer.mergeAll(evidence, LimitLearner.layerMemory(), Ticker.layer())
