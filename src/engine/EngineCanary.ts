/**
 * The canary of one engine: health, the list of models, and a completion of three tokens between two scrapes.
 *
 * It passes by its tokens alone. The metrics only add to it: if the engine's counter of outputs after a first token has
 * risen, they are the metrics of the engine that answers, and the source of evidence is told so, as well as how long a
 * step took. A server without metrics passes with a binding that is unproven.
 *
 * Time limits: 120 s until one has passed, because an engine that has just been started compiles during its first
 * request; 60 s afterwards: healthy engines were seen to stand still for 50 s, and that rarely twice in three tokens.
 *
 * Gotchas: `/health` proves nothing when it is well, and a missing or slow one nothing at all; only a 5xx counts. vLLM's
 * metrics may lag behind the tokens. A canary given up on a hung engine stays in it until it moves again.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { Canary, CanaryOutcome, knowledgeOf } from "../liveness/Canary.ts"
import { EngineEvidence } from "../liveness/EngineEvidence.ts"
import { rise } from "../liveness/EngineSample.ts"
import { inSeconds } from "../liveness/inSeconds.ts"
import { type TokenEvent, tokensOf } from "../token/TokenEvent.ts"
import { Engine, type EngineOptions } from "./Engine.ts"
import * as MetricsScrape from "./MetricsScrape.ts"
import { PatientFetch } from "./PatientFetch.ts"

/** Which engine is asked, and how long its answer may take. */
export interface EngineCanaryOptions
  extends
    Pick<EngineOptions, "baseUrl" | "model" | "currentModel" | "apiKey" | "dataParallelRank">,
    Pick<MetricsScrape.MetricsScrapeOptions, "engine">
{
  /** How long health, models and tokens may take together; the first time, and once one has passed. */
  readonly firstPatience?: Duration.Input
  /** How long they may take once a canary has passed; 60 seconds unless given. */
  readonly patience?: Duration.Input
}

/** The most tokens that its engine may answer with. */
export const MAX_TOKENS = 3
/** The first one comes from prefill alone. */
const LEAST_TOKENS = 2
/** Something whose answer is longer than three tokens, with or without thinking. */
const PROMPT = "Count from one to twenty, in words."
/** How often, and how many seconds apart, the metrics are asked whether they have counted the tokens. */
const LOOKS = 7
const BETWEEN_LOOKS = Duration.seconds(1)

/** What has come, and when; changed as it comes, so that it is there when time is up. */
interface Seen {
  tokens: number
  finished: boolean
  lastAt: number
  stepMillis: number
}

const { Absent, Passed } = CanaryOutcome.cases

const notPassed = (why: string) => CanaryOutcome.cases.Failed.make({ why: `the canary has not passed: ${why}` })

const make = Effect.fnUntraced(function*(options: EngineCanaryOptions) {
  const engine = yield* Engine
  const evidence = yield* EngineEvidence
  const { fetch } = yield* PatientFetch
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const metrics = MetricsScrape.make(fetch, options)
  let hasPassed = false

  const healthy = Effect.flatMap(
    metrics.health,
    (status) => status !== undefined && status >= 500 ? Effect.fail(notPassed(`/health says ${status}`)) : Effect.void
  )

  const see = (seen: Seen, event: TokenEvent) => {
    if (event._tag === "Finish") seen.finished = true
    // What a server says of an answer that is complete. One that repeats a number meanwhile generates nothing.
    if (event._tag === "Usage" && seen.finished) seen.tokens = Math.max(seen.tokens, event.completionTokens)
    const more = tokensOf(event)
    if (more === 0) return
    const at = now()
    // Tokens that come together have been made one after another.
    if (seen.tokens > 0) seen.stepMillis = (at - seen.lastAt) / more
    seen.tokens += more
    seen.lastAt = at
  }

  const ask = (seen: Seen) =>
    Effect.flatMap(Random.nextInt, (id) =>
      Stream.runForEach(
        engine.stream({ messages: [{ role: "user", content: PROMPT }], requestId: `canary-${Math.abs(id)}` }),
        (event) => Effect.sync(() => see(seen, event))
      ))

  /** Whether the counter of decoding rises above what it was. */
  const counts = Effect.fnUntraced(function*(before: number | null) {
    if (before === null) return false
    for (let look = 1;; look++) {
      const sample = yield* metrics.sample
      if (typeof sample !== "string" && rise(before, sample.decodeOutputs) > 0) return true
      if (look === LOOKS) return false
      yield* Effect.sleep(BETWEEN_LOOKS)
    }
  })

  const checkEngine = Effect.gen(function*() {
    const seen: Seen = { tokens: 0, finished: false, lastAt: now(), stepMillis: 0 }
    const patience = Duration.fromInputUnsafe(
      hasPassed ? options.patience ?? "60 seconds" : options.firstPatience ?? "120 seconds"
    )
    const sample = yield* metrics.sample
    const ended = yield* Effect.andThen(engine.check, ask(seen)).pipe(
      Effect.mapError(({ message }) => notPassed(message)),
      Effect.as("the answer has ended"),
      (asked) => Effect.andThen(healthy, asked),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => Effect.succeed(`waited ${inSeconds(Duration.toMillis(patience))}`)
      })
    )
    if (seen.tokens < LEAST_TOKENS) return yield* Effect.fail(notPassed(`${howMany(seen.tokens)} (${ended})`))
    hasPassed = true
    const isCounted = yield* counts(typeof sample === "string" ? null : sample.decodeOutputs)
    const binding = isCounted ? "proven" : "unproven"
    const passed = Passed.make({ tokens: seen.tokens, stepMillis: seen.stepMillis, binding })
    yield* evidence.learn(knowledgeOf(passed))
    return passed
  }).pipe(Effect.catch(Effect.succeed))

  return Canary.of({
    check: (endpoint) =>
      bare(endpoint) === bare(options.baseUrl) ? checkEngine : Effect.succeed<CanaryOutcome>(Absent.make({}))
  })
})

const bare = (url: string): string => url.replace(/\/+$/, "")

const howMany = (tokens: number): string =>
  tokens === 0 ? "no token has come" : "one token has come and no second one: prompts are computed, nothing is decoded"

/**
 * Asks the engine at `baseUrl`, which is also the endpoint's name; any other endpoint has no canary here. What it finds
 * out about the metrics is told to the source of evidence.
 */
export const layer = (options: EngineCanaryOptions): Layer.Layer<Canary, never, EngineEvidence> =>
  layerNoDeps(options).pipe(
    Layer.provide(Engine.layerNoDeps({ ...options, maxTokens: MAX_TOKENS })),
    Layer.provide(PatientFetch.layer)
  )

/** The same with an engine of the caller's, of which no more than `MAX_TOKENS` are asked. */
export const layerNoDeps = (
  options: EngineCanaryOptions
): Layer.Layer<Canary, never, Engine | EngineEvidence | PatientFetch> => Layer.effect(Canary, make(options))
