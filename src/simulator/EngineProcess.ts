/**
 * What dies and is born again when the server's process does: its engines, its metrics, what it knows of its sleep.
 *
 * Several engines are data-parallel ranks behind one port. A request goes to the rank that its header
 * `X-data-parallel-rank` names, else to the one with the fewest open requests, in turn among equals (as vLLM's own
 * balancing does as long as the KV caches are not half full).
 *
 * Gotcha: a hung rank still gets its share. Its open requests are known to the HTTP side, its hang is not.
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import * as EngineLoop from "./EngineLoop.ts"
import type { Journal } from "./Journal.ts"
import * as Metrics from "./Metrics.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

/** What the ranks have to do. */
export interface Load {
  readonly open: number
  readonly waiting: number
}

export interface EngineProcess {
  /** By rank; at least one. */
  readonly engines: ReadonlyArray<EngineLoop.EngineLoop>
  readonly metrics: Metrics.Metrics
  /** The rank for the next request that names none. */
  readonly nextRank: () => number
  readonly load: () => Load
  /** "dead": the engines are, and the HTTP side knows. "gone": nobody hears anything from this process any more. */
  state: "running" | "dead" | "gone"
  /** Whether the engines were told to stop and not yet to go on. */
  paused: boolean
  /** Whether requests are refused, which only /pause can want. */
  refusing: boolean
  /** What /sleep asked for last; undefined: awake. */
  sleepLevel: number | undefined
  /** A sleep that still waits when somebody wakes the engine, or sends it to sleep otherwise, must not count. */
  sleepChanges: number
}

/** A new process; it stops with the scope. */
export const make = Effect.fn("EngineProcess.make")(function*(
  options: SimulatorOptions & Pick<EngineLoop.EngineLoopOptions, "timeFactor">,
  journal: Journal
): Effect.fn.Return<EngineProcess, never, Scope.Scope> {
  const metrics = yield* Metrics.make(options)
  const ranks = Array.from({ length: options.dataParallelSize }, (_, rank) => rank)
  const engines = yield* Effect.forEach(
    ranks,
    (rank) => EngineLoop.make(options, journal, (step) => metrics.step(rank, step))
  )
  let start = 0
  return {
    engines,
    metrics,
    nextRank: () => {
      const first = start
      start = (start + 1) % engines.length
      let best = first
      for (const offset of ranks) {
        const rank = (first + offset) % engines.length
        if (engines[rank]!.load().open < engines[best]!.load().open) best = rank
      }
      return best
    },
    load: () => {
      const loads = engines.map((engine) => engine.load())
      return {
        open: loads.reduce((sum, { open }) => sum + open, 0),
        waiting: loads.reduce((sum, { waiting }) => sum + waiting, 0)
      }
    },
    state: "running",
    paused: false,
    refusing: false,
    sleepLevel: undefined,
    sleepChanges: 0
  }
})
