/**
 * Measures an engine: asks its server what it is, streams four short answers, looks at its metrics all the while, and
 * leaves one answer in the middle.
 *
 * The answers, one after the other, so that what moves in the metrics moves for one reason: one with every field that
 * makes counts exact (where it is refused, one without, and each field alone), one without any field, one to a long prompt
 * that nobody has sent before (so that no cache spares it), and one that is closed after some tokens.
 *
 * Laws: it never fails, and what was measured when the time is over is what it gives. It asks for a few hundred tokens at
 * most. It ends in bounded time on any server. It gives up the rest when the first stream brings no token.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import { PatientFetch } from "../engine/PatientFetch.ts"
import { QUIET_FACTOR } from "./EngineAbort.ts"
import { ask, type EngineAnswer, nowMillis, rootOf } from "./EngineAnswer.ts"
import { heldOf, readingOf } from "./EngineDialect.ts"
import { check } from "./EngineEvidenceCheck.ts"
import { modelsOf, type TellingPath, tellingPaths } from "./EngineIdentity.ts"
import { type EngineLook, take } from "./EngineLook.ts"
import type { EngineMeasurements } from "./EngineMeasurements.ts"
import * as EngineStream from "./EngineStream.ts"
import { figuresOf, promptTokensOf } from "./EngineTokens.ts"

export interface EngineProbeOptions {
  /** The address of the OpenAI-compatible API, with its `/v1`. */
  readonly url: string
  readonly apiKey: Redacted.Redacted | undefined
  /** The model to ask for; the first that is listed unless given. */
  readonly model: string | undefined
  readonly patience?: Partial<EngineProbePatience>
  /** Told what is being tried. */
  readonly onStep?: (step: string) => Effect.Effect<void>
}

/** All in milliseconds. */
export interface EngineProbePatience extends EngineStream.StreamPatience {
  /** How long an answer that is no stream may take. */
  readonly askMillis: number
  /** Between two looks at the metrics. */
  readonly lookMillis: number
  /** How long metrics may take to count the last token. */
  readonly settleMillis: number
  /** How long an engine may take to drop a request whose client has left. */
  readonly abortMillis: number
  /** The whole probe. */
  readonly wholeMillis: number
}

const defaultPatience: EngineProbePatience = {
  // As long as evidence waits for metrics.
  askMillis: 4000,
  // An engine that has just been started compiles in its first request.
  firstTokenMillis: 120_000,
  silenceMillis: 60_000,
  answerMillis: 90_000,
  finishMillis: 3000,
  lookMillis: 200,
  settleMillis: 4000,
  abortMillis: 10_000,
  wholeMillis: 420_000
}

const TOKENS = 64
const PLAIN_TOKENS = 8
const PREFILL_TOKENS = 2
const FIELD_TOKENS = 1
/** An answer that is left has this many tokens at most, and at least; so long would it take. */
const ABORT_MOST_TOKENS = 512
const ABORT_LEAST_TOKENS = 64
const ABORT_SECONDS = 20
const CLOSE_AFTER = 8
/** So many looks without a movement are a quiet. */
const QUIET_LOOKS = 3
const PROMPT = "Count from one to two hundred in English words, separated by commas. Write nothing else."
const STORY = "Tell a long story about a ship and the sea, in at least one thousand words."

const USAGE = "include_usage"
const CONTINUOUS = "continuous_usage_stats"
const IDS = "return_token_ids"

/** The fields of a request that ask for exact counts; those of vLLM, and fewer. */
const bodyWith = (fields: ReadonlyArray<string>): Readonly<Record<string, unknown>> => ({
  ...(fields.includes(IDS) ? { return_token_ids: true } : {}),
  ...(fields.includes(USAGE) || fields.includes(CONTINUOUS)
    ? {
      stream_options: {
        include_usage: true,
        ...(fields.includes(CONTINUOUS) ? { continuous_usage_stats: true } : {})
      }
    }
    : {})
})

/** Without a known context, a prompt that fits in the smallest default (4096 of Ollama). */
const PROMPT_TOKENS = 2000
const MOST_PROMPT_TOKENS = 6000

/** Digits are mostly tokens of their own. */
const TOKENS_PER_LINE = 18

/** A prompt of about so many tokens; each line begins otherwise than any sent before. */
const longPrompt = (tokens: number, nonce: number): string => {
  const line = (number: number) => `Item ${nonce}-${number} is on the list.`
  const lines = Array.from({ length: Math.max(1, Math.floor(tokens / TOKENS_PER_LINE)) }, (_, number) => line(number))
  return [...lines, "How many items were listed? Answer with one number."].join("\n")
}

interface Progress {
  model: string | null
  models: EngineAnswer | undefined
  modelsWithoutKey: EngineAnswer | undefined
  health: EngineAnswer | undefined
  answers: Partial<Record<TellingPath, EngineAnswer>>
  streams: Array<EngineStream.EngineStream>
  looks: Array<EngineLook>
  promptTokens: number
  ownPauseMillis: number
}

/** How often this process looks at its own clock. */
const BEAT_MILLIS = 50
const MOST_LOOKS = 3000

/** Measures. */
export const measure = Effect.fn("EngineProbe.measure")(function*(
  options: EngineProbeOptions
): Effect.fn.Return<EngineMeasurements, never, PatientFetch> {
  const connections = yield* PatientFetch
  const { fetch } = connections
  const patience = { ...defaultPatience, ...options.patience }
  const root = rootOf(options.url)
  const onStep = options.onStep ?? (() => Effect.void)
  const key: Readonly<Record<string, string>> = options.apiKey === undefined
    ? {}
    : { authorization: `Bearer ${Redacted.value(options.apiKey)}` }
  const progress: Progress = {
    model: options.model ?? null,
    models: undefined,
    modelsWithoutKey: undefined,
    health: undefined,
    answers: {},
    streams: [],
    looks: [],
    promptTokens: 0,
    ownPauseMillis: 0
  }

  const get = (url: string, headers: Readonly<Record<string, string>>) =>
    ask(fetch, url, { headers, patienceMillis: patience.askMillis })

  const look = Effect.suspend(() => take(fetch, root, patience.askMillis)).pipe(
    Effect.tap((one) =>
      Effect.sync(() => {
        if (progress.looks.length < MOST_LOOKS) progress.looks.push(one)
      })
    )
  )
  /** Whether there is anything to look at. */
  const hasMetrics = () => progress.looks.some(({ problem }) => problem === null)

  const lookOn = Effect.forever(Effect.andThen(
    Effect.suspend(() => hasMetrics() ? look : Effect.void),
    Effect.sleep(patience.lookMillis)
  ))

  /** Looks until something holds or the time is over. */
  const lookUntil = (millis: number, done: () => boolean) =>
    Effect.suspend(() => hasMetrics() ? Effect.andThen(look, Effect.sleep(patience.lookMillis)) : Effect.void).pipe(
      Effect.repeat({ until: () => !hasMetrics() || done() }),
      Effect.timeoutOption(millis),
      Effect.asVoid
    )

  const discover = Effect.gen(function*() {
    yield* onStep("asking what server it is")
    progress.models = yield* get(`${options.url}/models`, key)
    if (progress.models.problem === "refused") return
    const paths = Object.entries(tellingPaths) as Array<[TellingPath, string]>
    yield* Effect.all([
      Effect.map(get(`${root}/health`, {}), (answer) => {
        progress.health = answer
      }),
      options.apiKey === undefined ? Effect.void : Effect.map(get(`${options.url}/models`, {}), (answer) => {
        progress.modelsWithoutKey = answer
      }),
      look,
      ...paths.map(([name, path]) =>
        Effect.map(get(root + path, key), (answer) => {
          progress.answers[name] = answer
        })
      )
    ], { concurrency: 4 })
    progress.model ??= modelsOf(progress.models)[0]?.id ?? null
  })

  const stream = Effect.fnUntraced(function*(
    request: Pick<EngineStream.StreamRequest, "purpose" | "maxTokens" | "fields" | "closeAfter"> & {
      readonly prompt?: string
    }
  ) {
    const { prompt = PROMPT, ...rest } = request
    const id = Math.abs(yield* Random.nextInt)
    const open = yield* EngineStream.open(connections, {
      ...rest,
      url: `${options.url}/chat/completions`,
      headers: { ...key, "x-request-id": `probe-${id}` },
      body: { model: progress.model, messages: [{ role: "user", content: prompt }], ...bodyWith(request.fields) },
      patience
    })
    const ended = yield* Effect.raceFirst(open.ended, lookOn).pipe(
      Effect.onInterrupt(() => Effect.flatMap(Effect.andThen(open.close, open.ended), keep))
    )
    yield* keep(ended)
    return ended
  })
  const keep = (ended: EngineStream.EngineStream) =>
    Effect.sync(() => {
      if (!progress.streams.includes(ended)) progress.streams.push(ended)
    })

  /** The stream whose tokens are watched. Gives what it was asked with, or nothing where it brought no token. */
  const watchTokens = Effect.gen(function*() {
    yield* onStep(`streaming ${TOKENS} tokens`)
    const all = [IDS, USAGE, CONTINUOUS]
    let fields: ReadonlyArray<string> = all
    let ended = yield* stream({ purpose: "tokens", maxTokens: TOKENS, fields })
    if (ended.end === "refused" && (ended.status === 400 || ended.status === 422)) {
      yield* onStep("asking again without the fields that were refused")
      progress.streams.pop()
      for (const field of all) yield* stream({ purpose: "field", maxTokens: FIELD_TOKENS, fields: [field] })
      fields = all.filter((field) =>
        progress.streams.some(({ end, fields, purpose }) =>
          purpose === "field" && end !== "refused" && fields[0] === field
        )
      )
      ended = yield* stream({ purpose: "tokens", maxTokens: TOKENS, fields })
    }
    const { counted, firstTokenMillis, tokensPerSecond } = figuresOf(ended)
    if (counted === 0 || ended.end === "silent") return undefined
    const settledBy = (yield* nowMillis) + patience.lookMillis
    const before = progress.looks.findLast(({ at }) => at <= ended.sentAt)
    yield* lookUntil(patience.settleMillis, () => {
      const last = progress.looks.at(-1)!
      return last.askedAt >= settledBy && last.problem === null && before !== undefined &&
        heldOf(last) === heldOf(before) && countedAll(before, last, counted)
    })
    return { fields, firstTokenMillis: firstTokenMillis ?? 0, tokensPerSecond: tokensPerSecond ?? 100 }
  })

  const watchPrefill = Effect.fnUntraced(function*(fields: ReadonlyArray<string>) {
    const context = modelsOf(progress.models).find(({ id }) => id === progress.model)?.contextTokens ?? undefined
    const tokens = context === undefined ? PROMPT_TOKENS : Math.min(MOST_PROMPT_TOKENS, Math.floor(context / 2))
    yield* onStep(`sending a prompt of about ${tokens} tokens`)
    const nonce = Math.abs(yield* Random.nextInt) % 1_000_000
    progress.promptTokens = tokens
    const ended = yield* stream({
      purpose: "prefill",
      maxTokens: PREFILL_TOKENS,
      fields: fields.filter((field) => field === USAGE),
      prompt: longPrompt(tokens, nonce)
    })
    progress.promptTokens = promptTokensOf(ended) ?? tokens
    yield* lookUntil(2 * patience.lookMillis, () => false)
  })

  const watchAbort = (tokensPerSecond: number, fields: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      yield* onStep("leaving in the middle of an answer")
      const maxTokens = Math.round(
        Math.min(ABORT_MOST_TOKENS, Math.max(ABORT_LEAST_TOKENS, tokensPerSecond * ABORT_SECONDS))
      )
      const begin = (prompt: string) => stream({ purpose: "abort", maxTokens, fields, closeAfter: CLOSE_AFTER, prompt })
      let ended = yield* begin(PROMPT)
      // Some models do not count.
      if (ended.end === "complete") ended = yield* begin(STORY)
      if (ended.end !== "closed") return
      const before = progress.looks.findLast(({ at }) => at <= ended.sentAt)
      const quietMillis = Math.max(
        QUIET_LOOKS * patience.lookMillis,
        (QUIET_FACTOR + 1) * (check(progress).stillMillis ?? 0)
      )
      let quietSince: number | undefined
      yield* lookUntil(patience.abortMillis, () => {
        const [earlier, last] = progress.looks.slice(-2)
        if (earlier === undefined || last === undefined || earlier.askedAt < ended.endedAt) return false
        const base = before === undefined ? 0 : heldOf(before) ?? 0
        const calm = [earlier, last].every((one) => (heldOf(one) ?? 0) <= base) && sameTokens(earlier, last)
        quietSince = calm ? quietSince ?? earlier.at : undefined
        return quietSince !== undefined && last.askedAt - quietSince >= quietMillis
      })
    })

  const everything = Effect.gen(function*() {
    yield* discover
    if (progress.models?.problem === "refused" || progress.model === null) return
    if (progress.models?.status === 401 || progress.models?.status === 403) return
    yield* Effect.repeat(
      Effect.andThen(Effect.suspend(() => hasMetrics() ? look : Effect.void), Effect.sleep(patience.lookMillis)),
      { times: 2 }
    )
    const watched = yield* watchTokens
    if (watched === undefined) return
    yield* onStep(`asking for ${PLAIN_TOKENS} tokens without any extra field`)
    yield* stream({ purpose: "plain", maxTokens: PLAIN_TOKENS, fields: [] })
    yield* watchPrefill(watched.fields)
    yield* watchAbort(watched.tokensPerSecond, watched.fields)
  })

  // What this process does not do in time looks like an engine's gap.
  const beat = Effect.gen(function*() {
    const before = yield* nowMillis
    yield* Effect.sleep(BEAT_MILLIS)
    progress.ownPauseMillis = Math.max(progress.ownPauseMillis, (yield* nowMillis) - before - BEAT_MILLIS)
  })

  const done = yield* Effect.raceFirst(
    Effect.timeoutOption(everything, patience.wholeMillis),
    Effect.forever(beat)
  )
  return {
    url: options.url,
    keyed: options.apiKey !== undefined,
    ...progress,
    cutShort: Option.isNone(done)
  }
})

/** Whether a look counts all tokens that came since another one; a look that counts none has nothing to wait for. */
const countedAll = (before: EngineLook, last: EngineLook, counted: number): boolean => {
  const [from, to] = [readingOf(before, "generated"), readingOf(last, "generated")]
  return from === null || to === null || to - from >= counted
}

const sameTokens = (one: EngineLook, other: EngineLook): boolean =>
  readingOf(one, "generated") === readingOf(other, "generated")
