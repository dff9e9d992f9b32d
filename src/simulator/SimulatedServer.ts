/**
 * The server as faults see it: its process, its port, and what its HTTP side was told to do wrongly.
 *
 * The port is the same for the life of the simulator, also when it is not listened on for a while. A process that is
 * replaced keeps the connections that it had: if they were not closed they stay half open, because nobody is left who
 * would write to them.
 *
 * Law: several reasons not to listen, or not to answer, hold until the last of them is gone.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Server } from "node:http"
import type { OpenStream } from "./EngineLoop.ts"
import * as EngineProcess from "./EngineProcess.ts"
import type { MetricsFault } from "./faults/FaultAction.ts"
import type { Journal } from "./Journal.ts"

export interface SimulatedServer {
  readonly current: () => EngineProcess.EngineProcess
  /** Everything that is open, also in processes that are gone. */
  readonly streams: Effect.Effect<ReadonlyArray<OpenStream>>
  /** The process stops where it is: nothing more comes from it. */
  readonly stopProcess: Effect.Effect<void>
  readonly newProcess: Effect.Effect<void>
  /** Connections are refused until the scope closes; those that are open stay. */
  readonly refuseConnections: Effect.Effect<void, never, Scope.Scope>
  readonly closeConnections: Effect.Effect<void>
  /** From now on it neither listens again nor gets a new process. */
  readonly close: Effect.Effect<void>
  /** No request is looked at until the scope closes. */
  readonly beSilent: Effect.Effect<void, never, Scope.Scope>
  /** Open unless the server is silent. */
  readonly awake: Latch.Latch
  readonly metricsFaults: Set<MetricsFault>
  /** Statuses that /health answers instead of its own; the last one counts. */
  readonly healthFaults: Array<number>
}

/** What Node says when another process took the port meanwhile; then it is tried again. */
const listen = (server: Server, host: string, port: number) =>
  Effect.callback<void, Error>((resume) => {
    const onError = (error: Error) => resume(Effect.fail(error))
    server.once("error", onError)
    server.listen({ host, port }, () => {
      server.off("error", onError)
      resume(Effect.void)
    })
  }).pipe(Effect.retry(Schedule.spaced("100 millis")), Effect.orDie)

/** A server with a first process; it ends with the scope. `server` need not listen yet. */
export const make = Effect.fn("SimulatedServer.make")(function*(
  options: Parameters<typeof EngineProcess.make>[0] & { readonly host: string },
  journal: Journal,
  server: Server
): Effect.fn.Return<SimulatedServer, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const newOne = Effect.gen(function*() {
    const own = Scope.forkUnsafe(scope)
    const process = yield* Scope.provide(EngineProcess.make(options, journal), own)
    return { process, own }
  })
  let current = yield* newOne
  let processes = [current.process]
  const awake = Latch.makeUnsafe(true)
  let silences = 0
  let refusals = 0
  let port = 0
  let closing = false
  const stopListening = Effect.sync(() => {
    if (refusals++ > 0) return
    journal.record("server", "refusing-connections")
    const address = server.address()
    if (address === null || typeof address === "string") return
    port = address.port
    server.close()
  })

  const listenAgain = Effect.suspend(() => {
    if (--refusals > 0 || closing) return Effect.void
    return Effect.tap(
      listen(server, options.host, port),
      () => Effect.sync(() => journal.record("server", "listening"))
    )
  })

  return {
    current: () => current.process,
    streams: Effect.suspend(() => {
      processes = processes.filter((process) => process === current.process || process.load().open > 0)
      const engines = processes.flatMap(({ engines }) => engines)
      return Effect.map(Effect.forEach(engines, (engine) => engine.streams), (streams) => streams.flat())
    }),
    stopProcess: Effect.suspend(() => {
      current.process.state = "gone"
      for (const engine of current.process.engines) engine.hang()
      return Scope.close(current.own, Exit.void)
    }),
    newProcess: Effect.suspend(() =>
      closing ? Effect.void : Effect.map(newOne, (made) => {
        current = made
        processes.push(made.process)
        journal.record("server", "new-process")
      })
    ),
    refuseConnections: Effect.acquireRelease(stopListening, () => listenAgain),
    close: Effect.sync(() => {
      closing = true
    }),
    closeConnections: Effect.sync(() => server.closeAllConnections()),
    beSilent: Effect.acquireRelease(
      Effect.sync(() => {
        silences++
        awake.closeUnsafe()
      }),
      () =>
        Effect.sync(() => {
          if (--silences === 0) awake.openUnsafe()
        })
    ),
    awake,
    metricsFaults: new Set(),
    healthFaults: []
  }
})
