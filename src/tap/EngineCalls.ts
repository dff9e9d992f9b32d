/**
 * Every request that goes on to the engine, from its head to its end: what is a completion is planned, attributed, watched
 * and told of; all else passes.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Dispatcher } from "undici"
import type { Verdict } from "../liveness/Verdict.ts"
import { secretsIn } from "./AnswerObserver.ts"
import { CallArrivals } from "./CallArrivals.ts"
import { CallFeed } from "./CallFeed.ts"
import { ClientAnswer } from "./ClientAnswer.ts"
import * as ClientRequest from "./ClientRequest.ts"
import { Exchange, type ExchangeOptions } from "./Exchange.ts"
import { requestHeaders } from "./hopHeaders.ts"
import type { OpenBattles } from "./OpenBattles.ts"
import type { Pulse } from "./Pulse.ts"
import { planOf, type RequestPlan } from "./RequestPlan.ts"
import { StreamedForms } from "./StreamedForms.ts"
import { TapCall } from "./TapCall.ts"
import type { CallEnd, CallName, TapEvent } from "./TapEvent.ts"
import { type TapRoute, watchedApi } from "./TapRoute.ts"
import * as TapSpan from "./TapSpan.ts"
import type { UpstreamRequest } from "./UpstreamCall.ts"

export interface EngineCallsOptions {
  readonly dispatcher: Pick<Dispatcher, "dispatch">
  readonly baseUrl: string
  /** Scheme, host and port of the engine, and what stands before every path there. */
  readonly origin: string
  readonly prefix: string
  readonly battles: OpenBattles
  /** The completions that are open. */
  readonly calls: Set<TapCall>
  readonly pulse: Pulse
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly openSpan: TapSpan.OpenSpan
  /** Watches a call until it has ended; gives how to stop watching. */
  readonly watch: (call: TapCall) => () => void
  readonly onEvent: (event: TapEvent) => void
  /** Somebody wants to know when tokens really came. */
  readonly countsArrivals: boolean
}

/** The largest request that is looked at before it is sent, in bytes; larger ones are sent as they come. */
const MOST_PLANNED_BYTES = 32 * 1024 * 1024

/** Headers of a body that is exchanged, and of a coding that is of no use to who reads it here. */
const OF_BODY = new Set(["content-length", "accept-encoding"])

type ToEngine = Extract<TapRoute, { readonly _tag: "Engine" }>

/** Handles requests for the engine. */
export const make = (options: EngineCallsOptions) => {
  const { baseUrl, battles, calls, countsArrivals, dispatcher, now, onEvent, openSpan, origin, prefix, pulse, watch } =
    options
  const forms = new StreamedForms()
  let count = 0

  const exchange = (
    request: IncomingMessage,
    response: ServerResponse,
    more: Omit<ExchangeOptions, "baseUrl" | "client" | "dispatcher" | "pulse">
  ): void => {
    const client = new ClientAnswer(request, response, {
      onGone: () => exchange.gone(),
      onDrain: () => exchange.drained()
    })
    const exchange = new Exchange({ ...more, baseUrl, client, dispatcher, pulse })
    exchange.start()
  }

  const requestOf = (
    { path }: ToEngine,
    request: IncomingMessage,
    body: UpstreamRequest["body"],
    leftOut?: ReadonlySet<string>
  ): UpstreamRequest => ({
    origin,
    path: prefix + path,
    method: request.method ?? "GET",
    headers: requestHeaders(request.rawHeaders, leftOut),
    body
  })

  const pass = (route: ToEngine, request: IncomingMessage, response: ServerResponse): void =>
    exchange(request, response, {
      request: requestOf(route, request, ClientRequest.streaming(request)),
      onOver: (_, status) =>
        onEvent({ _tag: "Passed", method: request.method ?? "GET", path: withoutQuery(route), status })
    })

  const watched = (
    route: ToEngine,
    api: RequestPlan["api"],
    request: IncomingMessage,
    response: ServerResponse,
    body: Buffer | undefined
  ): void => {
    const isPlain = request.headers["content-encoding"] === undefined
    const text = body === undefined || !isPlain ? undefined : body.toString()
    const plan = (text === undefined ? undefined : planOf(api, text)) ?? unplanned(api)
    const { battle, why } = battles.attribute(route.hint, plan.mentions)
    const streamed = plan.streamed === undefined || !forms.mayAsk(plan.model) ? undefined : plan.streamed
    const name: CallName = {
      call: ++count,
      path: withoutQuery(route),
      model: plan.model,
      battle: battle?.name.battle ?? null,
      why,
      mode: streamed !== undefined ? "reassembled" : plan.wantsStream ? "stream" : "whole"
    }
    const span = openSpan({ baseUrl, battle, headers: request.headers, name, plan })
    const beganAt = now()
    const arrivals = countsArrivals ? new CallArrivals(now, beganAt) : undefined
    const call = new TapCall({ name, plan, battle, feed: new CallFeed(pulse), span, beganAt, arrivals })
    calls.add(call)
    battle?.began(call)
    onEvent({ _tag: "CallBegan", ...name })
    let stopWatching: (() => void) | undefined
    const startWatching = () => {
      if (calls.has(call)) stopWatching ??= watch(call)
    }

    const onOver = (end: CallEnd, status: number | null): void => {
      if (end !== "client-gone") startWatching()
      calls.delete(call)
      battle?.ended(call)
      TapSpan.end(call, end, status)
      onEvent({
        _tag: "CallEnded",
        ...name,
        end,
        status,
        tokens: call.feed.tokens,
        millis: now() - call.beganAt,
        firstTokenMillis: call.firstTokenAt === undefined ? null : call.firstTokenAt - call.beganAt,
        detail: end === "completed" ? null : call.feed.failure ?? detailOf(call.verdict)
      })
      // One that ended ends the watch; of one that was given up the watch still has to tell, whoever went meanwhile.
      if (!call.isGivenUp && !call.feed.isEnded) stopWatching?.()
    }
    const traced = TapSpan.headersOf(span)
    const leftOut = TapSpan.leftOut(span)
    const asItIs = requestOf(route, request, body ?? ClientRequest.streaming(request), leftOut)
    asItIs.headers.push(...traced)
    exchange(request, response, {
      call,
      request: asItIs,
      streamed: streamed === undefined ? undefined : {
        ...asItIs,
        headers: [
          ...requestHeaders(request.rawHeaders, new Set([...leftOut, ...OF_BODY])),
          ...traced,
          "accept-encoding",
          "identity"
        ],
        body: streamed
      },
      secrets: secretsIn(request.rawHeaders),
      onStreamed: (was) => forms.learn(plan.model, was),
      onAnswered: startWatching,
      onOver
    })
    // To begin costs as much as to forward a dozen tokens: neither the request nor the head of its answer waits for it.
    pulse.add(startWatching)
  }

  return (route: ToEngine, request: IncomingMessage, response: ServerResponse): void => {
    const api = request.method === "POST" ? watchedApi(route.path) : undefined
    if (api === undefined) return pass(route, request, response)
    ClientRequest.collect(request, MOST_PLANNED_BYTES, (body) => watched(route, api, request, response, body))
  }
}

/** As it may be told: a query may hold a key. */
const withoutQuery = ({ path }: ToEngine): string => path.split("?", 1)[0] ?? path

/** Of a request that cannot be read. */
const unplanned = (api: RequestPlan["api"]): RequestPlan => ({
  api,
  model: "",
  maxTokens: null,
  promptCharacters: null,
  choices: 1,
  wantsStream: false,
  mentions: () => false,
  streamed: undefined
})

const detailOf = (verdict: Verdict | undefined): string | null =>
  verdict?._tag === "Failed" && verdict.detail !== "" ? verdict.detail : null
