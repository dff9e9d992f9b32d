/**
 * A runner's side of the tap: a battle as a stream of its task events (adapter for the tap's control API).
 *
 * The battle is open from the first element, a heartbeat, until the stream is closed by whoever reads it; closing it closes
 * every call of the battle. Elements are token counts without text, heartbeats, and the end if the tap ends the battle
 * without an error.
 *
 * The stream fails with what the tap found: a call that was given up is the engine's `Stalled`. A tap that cannot be
 * reached, or goes, is a failure of the hop "engine" as well, because that is the connection which the agent has through
 * it: while the tap is gone the agent has no engine. The detail says that it was the tap.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createParser } from "eventsource-parser"
import type { TaskEvent } from "../a2a/TaskEvent.ts"
import { decodeEvent } from "../a2a/TokenExtension.ts"
import * as EngineFailure from "../engine/EngineFailure.ts"
import { PatientFetch } from "../engine/PatientFetch.ts"
import { Failed, FailReason } from "../liveness/Failed.ts"
import type { RunError } from "../liveness/RunError.ts"
import { CONTROL_PREFIX } from "./TapRoute.ts"

/** Which battle is opened at which tap. */
export interface TapBattleOptions {
  /** Where the tap listens. */
  readonly tapUrl: string
  /** Names the battle at the tap; what stands in the path or the header of its requests. */
  readonly battle: string
  /** The agent's name, for those whose calls say no battle. */
  readonly agent: string
  /** Counted from 1; a later one takes the place of an earlier one that is still open. */
  readonly attempt: number
  /** A factor on the limits of a silence about which nothing is known. */
  readonly patience: number
  /** The W3C trace id that the battle's message carries: 32 hexadecimal digits in lower case. */
  readonly trace?: string | undefined
  /** What the agent is asked, by which its calls are told from those of its other battles. */
  readonly prompt?: string | undefined
  /** What the tap wants to be shown; none unless given. */
  readonly token?: Redacted.Redacted | undefined
  /** The context of the trace that its calls belong to, as headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** A runner's side of a tap. `TapClient.layer` is one over HTTP. */
export class TapClient extends Context.Service<TapClient, {
  /** Opens a battle and follows it. */
  readonly battle: (options: TapBattleOptions) => Stream.Stream<TaskEvent, RunError>
  /** Fails in one line where there is no tap, or one that does not let us ask. */
  readonly check: (options: Pick<TapBattleOptions, "tapUrl" | "token">) => Effect.Effect<void, Failed>
}>()("a2a-campaign/TapClient") {
  /** Over the connections of the context. */
  static readonly layerNoDeps: Layer.Layer<TapClient, never, PatientFetch> = Layer.effect(
    TapClient,
    Effect.map(
      PatientFetch,
      ({ fetch }) =>
        TapClient.of({ battle: (options) => follow(fetch, options), check: (options) => check(fetch, options) })
    )
  )

  /** Over HTTP, with connections of its own. */
  static readonly layer: Layer.Layer<TapClient> = TapClient.layerNoDeps.pipe(Layer.provide(PatientFetch.layer))

  /** A tap at which every battle is the same. */
  static readonly layerTest = (
    battle: (options: TapBattleOptions) => Stream.Stream<TaskEvent, RunError>
  ): Layer.Layer<TapClient> => Layer.succeed(TapClient, { battle, check: () => Effect.void })
}

const { ConnectError, ConnectionLost, Malformed } = FailReason.cases

const failed = (reason: FailReason): Failed => new Failed({ hop: "engine", reason, tokens: 0 })

const Battles = Schema.Struct({ battles: Schema.Array(Schema.Unknown) })

/** How long a tap may take to answer. */
const CHECK_PATIENCE = "10 seconds"

const check = (fetch: typeof globalThis.fetch, { tapUrl, token }: Pick<TapBattleOptions, "tapUrl" | "token">) =>
  Effect.gen(function*() {
    const response = yield* Effect.tryPromise({
      try: (signal) =>
        fetch(`${tapUrl.replace(/\/+$/, "")}${CONTROL_PREFIX}/battles`, { headers: authorization(token), signal }),
      catch: (error) => failed(unreachable(tapUrl, error))
    })
    const text = yield* Effect.orElseSucceed(Effect.tryPromise(() => response.text()), () => "")
    if (response.status === 200 && Result.isSuccess(Schema.decodeUnknownResult(Schema.fromJsonString(Battles))(text))) {
      return
    }
    const detail = response.status === 401 || response.status === 403
      ? `the tap at ${tapUrl} wants its token; put it into CAMPAIGN_TAP_TOKEN`
      : `what answers at ${tapUrl} is no tap; \`campaign tap --engine URL\` starts one and tells its address`
    return yield* failed(FailReason.cases.Rejected.make({ status: response.status, detail }))
  }).pipe(Effect.timeoutOrElse({
    duration: CHECK_PATIENCE,
    orElse: () => Effect.fail(failed(ConnectError.make({ url: tapUrl, detail: "the tap does not answer" })))
  }))

const authorization = (token: Redacted.Redacted | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${Redacted.value(token)}` }

const follow = (fetch: typeof globalThis.fetch, options: TapBattleOptions): Stream.Stream<TaskEvent, RunError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { agent, attempt, battle, headers, patience, prompt = "", tapUrl, token, trace } = options
    const root = tapUrl.replace(/\/+$/, "")
    const query = new URLSearchParams({
      agent,
      attempt: String(attempt),
      patience: String(patience),
      ...(trace === undefined ? {} : { trace })
    })
    for (const text of endsOf(prompt)) query.append("prompt", text)
    // Aborting, unlike cancelling the body, also works before there is one.
    const signal = yield* Effect.abortSignal
    const response = yield* Effect.tryPromise({
      try: () =>
        fetch(`${root}${CONTROL_PREFIX}/battles/${encodeURIComponent(battle)}?${query}`, {
          headers: { ...headers, ...authorization(token) },
          signal
        }),
      catch: (error) => failed(unreachable(tapUrl, error))
    })
    const { body } = response
    if (response.status !== 200 || body === null) {
      const text = yield* Effect.orElseSucceed(Effect.tryPromise(() => response.text()), () => "")
      const detail = `the tap at ${tapUrl} does not open the battle: ${EngineFailure.detailOf(response.status, text)}`
      return yield* failed(EngineFailure.fromStatus(response.status, detail, null))
    }
    const lost = (detail: string) => failed(ConnectionLost.make({ detail: `the tap at ${tapUrl} is gone: ${detail}` }))
    const read = reader()
    let isOver = false
    return Stream.fromReadableStream({
      evaluate: () => body,
      onError: (error): RunError => lost(EngineFailure.fromUnknown(tapUrl, error)._tag)
    }).pipe(
      Stream.map(read),
      Stream.flattenIterable,
      Stream.mapEffect((json): Effect.Effect<TaskEvent, RunError> => {
        const event = decodeEvent(json)
        if (Result.isFailure(event)) {
          return Effect.fail(failed(Malformed.make({ detail: `the tap at ${tapUrl} said what is no task event` })))
        }
        const told = event.success
        if (told._tag !== "Ended") return Effect.succeed(told)
        isOver = true
        return told.error === null ? Effect.succeed(told) : Effect.fail(told.error)
      }),
      Stream.concat(Stream.suspend(() => isOver ? Stream.empty : Stream.fail(lost("it closed the battle's stream"))))
    )
  }))

/** Of a text, so that the address of a battle does not become too long for a server. */
const LONGEST_END = 300

/** A short text, or how a long one begins and ends: what is between them hardly tells two prompts apart that these do not. */
const endsOf = (prompt: string): ReadonlyArray<string> => {
  const text = prompt.trim().toWellFormed()
  if (text.length <= LONGEST_END) return text === "" ? [] : [text]
  return [wholeLetters(text.slice(0, LONGEST_END)), wholeLetters(text.slice(-LONGEST_END))]
}

/** Without half a letter at an end. */
const wholeLetters = (text: string): string => text.replace(/^[\udc00-\udfff]/, "").replace(/[\ud800-\udbff]$/, "")

const unreachable = (tapUrl: string, error: unknown): FailReason => {
  const reason = EngineFailure.fromTransport(tapUrl, error)
  const detail = "detail" in reason ? reason.detail : reason._tag
  return ConnectError.make({ url: tapUrl, detail: `the tap cannot be reached: ${detail}` })
}

/** The JSON of the events in each piece of a stream. */
const reader = () => {
  const decoder = new TextDecoder()
  let events: Array<unknown> = []
  const parser = createParser({
    onEvent: ({ data }) => {
      const json = Result.try({ try: () => JSON.parse(data) as unknown, catch: () => undefined })
      events.push(Result.getOrElse(json, () => data))
    }
  })
  return (bytes: Uint8Array): ReadonlyArray<unknown> => {
    parser.feed(decoder.decode(bytes, { stream: true }))
    const read = events
    events = []
    return read
  }
}
