/**
 * The tap: an OpenAI-compatible pass-through between any agent and its engine, which watches every completion on its way.
 *
 * An agent uses it by its base URL alone. Everything that it sends goes on to the engine as it is, and the answer comes
 * back as it is (Exchange.ts); completions are watched as our own agents watch theirs (watchCall.ts), and one that is
 * found stalled is closed. A runner that plays battles opens each of them here and is told of its tokens (ControlApi.ts).
 *
 * `/v1` of the tap is the engine's base URL; paths beside it are those beside the engine's.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { isLoopbackHost } from "../a2a/AddressRule.ts"
import * as Authenticator from "../a2a/Authenticator.ts"
import type { ListenError } from "../a2a/ListenError.ts"
import { PatientFetch } from "../engine/PatientFetch.ts"
import type { EngineEvidence } from "../liveness/EngineEvidence.ts"
import type { LimitLearner } from "../liveness/LimitLearner.ts"
import { defaults, type LivenessLimits } from "../liveness/LivenessLimits.ts"
import type { StallPolicy } from "../liveness/StallPolicy.ts"
import { Ticker } from "../liveness/Ticker.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import { Metrics } from "../telemetry/MetricsService.ts"
import * as ControlApi from "./ControlApi.ts"
import * as EngineCalls from "./EngineCalls.ts"
import { OpenBattles } from "./OpenBattles.ts"
import * as Pulse from "./Pulse.ts"
import type { TapCall } from "./TapCall.ts"
import type { TapEvent } from "./TapEvent.ts"
import * as TapListener from "./TapListener.ts"
import * as TapRefusal from "./TapRefusal.ts"
import { routeOf } from "./TapRoute.ts"
import * as TapSpan from "./TapSpan.ts"
import { watchCall } from "./watchCall.ts"

export type { CallEnd, CallName, TapEvent, Unattributed } from "./TapEvent.ts"

/** Where a tap listens, which engine is behind it, and how calls are watched. */
export interface TapOptions {
  /** The address to listen on. */
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** The engine's OpenAI-compatible API, with its `/v1`. */
  readonly baseUrl: string
  /** The defaults unless given. */
  readonly limits?: LivenessLimits | undefined
  /** "enforce" unless given. */
  readonly policy?: StallPolicy | undefined
  /** What runners must present; a listener that other machines reach answers none without it. */
  readonly token?: Redacted.Redacted | undefined
  /** Told what happens. Synchronous; must not throw. */
  readonly onEvent?: ((event: TapEvent) => void) | undefined
}

/** A pass-through between any agent and its engine, which watches every call. */
export class Tap extends Context.Service<Tap, {
  /** Where the tap listens, without a slash at its end. */
  readonly url: string
  /** What an agent is given in the place of its engine's base URL. */
  readonly baseUrl: string
  /** The same for one battle. */
  readonly baseUrlOfBattle: (battle: string) => string
  /** The same for one agent, whatever battle it is in. */
  readonly baseUrlOfAgent: (agent: string) => string
}>()("a2a-campaign/Tap") {
  /** Listens until the scope ends; then every call is closed. */
  static readonly layer = (
    options: TapOptions
  ): Layer.Layer<Tap, ListenError, PatientFetch | EngineEvidence | LimitLearner | Ticker> =>
    Layer.effect(Tap, make(options))
}

const make = Effect.fnUntraced(function*(options: TapOptions) {
  const { baseUrl, host, limits = defaults, onEvent = () => {}, policy = "enforce", port, token } = options
  const { dispatcher } = yield* PatientFetch
  const ticker = yield* Ticker
  const metrics = yield* Metrics
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const run = yield* FiberSet.makeRuntime<EngineEvidence | LimitLearner | Ticker>()
  const pulse = yield* Pulse.make(limits.tickMillis)
  const battles = new OpenBattles()
  const calls = new Set<TapCall>()
  const engine = new URL(baseUrl)
  const onVerdict = ({ name }: TapCall, verdict: Verdict) => onEvent({ _tag: "CallVerdict", ...name, verdict })

  const toEngine = EngineCalls.make({
    dispatcher,
    baseUrl,
    origin: engine.origin,
    prefix: prefixOf(engine),
    battles,
    calls,
    pulse,
    now,
    openSpan: TapSpan.opener(Effect.runSyncWith(yield* Effect.context<never>())),
    watch: (call) => interrupting(run(watchCall(call, { baseUrl, limits, policy, now, onVerdict }))),
    onEvent,
    countsArrivals: metrics !== undefined && policy !== "off"
  })
  const control = ControlApi.make({
    authenticator: token !== undefined
      ? Authenticator.bearerToken(token)
      : isLoopbackHost(host)
      ? Authenticator.none
      : undefined,
    battles,
    calls,
    now,
    heartbeatMillis: limits.heartbeatMillis,
    follow: (battle) => interrupting(run(Effect.scoped(Effect.andThen(ticker.add(battle.tick), Effect.never)))),
    onEvent,
    metricsPage: metrics?.page
  })
  const url = yield* TapListener.listen({
    host,
    port,
    onRequest: (request, response) => {
      const route = routeOf(request.url ?? "/", request.headers)
      if (route._tag === "Control") control(route, request, response)
      else toEngine(route, request, response)
    }
  })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const battle of battles.all()) battle.cancel("the tap was shut down")
      for (const call of calls) call.close(TapRefusal.shutDown, "shut-down")
    })
  )
  const api = hasVersion(engine) ? "/v1" : ""
  return Tap.of({
    url,
    baseUrl: `${url}${api}`,
    baseUrlOfBattle: (battle) => `${url}/battle/${encodeURIComponent(battle)}${api}`,
    baseUrlOfAgent: (agent) => `${url}/agents/${encodeURIComponent(agent)}${api}`
  })
})

const interrupting = (fiber: Fiber.Fiber<unknown>) => () => fiber.interruptUnsafe()

const hasVersion = ({ pathname }: URL): boolean => /\/v1\/*$/.test(pathname)

/** What stands before the `/v1` of the engine's address, or before every path where it has none. */
const prefixOf = ({ pathname }: URL): string => pathname.replace(/(\/v1)?\/*$/, "")
