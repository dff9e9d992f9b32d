/**
 * A model that grades answers by a rubric, asked over the same watched stream as any other: its silence is found by the
 * same evidence, and its run has its own verdict.
 *
 * Laws: a judge that stalls, is too slow or fails is a `GradingError` with that error inside, so the battle is unscored,
 * and never 0; an answer of the judge's that is no judgement is asked for once more, with the same question, and then is a
 * `GradingError` too.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import * as Transcript from "../token/Transcript.ts"
import { oneLine } from "./Grade.ts"
import { GradingError } from "./GradingError.ts"
import * as Judgement from "./Judgement.ts"

const shownCharacters = 200

type Service = Context.Service.Shape<typeof Judge>

const none = new GradingError({ reason: { _tag: "ToolMissing", detail: "no judge is configured" } })

export class Judge extends Context.Service<Judge, {
  /** Fails if there is no judge; it is not asked anything. */
  readonly check: Effect.Effect<void, GradingError>
  readonly ask: (question: Judgement.Question) => Effect.Effect<Judgement.Judgement, GradingError>
}>()("a2a-campaign/Judge") {
  /** No judge: whatever asks for one cannot be graded. */
  static readonly layerNone = Layer.succeed(Judge, { check: Effect.fail(none), ask: () => Effect.fail(none) })

  /** The model behind the watched engine. */
  static readonly layer = Layer.effect(
    Judge,
    Effect.gen(function*() {
      const engine = yield* WatchedEngine

      const answerOf = (question: Judgement.Question, time: number) =>
        engine.stream({
          messages: Judgement.messages(question),
          requestId: `judge-${question.taskId}-${time}`,
          attempt: time
        }).pipe(
          Stream.runFold(() => Transcript.empty, Transcript.step),
          Effect.mapBoth({
            onSuccess: ({ content }) => content,
            onFailure: (error) => new GradingError({ reason: { _tag: "JudgeFailed", error } })
          })
        )

      const ask = Effect.fn("Judge.ask")(function*(question: Judgement.Question) {
        const first = Judgement.read(yield* answerOf(question, 1))
        if (Option.isSome(first)) return first.value
        const text = yield* answerOf(question, 2)
        return yield* Effect.fromOption(Judgement.read(text)).pipe(
          Effect.mapError(() =>
            new GradingError({
              reason: { _tag: "JudgementUnreadable", detail: `it said "${oneLine(text, shownCharacters)}"` }
            })
          )
        )
      })
      return Judge.of({ check: Effect.void, ask })
    })
  )

  /** A judge that decides by a function. */
  static readonly layerTest = (ask: Service["ask"]) => Layer.succeed(Judge, { check: Effect.void, ask })
}
