/**
 * Serves a dashboard over HTTP: the page's files, its event stream, and what it asks of a battle.
 *
 *     GET /                                     the page; its files beside it
 *     GET /events                               server-sent events: frames (Frame.ts)
 *     GET /api/session                          takes `Authorization: Bearer TOKEN`, gives the cookie for the rest
 *     GET /metrics                              the page for Prometheus, where the process has metrics
 *     GET /api/battles?task=0&agent=0           and below: one battle, a piece of a transcript (BattlePage.ts)
 *
 * Whoever asks is judged first (RequestGuard.ts). Everything that is answered says that a browser may run nothing but the
 * page's own scripts, load nothing from elsewhere, show it in no frame and tell nobody where it was.
 *
 * It may stand in the process that runs a campaign, so nothing here throws: what cannot be answered is a status with one
 * line, and a fault of ours ends the dashboard, not the campaign.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as StoredBattle from "../campaign/StoredBattle.ts"
import type { StoreError } from "../campaign/StoreError.ts"
import { contentType } from "../telemetry/MetricsService.ts"
import type { Audience } from "./Audience.ts"
import type { BattleList, Problem } from "./BattlePage.ts"
import type { PageFiles } from "./PageFiles.ts"
import type { RequestGuard } from "./RequestGuard.ts"
import { battlePageOf, PIECE_CHARACTERS } from "./shownBattle.ts"

export interface DashboardServerOptions {
  readonly audience: Audience
  readonly files: PageFiles
  readonly guard: RequestGuard
  /** The store of the campaign that is shown. */
  readonly database: string
  /** The page for Prometheus. */
  readonly metricsPage: (() => string) | undefined
}

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

/** On every answer. */
export const headers = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "cache-control": "no-store"
} as const

export const streamHeaders = {
  ...headers,
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  // Proxies that collect an answer before they pass it on would show everything late.
  "x-accel-buffering": "no"
} as const

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const json = (value: object, status = 200): Answer => ({
  status,
  type: "application/json; charset=utf-8",
  body: JSON.stringify(value)
})

const problem = (status: number, error: string): Answer => json({ error } satisfies Problem, status)

const notFound = problem(404, "there is nothing at this address; the dashboard is at /")
const noBattle = problem(404, "the campaign has no such battle; they are numbered from 0 in the order of its plan")
const notBegun = problem(503, "the campaign has not begun yet; ask again in a moment")

const battlePath = /^\/api\/battles\/(\d{1,9})$/
const piecePath = /^\/api\/battles\/(\d{1,9})\/attempts\/(\d{1,9})\/(content|reasoning)$/

/** Answers a request, in the end; gives an effect that never fails. */
export const make = (
  { audience, database, files, guard, metricsPage }: DashboardServerOptions
): (request: IncomingMessage, response: ServerResponse) => Effect.Effect<void> => {
  /** A number of the query; `undefined` where it is none. */
  const numberIn = (url: URL, name: string): number | undefined => {
    const text = url.searchParams.get(name) ?? "0"
    return /^\d{1,15}$/.test(text) ? Number(text) : undefined
  }

  const battles = (url: URL): Answer => {
    const { dashboard } = audience
    if (dashboard === undefined) return notBegun
    const [task, agent] = [numberIn(url, "task"), numberIn(url, "agent")]
    if (task === undefined || agent === undefined) {
      return problem(400, "expected /api/battles?task=0&agent=0: places of a task and an agent, from 0")
    }
    const found = dashboard.battlesOf({ task, agent })
    return found === undefined
      ? problem(404, "the campaign has no battles of such a task and agent")
      : json({ battles: found } satisfies BattleList)
  }

  const battle = (place: number): Effect.Effect<Answer, StoreError> =>
    Effect.suspend(() => {
      const { dashboard } = audience
      if (dashboard === undefined) return Effect.succeed(notBegun)
      const { plan, view } = dashboard
      const [named, known] = [plan.battles[place], plan.battleAt(place)]
      if (named === undefined || known === undefined) return Effect.succeed(noBattle)
      const prompt = view.definition?.tasks.find(({ id }) => id === known.task)?.prompt ?? ""
      return Effect.map(
        StoredBattle.read(database, place, PIECE_CHARACTERS),
        Option.match({
          onNone: () => noBattle,
          onSome: (stored) => json(battlePageOf(stored, named, { ...known, prompt }))
        })
      )
    })

  const piece = (url: URL, [place, number, channel]: ReadonlyArray<string>): Effect.Effect<Answer, StoreError> => {
    const from = numberIn(url, "from")
    if (from === undefined) return Effect.succeed(problem(400, "expected ?from=0: how many characters come before"))
    return Effect.map(
      StoredBattle.readPiece(
        database,
        { place: Number(place), number: Number(number), channel: channel === "reasoning" ? "reasoning" : "content" },
        { from, most: PIECE_CHARACTERS }
      ),
      Option.match({ onNone: () => problem(404, "the battle has no such attempt"), onSome: (found) => json(found) })
    )
  }

  const session: Answer = {
    ...json({ session: guard.cookie !== undefined }),
    headers: guard.cookie === undefined ? {} : { "set-cookie": guard.cookie }
  }

  const answerTo = (url: URL): Effect.Effect<Answer, StoreError> => {
    const { pathname } = url
    const file = files.get(pathname)
    if (file !== undefined) return Effect.succeed({ status: 200, ...file })
    if (pathname === "/metrics" && metricsPage !== undefined) {
      return Effect.sync(() => ({ status: 200, type: contentType, body: metricsPage() }))
    }
    if (pathname === "/api/session") return Effect.succeed(session)
    if (pathname === "/api/battles") return Effect.succeed(battles(url))
    const one = battlePath.exec(pathname)
    if (one !== null) return battle(Number(one[1]))
    const text = piecePath.exec(pathname)
    return text === null ? Effect.succeed(notFound) : piece(url, text.slice(1))
  }

  const write = (response: ServerResponse, { body, headers: own, status, type }: Answer): void => {
    response.on("error", () => {})
    response.writeHead(status, { ...headers, ...own, "content-type": type, "content-length": Buffer.byteLength(body) })
    response.end(body)
  }

  return (request, response) =>
    Effect.suspend(() => {
      request.resume()
      const target = request.url ?? "/"
      // Not as a reference, which might name another host.
      const whole = `http://dashboard${target}`
      const url = target.startsWith("/") && URL.canParse(whole) ? new URL(whole) : undefined
      const path = url?.pathname ?? target
      const refusal = guard.refusalOf({ method: request.method ?? "", path, headers: request.headers })
      if (refusal !== undefined) {
        const { error, headers, status } = refusal
        return Effect.sync(() => write(response, { ...problem(status, error), headers }))
      }
      if (url === undefined) return Effect.sync(() => write(response, notFound))
      if (path === "/events") {
        if (audience.isFull) {
          return Effect.sync(() => write(response, problem(503, "too many pages look at this dashboard; close some")))
        }
        const seen = request.headers["last-event-id"]
        return Effect.sync(() => audience.join(response, typeof seen === "string" ? seen : undefined))
      }
      return answerTo(url).pipe(
        Effect.catch((error) => Effect.succeed(problem(500, error.message))),
        Effect.map((answer) => write(response, answer))
      )
    })
}
