/**
 * What runners and people ask of the tap itself, under `/.campaign-tap`:
 *
 *     GET    battles/<id>?agent=&attempt=&patience=&trace=&prompt=   opens a battle: a stream of task events until it is closed
 *     DELETE battles/<id>                                    closes it, and every call that belongs to it
 *     GET    battles, GET calls                              what is open
 *     GET    metrics                                         the page for Prometheus, where the process has metrics
 *
 * A battle is open as long as its stream is: a runner that dies closes it by dying. An attempt that is later than the open
 * one takes its place; one that is not is refused.
 *
 * Whoever listens for other machines must know who asks: without a token nobody is answered there.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Authenticator } from "../a2a/Authenticator.ts"
import { contentType } from "../telemetry/MetricsService.ts"
import { BattleEvents } from "./BattleEvents.ts"
import { type BattleName, OpenBattle } from "./OpenBattle.ts"
import type { OpenBattles } from "./OpenBattles.ts"
import type { TapCall } from "./TapCall.ts"
import type { TapEvent } from "./TapEvent.ts"
import type { TapRoute } from "./TapRoute.ts"
import { parentIn } from "./TapSpan.ts"

export interface ControlApiOptions {
  /** Who may ask; nobody, if the listener is not for this machine only and has no token. */
  readonly authenticator: Authenticator | undefined
  readonly battles: OpenBattles
  readonly calls: ReadonlySet<TapCall>
  readonly now: () => number
  readonly heartbeatMillis: number
  /** Lets time pass for a battle; gives how to stop. */
  readonly follow: (battle: OpenBattle) => () => void
  readonly onEvent: (event: TapEvent) => void
  /** The page for Prometheus; `/metrics` is the engine's own. */
  readonly metricsPage: (() => string) | undefined
}

type Control = Extract<TapRoute, { readonly _tag: "Control" }>

const NO_TOKEN = "this tap listens for other machines and has no token, so nobody may ask it; start it with " +
  "CAMPAIGN_TAP_TOKEN set, or on a loopback address"

const Query = Schema.Struct({
  agent: Schema.NonEmptyString.check(Schema.isMaxLength(500)),
  attempt: Schema.Int.check(Schema.isGreaterThan(0)),
  patience: Schema.Finite.check(Schema.isGreaterThan(0)),
  trace: Schema.NullOr(Schema.String.check(Schema.isPattern(/^[\da-f]{32}$/))),
  prompt: Schema.Array(Schema.NonEmptyString.check(Schema.isMaxLength(1000))).check(Schema.isMaxLength(4))
})

const decodeQuery = Schema.decodeUnknownResult(Query)

/** Answers requests of the tap's own paths. */
export const make = (options: ControlApiOptions) => {
  const { authenticator, battles, calls, follow, heartbeatMillis, metricsPage, now, onEvent } = options

  const answer = (response: ServerResponse, status: number, json: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { "content-type": "application/json", ...headers })
    response.end(JSON.stringify(json))
  }
  const refuse = (response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}) =>
    answer(response, status, { error: { message } }, headers)

  const open = (id: string, { query }: Control, request: IncomingMessage, response: ServerResponse): void => {
    const decoded = decodeQuery({
      agent: query.get("agent") ?? "",
      attempt: Number(query.get("attempt") ?? 1),
      patience: Number(query.get("patience") ?? 1),
      trace: query.get("trace")?.toLowerCase() ?? null,
      prompt: query.getAll("prompt")
    })
    if (Result.isFailure(decoded)) {
      return refuse(
        response,
        400,
        "expected ?agent=NAME&attempt=1&patience=1&trace=<32 hexadecimal digits>, the last three if need be; " +
          decoded.failure.message.replaceAll(/\s*\n\s*/g, " ")
      )
    }
    const { trace, ...asked } = decoded.success
    const name: BattleName = { battle: id, ...asked, trace: trace ?? undefined, parent: parentIn(request.headers) }
    const before = battles.get(id)
    if (before !== undefined) {
      if (name.attempt <= before.name.attempt) {
        return refuse(response, 409, `battle ${id} is open with attempt ${before.name.attempt}; close that one first`)
      }
      before.cancel(`attempt ${name.attempt} of the battle has taken its place`)
    }
    const events = new BattleEvents(response, {
      onRoom: () => battle.onRoom(),
      onClose: () => {
        battle.cancel("the runner closed it")
        battles.remove(battle)
        stopFollowing()
        onEvent({
          _tag: "BattleClosed",
          battle: id,
          agent: name.agent,
          calls: battle.callsBegun,
          tokens: battle.tokens,
          shared: battle.shared
        })
      }
    })
    const battle = new OpenBattle({ name, sink: events, now, heartbeatMillis })
    const stopFollowing = follow(battle)
    battles.add(battle)
    onEvent({ _tag: "BattleOpened", battle: id, agent: name.agent, attempt: name.attempt })
    battle.beat()
  }

  const battleView = ({ calls, callsBegun, name, openedAt, shared, tokens }: OpenBattle) => ({
    battle: name.battle,
    agent: name.agent,
    attempt: name.attempt,
    openMillis: Math.round(now() - openedAt),
    callsOpen: calls.size,
    calls: callsBegun,
    tokens,
    shared
  })

  const callView = (call: TapCall) => ({
    ...call.name,
    phase: call.phase,
    verdict: call.verdict?._tag ?? "Alive",
    tokens: call.feed.tokens,
    openMillis: Math.round(now() - call.beganAt),
    silentMillis: Math.round(call.silence(now()))
  })

  const dispatch = (route: Control, method: string, request: IncomingMessage, response: ServerResponse): void => {
    const [kind, id, ...rest] = route.path
    if (method === "GET" && kind === "battles" && id === undefined) {
      return answer(response, 200, { battles: battles.all().map(battleView) })
    }
    if (method === "GET" && kind === "calls" && id === undefined) {
      return answer(response, 200, { calls: Array.from(calls, callView) })
    }
    if (method === "GET" && kind === "metrics" && id === undefined) {
      if (metricsPage === undefined) {
        return refuse(response, 404, "this tap counts nothing: it was started without metrics")
      }
      response.writeHead(200, { "content-type": contentType })
      return void response.end(metricsPage())
    }
    if (kind !== "battles" || id === undefined || rest.length > 0) {
      return refuse(
        response,
        404,
        "a tap has /.campaign-tap/battles, /.campaign-tap/battles/<id>, /.campaign-tap/calls and /.campaign-tap/metrics"
      )
    }
    if (method === "GET") return open(id, route, request, response)
    if (method !== "DELETE") return refuse(response, 405, "expected GET or DELETE", { allow: "GET, DELETE" })
    const battle = battles.get(id)
    if (battle === undefined) return refuse(response, 404, `no battle ${id} is open`)
    const closed = battle.calls.size
    battle.cancel("it was closed by request")
    answer(response, 200, { battle: id, callsClosed: closed })
  }

  return (route: Control, request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    response.on("error", () => {})
    if (authenticator === undefined) return refuse(response, 403, NO_TOKEN)
    const method = request.method ?? "GET"
    const authorization = request.headers.authorization
    const asked = authenticator.authenticate({ headers: { authorization }, method, path: route.path.join("/") })
    Effect.runFork(Effect.match(asked, {
      onSuccess: () => dispatch(route, method, request, response),
      onFailure: (error) =>
        refuse(response, 401, error.message.replace("agent", "tap"), { "www-authenticate": error.challenge })
    }))
  }
}
