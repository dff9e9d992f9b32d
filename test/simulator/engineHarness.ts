// An engine loop under a virtual clock, and requests that are read in the background.
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as EngineLoop from "../../src/simulator/EngineLoop.ts"
import * as Journal from "../../src/simulator/Journal.ts"
import type { StepReport } from "../../src/simulator/Scheduler.ts"

export const request = (
  id: string,
  tokens: number,
  firstTokenMillis = 100,
  gapMillis = 10
): EngineLoop.EngineRequest => ({
  id,
  prompt: `prompt of ${id}`,
  maxTokens: Infinity,
  answer: { length: tokens, token: (index) => ` ${index}` },
  pace: { timeToFirstToken: () => firstTokenMillis, gap: () => gapMillis }
})

export const start = (options: Partial<EngineLoop.EngineLoopOptions> = {}) =>
  Effect.gen(function*() {
    const journal = yield* Journal.make
    const steps: Array<Pick<StepReport, "time" | "running" | "waiting" | "deferred">> = []
    const engine = yield* EngineLoop.make(
      { maxConcurrentRequests: 10, streamInterval: 1, ...options },
      journal,
      ({ deferred, running, time, waiting }) => steps.push({ time, running, waiting, deferred })
    )
    return { journal, engine, steps }
  })

/** Runs a request in the background; `outputs` fills as they come. */
export const run = (engine: EngineLoop.EngineLoop, asked: EngineLoop.EngineRequest) =>
  Effect.gen(function*() {
    const outputs: Array<EngineLoop.EngineOutput> = []
    const fiber = yield* Effect.forkChild(
      Stream.runForEachArray(engine.generate(asked), (chunk) => Effect.sync(() => outputs.push(...chunk))),
      { startImmediately: true }
    )
    return { outputs, fiber }
  })

export const states = (engine: EngineLoop.EngineLoop) =>
  Effect.map(engine.streams, (streams) => streams.map(({ id, state, tokens }) => `${id} ${state} ${tokens}`))

/** "request event time" of everything in the journal. */
export const eventsOf = (journal: Journal.Journal) =>
  Effect.map(journal.events, (events) => events.map((one) => `${one.request} ${one.event} ${one.atMillis}`))

/** Tokens that its reader has got. */
export const generated = ({ outputs }: { readonly outputs: ReadonlyArray<{ readonly generated: number }> }) =>
  outputs.at(-1)?.generated ?? 0
