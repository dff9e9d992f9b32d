// A dashboard over real sockets: what a browser is given, what others are refused, and what a battle's page holds.
import { assert, describe, it, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { join } from "node:path"
import * as AttemptOutlook from "../../src/campaign/AttemptOutlook.ts"
import { CampaignStore } from "../../src/campaign/CampaignStore.ts"
import { RunnerDesk } from "../../src/campaign/RunnerDesk.ts"
import * as TokenTimings from "../../src/campaign/TokenTimings.ts"
import type { AttemptPage, BattlePage, Piece, Problem } from "../../src/web/BattlePage.ts"
import * as DashboardHistory from "../../src/web/DashboardHistory.ts"
import type { Frame } from "../../src/web/Frame.ts"
import { WebDashboard } from "../../src/web/WebDashboard.ts"
import { openEventStream } from "../support/eventStream.ts"
import { rawSocket } from "../support/rawSocket.ts"
import { stalled } from "../support/runErrors.ts"
import { temporaryDirectory } from "../support/temporaryDirectory.ts"
import { began, definitionOf, nastyNames, recordOf, scoredOutcome } from "../terminal/campaigns.ts"

const hostile = "<img src=x onerror=alert(1)>"
const definition = definitionOf(["one", `two ${hostile}`, ...nastyNames], { repetitions: 1 })
const plan = began(definition)
const [one, two] = plan.battles.map(({ battle }) => battle)
const long = "ab\u{1f92f}".repeat(40_000)

/** One battle that stalled and was then scored, one in flight. */
const fill = (filename: string) =>
  Effect.gen(function*() {
    const store = yield* CampaignStore
    const desk = yield* RunnerDesk
    yield* store.create(definition, null)
    const epoch = yield* store.epoch({
      engine: "e",
      modelId: hostile,
      modelRoot: null,
      serverStartedAt: 5,
      beganAt: 6
    })
    yield* store.begin(one!, { startedAt: 1_000, epoch })
    const arrivals = Array.from({ length: 10_000 }, (_, index) => ({ atMillis: 100 + index, tokens: 2 }))
    yield* store.record(recordOf(one!, {
      verdict: "stalled",
      error: stalled("engine-hung"),
      outcome: { _tag: "Pending" },
      content: long,
      reasoning: hostile,
      timings: TokenTimings.encode(arrivals),
      tokens: 20_000,
      epoch
    }))
    yield* store.begin(one!, { startedAt: 30_000, epoch })
    yield* store.record(recordOf(one!, { number: 2, content: "done", outcome: scoredOutcome(1, 2) }))
    yield* store.begin(two!, { startedAt: 40_000, epoch: null })
    for (const text of ["\u{1f92f}begun ", "and on"]) {
      yield* desk.advance([{
        battle: two!,
        number: 1,
        phase: "decoding",
        tokens: 7,
        content: text,
        reasoning: "",
        arrivals: [{ atMillis: text.length * 10, tokens: 3 }],
        outlook: AttemptOutlook.calm
      }])
    }
  }).pipe(Effect.provide(CampaignStore.layer({ filename, create: true })), Effect.orDie)

const shown = {
  file: "c.db",
  origin: 0,
  lateMillis: 0,
  laneOfEndpoint: () => undefined,
  history: DashboardHistory.none
}

interface Served {
  readonly web: WebDashboard["Service"]
  readonly url: string
  readonly database: string
}

const serve = (database: string, more: { readonly port?: number; readonly token?: string } = {}) =>
  Effect.gen(function*() {
    const { port = 0, token } = more
    const services = yield* Layer.build(Layer.fresh(WebDashboard.layer({
      host: "127.0.0.1",
      port,
      token: token === undefined ? undefined : Redacted.make(token),
      database
    })))
    const web = Context.get(services, WebDashboard)
    yield* web.begin(Effect.succeed({ ...shown, atMillis: 0 }))
    yield* web.tell(plan)
    const served: Served = { web, url: web.url!, database }
    return served
  })

class Server extends Context.Service<Server, Served>()("test/Server") {
  static readonly layer = Layer.effect(
    Server,
    Effect.gen(function*() {
      const database = join(yield* temporaryDirectory, "c.db")
      yield* fill(database)
      return yield* serve(database)
    })
  )
}

const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(() => fetch(url, { headers })).pipe(
    Effect.flatMap((response) =>
      Effect.map(Effect.promise(() => response.text()), (text) => ({
        status: response.status,
        headers: response.headers,
        text,
        type: response.headers.get("content-type")
      }))
    )
  )
const getJson = <A>(url: string) => Effect.map(get(url), ({ text }) => JSON.parse(text) as A)

const tokenOf = (tokens: number) =>
  ({ _tag: "TokensArrived", atMillis: tokens, battle: one!, phase: "decoding", tokens, arrived: 1 }) as const
const gateChanged = {
  _tag: "GateChanged",
  of: "engine",
  atMillis: 1,
  endpoint: "http://engine/v1",
  state: "open",
  sinceMillis: 1,
  why: "it hangs",
  untried: false,
  nextCanaryAtMillis: null,
  unconfirmed: 0,
  openedMillis: null,
  admits: false
} as const
const isAt = (tokens: number) => (frame: Frame) => frame.kind === "changes" && frame.moved?.[0]?.tokens === tokens

layer(Server.layer, { excludeTestServices: true })("a web dashboard", (it) => {
  it.effect("tells a page that comes late everything, and then what changes, and one that comes back the rest", () =>
    Effect.gen(function*() {
      const { url, web } = yield* Server
      yield* web.tell({ _tag: "AttemptBegan", atMillis: 1, battle: one!, number: 1 })
      const events = yield* openEventStream<Frame>(`${url}events`)
      assert.strictEqual(events.headers.get("content-type"), "text/event-stream")
      const first = yield* events.until(({ kind }) => kind === "snapshot")
      assert.isTrue(first.kind === "snapshot" && first.rows.length === 1 && first.campaign.tasks[1]!.includes(hostile))
      yield* web.tell(tokenOf(1))
      yield* events.until(isAt(1))
      const seen = events.lastId()!
      yield* web.tell(tokenOf(2))
      yield* events.until(isAt(2))
      const back = yield* openEventStream<Frame>(`${url}events`, { "last-event-id": seen })
      yield* back.until(isAt(2))
      assert.notInclude(back.text(), "\"snapshot\"")
    }))

  it.effect("says on every answer what a browser may do with it, and gives the page and its files", () =>
    Effect.gen(function*() {
      const { url } = yield* Server
      const paths = ["", "page.css", "main.js", "favicon.svg", "favicon.ico", "api/battles/0", "api/battles", "nothing"]
      for (const path of paths) {
        const { headers, status } = yield* get(url + path)
        assert.strictEqual(status, path === "nothing" ? 404 : 200, path)
        const policy = headers.get("content-security-policy")!
        assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
        assert.include(policy, "frame-ancestors 'none'")
        assert.notInclude(policy, "unsafe")
        assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
        assert.strictEqual(headers.get("referrer-policy"), "no-referrer")
        assert.strictEqual(headers.get("cache-control"), "no-store")
        assert.isNull(headers.get("set-cookie"))
      }
      const script = yield* get(`${url}main.js`)
      assert.match(script.type!, /^text\/javascript/)
      assert.notMatch(script.text, /^import type/m)
      const page = yield* get(url)
      assert.notMatch(page.text, /<script(?![^>]*src=)|style=|\son\w+=/)
    }))

  it.effect("refuses what is no request for it, and goes on", () =>
    Effect.gen(function*() {
      const { url } = yield* Server
      const ask = (head: string) =>
        Effect.scoped(Effect.gen(function*() {
          const socket = yield* rawSocket(url)
          socket.write(`${head}\r\n\r\n`)
          const [answer] = yield* socket.responses(1)
          return answer!.status
        }))
      const host = "Host: localhost"
      assert.strictEqual(yield* ask(`GET /../../etc/passwd HTTP/1.1\r\n${host}`), 404)
      assert.strictEqual(yield* ask(`GET /%2e%2e/Frame.ts HTTP/1.1\r\n${host}`), 404)
      assert.strictEqual(yield* ask(`GET http://other/ HTTP/1.1\r\n${host}`), 404)
      assert.strictEqual(yield* ask(`GET //other/main.js HTTP/1.1\r\n${host}`), 404)
      assert.strictEqual(yield* ask(`POST /events HTTP/1.1\r\n${host}\r\nContent-Length: 2\r\n\r\nab`), 405)
      assert.strictEqual(yield* ask("GET / HTTP/1.1\r\nHost: evil.example"), 421)
      assert.strictEqual(yield* ask(`GET /events HTTP/1.1\r\n${host}\r\nOrigin: http://evil.example`), 403)
      for (const path of ["api/battles/99", "api/battles/0/attempts/9/content", "api/battles?task=99", "api/x"]) {
        const { status, text } = yield* get(url + path)
        assert.strictEqual(status, 404, path)
        assert.isNotEmpty((JSON.parse(text) as Problem).error)
      }
      for (const path of ["api/battles?task=-1", "api/battles/0/attempts/1/content?from=x"]) {
        assert.strictEqual((yield* get(url + path)).status, 400, path)
      }
      assert.strictEqual((yield* get(url)).status, 200)
    }))

  it.effect("gives a battle's page: what was asked, its attempts with what proved a stall, texts in pieces", () =>
    Effect.gen(function*() {
      const { url } = yield* Server
      const page = yield* getJson<BattlePage>(`${url}api/battles/0`)
      assert.deepInclude(page, { battle: 0, taskName: one!.task, result: "partial", score: 0.5, countedAttempt: 2 })
      assert.strictEqual(page.prompt, "prompt")
      assert.deepStrictEqual(page.tests.map(({ outcome }) => outcome), ["passed", "wrong-value"])
      const [first, second] = page.attempts as [AttemptPage, AttemptPage]
      assert.deepInclude(first, { attempt: 1, verdict: "stalled", counted: false })
      assert.deepStrictEqual(first.engine, { models: hostile, startedAt: 5 })
      assert.deepInclude(first.stall, { kind: "engine-hung", confidence: "proved", cancel: "confirmed" })
      assert.strictEqual(first.reasoning.text, hostile)
      assert.deepInclude(second, { attempt: 2, verdict: "completed", counted: true })
      assert.strictEqual(second.content.text, "done")
      assert.isAtMost(first.timeline.length, 2_000)
      assert.strictEqual(first.timeline.reduce((sum, [, tokens]) => sum + tokens, 0), 20_000)
      assert.strictEqual(first.timeline.at(-1)?.[0], 10_099)

      let text = first.content.text
      let { from, length, total } = first.content
      while (from + length < total) {
        const piece: Piece = yield* getJson<Piece>(
          `${url}api/battles/0/attempts/1/content?from=${from + length}`
        )
        assert.strictEqual(piece.from, from + length)
        assert.strictEqual([...piece.text].length, piece.length)
        text += piece.text
        ;({ from, length, total } = piece)
      }
      assert.strictEqual(total, 120_000)
      assert.strictEqual(text, long)
    }))

  it.effect("gives what has come of an attempt in flight", () =>
    Effect.gen(function*() {
      const { url } = yield* Server
      const { attempts, result } = yield* getJson<BattlePage>(`${url}api/battles/1`)
      assert.strictEqual(result, "pending")
      const [attempt] = attempts
      assert.deepInclude(attempt, { attempt: 1, verdict: null, phase: "decoding", tokens: 7, engine: null })
      assert.strictEqual(attempt!.content.text, "\u{1f92f}begun and on")
      assert.deepStrictEqual(attempt!.timeline, [[80, 3], [60, 3]])
      const rest = yield* getJson<Piece>(`${url}api/battles/1/attempts/1/content?from=7`)
      assert.deepStrictEqual(rest, { from: 7, length: 6, total: 13, text: "and on" })
      const beyond = yield* getJson<Piece>(`${url}api/battles/1/attempts/1/content?from=99`)
      assert.deepInclude(beyond, { length: 0, text: "" })
    }))
})

describe("a web dashboard", () => {
  it.live("begins anew with a snapshot after its server was started again, and ends with the last that happened", () =>
    Effect.gen(function*() {
      const database = join(yield* temporaryDirectory, "none.db")
      const outer = yield* Effect.scope
      const { events, id, port } = yield* Effect.scoped(Effect.gen(function*() {
        const { url, web } = yield* serve(database)
        const events = yield* openEventStream<Frame>(`${url}events`).pipe(Effect.provideService(Scope.Scope, outer))
        yield* events.until(({ kind }) => kind === "snapshot")
        yield* web.tell({ _tag: "CampaignEnded", atMillis: 5, end: { _tag: "Ended" } })
        return { events, id: events.lastId()!, port: Number(new URL(url).port) }
      }))
      yield* events.ended
      const last = events.messages().at(-1)
      assert.isTrue(last?.kind === "changes" && last.state?.run === "ended")
      const { url } = yield* serve(database, { port })
      const again = yield* openEventStream<Frame>(`${url}events`, { "last-event-id": id })
      assert.strictEqual((yield* again.until(() => true)).kind, "snapshot")
      const { status } = yield* get(`${url}api/battles/0`)
      assert.strictEqual(status, 500)
    }))

  it.live("with a token is for those who have it: once in a header, then by a cookie", () =>
    Effect.gen(function*() {
      const signs = yield* serve("none.db", { token: "a&b%\"c" })
      assert.strictEqual(Redacted.value(signs.web.link!), `${signs.url}#token=a%26b%25%22c`)
      const { url, web } = yield* serve("none.db", { token: "t0ken" })
      assert.strictEqual(Redacted.value(web.link!), `${url}#token=t0ken`)
      assert.notInclude(JSON.stringify(web), "t0ken")
      assert.strictEqual((yield* get(url)).status, 200)
      for (const path of ["events", "api/battles", "api/session"]) {
        const { headers, status } = yield* get(url + path)
        assert.strictEqual(status, 401)
        assert.include(headers.get("www-authenticate"), "Bearer")
      }
      const session = yield* get(`${url}api/session`, { authorization: "Bearer t0ken" })
      const [cookie] = session.headers.get("set-cookie")!.split(";")
      assert.notInclude(cookie, "t0ken")
      const events = yield* openEventStream<Frame>(`${url}events`, { cookie: cookie! })
      assert.strictEqual(events.status, 200)
      yield* events.until(({ kind }) => kind === "snapshot")
    }))

  it.live("has faults of its own alone", () =>
    Effect.gen(function*() {
      const { url, web } = yield* serve("none.db")
      const laneOfEndpoint = () => {
        throw new Error("a fault")
      }
      yield* web.begin(Effect.succeed({ ...shown, laneOfEndpoint, atMillis: 0 }))
      yield* web.tell(plan)
      const said: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void said.push(message))])
      yield* Effect.forEach([1, 2], () => web.tell(gateChanged), { discard: true }).pipe(Effect.provide(logger))
      assert.lengthOf(said, 1)
      assert.match(String(said[0]), /the campaign goes on/)
      assert.strictEqual((yield* get(url)).status, 200)
    }))

  it.live("says what is wrong with its port, and is none where nobody wants one", () =>
    Effect.gen(function*() {
      const { url } = yield* serve("none.db")
      const error = yield* Effect.flip(Effect.scoped(serve("none.db", { port: Number(new URL(url).port) })))
      assert.match(error.message, /already in use/)
      const none = Context.get(yield* Layer.build(WebDashboard.layerNone), WebDashboard)
      assert.deepInclude(none, { url: null, link: null })
      yield* none.begin(Effect.die("nobody asks"))
      yield* none.tell(plan)
    }))
})
