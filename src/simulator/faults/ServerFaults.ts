/**
 * How the faults begin and end that concern everybody.
 *
 * Each is an effect with a scope: what it does until its first wait it does at once, so that a request can begin it
 * between two steps of the engine; when the scope closes the server is as it was, apart from what was lost meanwhile.
 *
 * Gotcha: a fault takes the process that there is when it begins. If that is replaced, its end changes nothing any more.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { EngineLoop } from "../EngineLoop.ts"
import type { SimulatedServer } from "../SimulatedServer.ts"
import * as SleepRoutes from "../SleepRoutes.ts"
import type { ServerAction } from "./FaultAction.ts"

/** Requests of another client, one after the other, until the scope closes. */
const otherRequests = (engine: EngineLoop, patience: Duration.Input): Effect.Effect<void, never, Scope.Scope> =>
  Stream.runDrain(engine.generate({
    id: "other",
    prompt: "",
    promptTokens: 64,
    answer: { length: 256, token: () => " token" },
    maxTokens: 256,
    pace: { timeToFirstToken: () => 50, gap: () => 20 }
  })).pipe(Effect.timeoutOption(patience), Effect.forever, Effect.forkScoped, Effect.asVoid)

/** So many at once in every engine; each leaves when it has waited for so long. */
const otherRequestsOnAll = (engines: ReadonlyArray<EngineLoop>, count: number, patience: Duration.Input = "1 minute") =>
  Effect.forEach(
    engines.flatMap((engine) => Array.from({ length: count }, () => engine)),
    (engine) => otherRequests(engine, patience),
    { discard: true }
  )

const whileScoped = (begin: () => void, end: () => void) =>
  Effect.acquireRelease(Effect.sync(begin), () => Effect.sync(end))

/** Begins what the action says; it ends with the scope. */
export const perform = (
  server: SimulatedServer,
  action: ServerAction
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend((): Effect.Effect<void, never, Scope.Scope> => {
    const process = server.current()
    switch (action._tag) {
      case "Hang": {
        const hung = process.engines.filter((_, rank) => action.ranks === "all" || action.ranks === rank)
        let goOn: ReadonlyArray<() => void> = []
        return whileScoped(() => {
          goOn = hung.map((engine) => engine.hang())
          if (action.runningGauge === undefined) return
          for (const engine of hung) process.metrics.showRunning(process.engines.indexOf(engine), action.runningGauge)
        }, () => {
          for (const go of goOn) go()
        })
      }
      case "StopDecoding": {
        const decode = (decoding: boolean) => () => {
          for (const engine of process.engines) engine.decode(decoding)
        }
        // Who comes now gets a first token, waits for a second one, and leaves.
        return Effect.andThen(
          whileScoped(decode(false), decode(true)),
          otherRequestsOnAll(process.engines, action.others, "5 seconds")
        )
      }
      case "Sleep":
        return Effect.acquireRelease(
          // Whoever waits for the engine to stand waits beside it.
          Effect.forkChild(SleepRoutes.sleep(process, 1, action.mode), { startImmediately: true }),
          () => SleepRoutes.wakeUp(process)
        )
      case "EngineDeath":
        return Effect.gen(function*() {
          // Closed last: nobody may be let in before there is a new process.
          const door = yield* Scope.fork(yield* Effect.scope)
          yield* Effect.acquireRelease(
            Effect.sync(() => {
              process.state = "dead"
              for (const engine of process.engines) engine.die()
            }),
            () => server.newProcess
          )
          yield* Effect.forkScoped(
            Effect.delay(Scope.provide(server.refuseConnections, door), Duration.seconds(action.exitSeconds))
          )
        })
      case "Kill":
        return Effect.andThen(
          server.refuseConnections,
          Effect.acquireRelease(
            Effect.andThen(
              server.stopProcess,
              action.sockets === "closed" ? server.closeConnections : Effect.void
            ),
            () => server.newProcess
          )
        )
      case "RefuseConnections":
        return server.refuseConnections
      case "Silence":
        return server.beSilent
      case "Metrics":
        return whileScoped(
          () => server.metricsFaults.add(action.fault),
          () => server.metricsFaults.delete(action.fault)
        )
      case "Health":
        return whileScoped(
          () => server.healthFaults.push(action.status),
          () => server.healthFaults.splice(server.healthFaults.lastIndexOf(action.status), 1)
        )
      case "OtherRequests":
        return otherRequestsOnAll(process.engines, action.count)
    }
  })
