/**
 * The dashboard of a campaign on the web: listens, and is told what happens.
 *
 * Law: whoever tells it waits for nothing and cannot be disturbed by it. A fault in here ends what is shown and is logged
 * once; the campaign does not notice.
 *
 * Adapter for the server of `node:http`. `layerNone` is no dashboard at all.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import { createServer, type Server } from "node:http"
import { isLoopbackHost } from "../a2a/AddressRule.ts"
import { ListenError } from "../a2a/ListenError.ts"
import type { CampaignEvent } from "../campaign/CampaignEvent.ts"
import { Metrics } from "../telemetry/MetricsService.ts"
import { Audience } from "./Audience.ts"
import type { DashboardOptions } from "./Dashboard.ts"
import * as DashboardServer from "./DashboardServer.ts"
import * as PageFiles from "./PageFiles.ts"
import * as RequestGuard from "./RequestGuard.ts"

export interface WebDashboardOptions {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
  /** What whoever looks must present; one is made where other machines can reach it, unless given. */
  readonly token?: Redacted.Redacted | undefined
  /** The campaign's store. */
  readonly database: string
}

export interface ShownCampaign extends DashboardOptions {
  /** What the campaign's time is now. */
  readonly atMillis: number
}

/** Five times a second. */
const FRAME_MILLIS = 200

export class WebDashboard extends Context.Service<WebDashboard, {
  /** Where it listens, without its token, such as `http://127.0.0.1:8200/`; `null` where there is none. */
  readonly url: string | null
  /** The link to open: the same, with the token in its fragment, which browsers send to nobody. */
  readonly link: Redacted.Redacted | null
  /** Shows a campaign from now on; its first event must be that it began. Only done where somebody may look. */
  readonly begin: <E>(shown: Effect.Effect<ShownCampaign, E>) => Effect.Effect<void, E>
  /** What happens in it. */
  readonly tell: (event: CampaignEvent) => Effect.Effect<void>
}>()("a2a-campaign/WebDashboard") {
  /** Nobody looks. */
  static readonly layerNone: Layer.Layer<WebDashboard> = Layer.succeed(WebDashboard, {
    url: null,
    link: null,
    begin: () => Effect.void,
    tell: () => Effect.void
  })

  /** Listens until the scope ends; then every page is told the last that has happened. */
  static readonly layer = (
    options: WebDashboardOptions
  ): Layer.Layer<WebDashboard, ListenError | PageFiles.PageFilesError> => Layer.effect(WebDashboard, make(options))
}

const make = Effect.fnUntraced(function*({ database, host, port, token: given }: WebDashboardOptions) {
  const files = yield* PageFiles.load()
  const clock = yield* Clock.Clock
  const elapsed = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const token = given ?? (isLoopbackHost(host) ? undefined : Redacted.make(randomBytes(24).toString("base64url")))
  const audience = new Audience({
    elapsed,
    name: randomBytes(6).toString("base64url"),
    headers: DashboardServer.streamHeaders
  })
  let isBroken = false
  /** Does something of ours that must not be anybody else's fault. */
  const guarded = (what: () => void): Effect.Effect<void> =>
    Effect.suspend(() => isBroken ? Effect.void : Effect.sync(what)).pipe(
      Effect.catchDefect((defect) => {
        isBroken = true
        return Effect.logError("the web dashboard has a fault and shows nothing more; the campaign goes on", defect)
      })
    )

  const { port: listening, server } = yield* listen(host, port)
  const answer = DashboardServer.make({
    audience,
    database,
    files,
    guard: RequestGuard.make({ token, port: listening }),
    metricsPage: (yield* Metrics)?.page
  })
  const run = yield* FiberSet.makeRuntime()
  server.on("request", (request, response) => {
    run(
      Effect.catchDefect(answer(request, response), (defect) =>
        Effect.andThen(
          Effect.sync(() => response.destroy()),
          Effect.logError("a request of the web dashboard", defect)
        ))
    )
  })
  yield* Effect.forkScoped(
    Effect.forever(Effect.andThen(Effect.sleep(FRAME_MILLIS), guarded(() => audience.tick())))
  )
  yield* Effect.addFinalizer(() => guarded(() => audience.end()))
  const url = `http://${shownHost(host)}:${listening}/`
  return WebDashboard.of({
    url,
    link: Redacted.make(token === undefined ? url : `${url}#token=${encodeURIComponent(Redacted.value(token))}`),
    begin: (shown) =>
      Effect.flatMap(shown, ({ atMillis, ...options }) => guarded(() => audience.begin(options, atMillis))),
    tell: (event) => guarded(() => audience.tell(event))
  })
})

/** One cannot connect to the address that stands for all addresses. */
const shownHost = (host: string): string => {
  if (host === "0.0.0.0") return "127.0.0.1"
  if (host === "::") return "[::1]"
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
}

/** How long what was last written may take on its way when the scope ends, in milliseconds. */
const LAST_WORDS_MILLIS = 100

/** Pages have one for their stream and some for what they ask. */
const MOST_CONNECTIONS = 500

const listen = (host: string, port: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly server: Server; readonly port: number }, ListenError>((resume) => {
      // Clients that offer HTTP/2 by the way are answered in HTTP/1.1.
      const server = createServer({ shouldUpgradeCallback: () => false, keepAliveTimeout: 10_000 })
      server.maxConnections = MOST_CONNECTIONS
      server.once("error", (error) => resume(Effect.fail(ListenError.fromCause(host, port, error))))
      server.listen(port, host, () => {
        const address = server.address()
        if (address !== null && typeof address !== "string") resume(Effect.succeed({ server, port: address.port }))
      })
    }),
    ({ server }) =>
      Effect.gen(function*() {
        const closed = Deferred.makeUnsafe<void>()
        server.close(() => Deferred.doneUnsafe(closed, Exit.void))
        server.closeIdleConnections()
        // Who ends has no time to lose: finalizers cannot be interrupted, and waiting for pages that do not read would be.
        yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(closed)), LAST_WORDS_MILLIS)
        server.closeAllConnections()
        yield* Deferred.await(closed)
      })
  )
