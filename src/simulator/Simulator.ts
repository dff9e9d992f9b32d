/**
 * A look-alike of vLLM's OpenAI-compatible server, for demonstrations and tests without a GPU.
 *
 * It is an independent reading of vLLM's behaviour: it shares no code with our client side, so that a misunderstanding
 * there cannot cancel itself out here. The wire is real (a socket on a port); all randomness follows from one seed.
 *
 * Parts: Routes.ts (HTTP) -> EngineLoop.ts (when the engine works) -> Scheduler.ts (on what) -> Pacing.ts (how long),
 * Answers.ts (which tokens come), ChatWire.ts (how they are written), Metrics.ts and Journal.ts (what happened).
 *
 * Gotcha: closing the scope cuts open connections first. A graceful shutdown would wait for streams that may never end.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as AdminConfig from "./AdminConfig.ts"
import type { OpenStream } from "./EngineLoop.ts"
import type { ServerAction } from "./faults/FaultAction.ts"
import * as FaultBoard from "./faults/FaultBoard.ts"
import * as FaultSpecification from "./faults/FaultSpecification.ts"
import * as ServerFaults from "./faults/ServerFaults.ts"
import * as Journal from "./Journal.ts"
import * as Routes from "./Routes.ts"
import * as SimulatedServer from "./SimulatedServer.ts"
import { CannotListen, InvalidOptions, PortInUse, SimulatorError } from "./SimulatorError.ts"
import { SimulatorOptions } from "./SimulatorOptions.ts"

export type { OpenStream } from "./EngineLoop.ts"
export type { FaultInForce } from "./faults/FaultBoard.ts"
export type { JournalEvent, JournalEventKind } from "./Journal.ts"
export { CannotListen, InvalidOptions, PortInUse, SimulatorError } from "./SimulatorError.ts"

/** Where to listen (port 0: the system chooses) and how to behave. */
const ServedOptions = Schema.Struct({
  /** The address to listen on. */
  host: Schema.NonEmptyString,
  /** 0 lets the system choose. */
  port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })),
  ...SimulatorOptions.fields
})
export type ServedOptions = typeof ServedOptions.Type

/** How faults are put in force and taken away while the server runs; docs/simulator.md lists them. */
export interface SimulatedFaults {
  /** Puts faults in force, written as `engine-hang:after-tokens=20`, and gives their ids. Fails with `InvalidOptions`. */
  readonly add: (text: string) => Effect.Effect<ReadonlyArray<number>, SimulatorError>
  /** Takes a fault away and ends what it began; false: there is none with this id. */
  readonly remove: (id: number) => Effect.Effect<boolean>
  /** Takes all faults away. */
  readonly clear: Effect.Effect<void>
  /** The faults in force, and how often each has happened. */
  readonly list: Effect.Effect<ReadonlyArray<FaultBoard.FaultInForce>>
}

const listenError = ({ host, port }: ServedOptions) => ({ cause }: ServeError) => {
  const { code, message } = cause as NodeJS.ErrnoException
  return new SimulatorError({
    reason: code === "EADDRINUSE"
      ? new PortInUse({ host, port })
      : new CannotListen({ host, port, detail: code ?? message })
  })
}

const urlOf = (server: Server) => {
  const { address, family, port } = server.address() as AddressInfo
  // One cannot connect to the address that stands for all addresses.
  const host = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address
  return `http://${family === "IPv6" ? `[${host}]` : host}:${port}`
}

/** Closes the port and every connection, finished or not. */
const closeNow = (server: Server) =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  }).pipe(
    // Upgraded connections are not the server's any more; they end when their handlers are interrupted.
    Effect.timeoutOption("1 second")
  )

const make = Effect.fn("Simulator.make")(function*(options: typeof ServedOptions.Encoded) {
  const settings = yield* Schema.decodeEffect(ServedOptions)(options).pipe(
    Effect.mapError((error) =>
      new SimulatorError({ reason: new InvalidOptions({ detail: error.message.replaceAll(/\s*\n\s*/g, " ") }) })
    )
  )
  const journal = yield* Journal.make
  const nodeServer = createServer()
  const server = yield* SimulatedServer.make(
    // Asked for with each step, and none is made before everything is there.
    { ...settings, timeFactor: () => adminConfig.timeFactor() },
    journal,
    nodeServer
  )
  const perform = (action: ServerAction) => ServerFaults.perform(server, action)
  const board = yield* FaultBoard.make({
    seed: settings.seed,
    journal,
    openRequests: () => server.current().load().open,
    perform
  })
  const adminConfig = AdminConfig.make(settings, board)
  const scope = yield* Effect.scope
  const runFork = Effect.runForkWith(yield* Effect.context<never>())
  const app = yield* HttpRouter.toHttpEffect(Routes.make({
    options: settings,
    latency: adminConfig.latency,
    adminRoutes: adminConfig.routes,
    server,
    board,
    journal,
    perform,
    run: (effect) => runFork(Effect.forkIn(effect, scope, { startImmediately: true }))
  }))
  const httpServer = yield* NodeHttpServer.make(() => nodeServer, {
    host: settings.host,
    port: settings.port,
    gracefulShutdownTimeout: 0
  }).pipe(Effect.mapError(listenError(settings)))
  yield* httpServer.serve(app)
  // Added last, so it runs first.
  yield* Effect.addFinalizer(() => closeNow(nodeServer))
  yield* Effect.addFinalizer(() => server.close)
  // Asked before a fault may have closed the port.
  const url = urlOf(nodeServer)
  // Their times begin now.
  yield* Effect.forEach(settings.faults, (text) => board.add(Result.getOrThrow(FaultSpecification.read(text))))
  const faults: SimulatedFaults = {
    add: (text) =>
      Effect.flatMap(
        Effect.mapError(
          Effect.fromResult(FaultSpecification.read(text)),
          (detail) => new SimulatorError({ reason: new InvalidOptions({ detail }) })
        ),
        board.add
      ),
    remove: board.remove,
    clear: board.clear,
    list: board.list
  }
  return Simulator.of({ url, streams: server.streams, journal: journal.events, faults })
})

/**
 * A simulated vLLM server on a port of this machine.
 *
 * @example
 * import { Simulator } from "a2a-campaign/Simulator"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const { url } = yield* Simulator
 *   const answer = yield* Effect.promise(() => fetch(`${url}/v1/models`))
 *   console.log(`${answer.status} ${(yield* Effect.promise(() => answer.text())).includes("simulated-model")}`)
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Simulator.layer({ host: "127.0.0.1", port: 0 })))
 * // prints: 200 true
 */
export class Simulator extends Context.Service<Simulator, {
  /** Where the server listens, without a slash at the end, like `http://127.0.0.1:41234`. */
  readonly url: string
  /** The requests that are open now. */
  readonly streams: Effect.Effect<ReadonlyArray<OpenStream>>
  /** The last 100 000 events, oldest first. */
  readonly journal: Effect.Effect<ReadonlyArray<Journal.JournalEvent>>
  /** The faults in force. */
  readonly faults: SimulatedFaults
}>()("a2a-campaign/Simulator") {
  /**
   * Starts a simulated server and stops it with the scope, at once, whatever is open.
   *
   * Fails with `SimulatorError`: `PortInUse`, `CannotListen` or `InvalidOptions`.
   */
  static readonly layer = (
    options: typeof ServedOptions.Encoded
  ): Layer.Layer<Simulator, SimulatorError> => Layer.effect(Simulator, make(options))
}
