/**
 * Measures one campaign: engine, purple agent, green agent and runner in processes of their own, and then the baseline
 * against the same agents.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startAgentProcess } from "../relay/agentProcess.ts"
import type { Calls as RelayCalls } from "../relay/calls.ts"
import { BenchError } from "../support/BenchError.ts"
import * as Child from "../support/Child.ts"
import { significant } from "../support/table.ts"
import type { Calls, Played } from "./calls.ts"
import { type StatusTimes, timeResume, timeStart, timeStatus } from "./commands.ts"
import { battlesOf } from "./plannedCampaign.ts"
import type { Measured } from "./Results.ts"

export interface MeasureOptions {
  readonly battles: number
  readonly bareBattles: number
  readonly tokens: number
  readonly concurrency: number
  /** How often commands are timed; their medians count. */
  readonly times: number
}

/** Between two looks whether half of the battles are played. */
const LOOK_MILLIS = 200

const child = (name: string, script: string) => Child.start<Calls>(name, new URL(script, import.meta.url))

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "bench-campaign-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** All of it, in minutes. */
export const measure = Effect.fnUntraced(
  function*({ bareBattles, battles, concurrency, times, tokens }: MeasureOptions) {
    const database = join(yield* temporaryDirectory, "campaign.db")
    const engine = yield* Child.start<RelayCalls>("engine", new URL("../relay/simulatedEngine.ts", import.meta.url))
    const purple = yield* startAgentProcess("ours")
    const green = yield* child("green agent", "./greenAgent.ts")
    const engineUrl = `${yield* engine.call("startEngine", { tokens, interTokenMillis: 0 })}/v1`
    const played: Played = {
      battles,
      concurrency,
      engineUrl,
      greenUrl: yield* green.call("startGreen", null),
      purpleUrl: yield* purple.call("startAgent", { engineUrl, maxTokens: tokens })
    }
    const { repetitions, tasks } = battlesOf(battles)
    const planned = repetitions * tasks

    // Both loops meet agents that are warm.
    const warmUp = yield* Effect.scoped(Effect.flatMap(
      child("warm-up", "./bareLoop.ts"),
      (loop) => loop.call("loop", { ...played, battles: Math.min(bareBattles, 200) })
    ))
    yield* Console.error(`agents are warm after ${significant(warmUp.wallMillis / 1000)} s`)
    const bare = yield* Effect.scoped(Effect.flatMap(
      child("bare loop", "./bareLoop.ts"),
      (loop) => loop.call("loop", { ...played, battles: bareBattles })
    ))
    yield* Console.error(`bare loop: ${significant(bare.cpuMillis / bare.scored)} ms of CPU per battle`)

    const { ours, status } = yield* Effect.scoped(Effect.gen(function*() {
      const runner = yield* child("runner", "./runner.ts")
      yield* runner.call("create", { ...played, database })
      const looking = yield* Effect.forkChild(statusWhile(runner, { planned, database, times }))
      const ours = yield* runner.call("play", { ...played, database })
      return { ours, status: yield* Fiber.join(looking) }
    }))
    yield* Console.error(`runner: ${significant(ours.cpuMillis / ours.scored)} ms of CPU per battle`)
    if (ours.scored !== planned) {
      return yield* new BenchError({ message: `${ours.scored} of ${planned} battles were scored`, exitCode: 1 })
    }

    const planner = yield* child("planner", "./runner.ts")
    const { loadMillis, pending, planMillis } = yield* planner.call("plan", { database })
    if (pending !== 0) return yield* new BenchError({ message: `${pending} battles are still planned`, exitCode: 1 })
    return {
      battles: planned,
      tokens,
      concurrency,
      fileBytes: statSync(database).size,
      bare: { ...bare, battles: bare.scored },
      ours,
      status,
      plan: { loadMillis, planMillis },
      resume: yield* Effect.replicateEffect(timeResume(database), times),
      starts: yield* Effect.replicateEffect(timeStart, times)
    } satisfies Measured as Measured
  },
  Effect.scoped
)

/** Looks at the campaign in the middle of it. */
const statusWhile = Effect.fnUntraced(function*(
  runner: Child.Child<Calls>,
  { database, planned, times }: { readonly planned: number; readonly database: string; readonly times: number }
) {
  while ((yield* runner.call("scored", null)) * 2 < planned) yield* Effect.sleep(LOOK_MILLIS)
  const timed: Array<StatusTimes> = []
  do {
    timed.push(yield* timeStatus(database))
  } while (timed.length < times && (yield* runner.call("scored", null)) < planned)
  return timed
})
