/**
 * Runs the reducer's tests against mutants, in two processes that are replaced now and then.
 *
 * A mutant is killed by the first test that fails, by being no module, or by not coming to an end. Before the first one
 * all tests must pass without any, as many times as there are processes.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type { Mutant } from "./Mutant.ts"
import type { Answer, Task } from "./worker.ts"

/** The tests of the reducer, the quick ones first. */
const tests = [
  "Judgement",
  "LivenessStep",
  "SlowAndAgents",
  "StallLimits",
  "Heartbeats",
  "Scrapes",
  "FinalVerdicts",
  "EngineRecord",
  "Binding",
  "Connecting",
  "FinishedRun",
  "Progress",
  "RequestPlace",
  "LimitInForce",
  "EngineMetrics",
  "LivenessWatch",
  "WatchEnds",
  "WatchEvidence",
  "EndProperties",
  "SilenceProperties",
  "EvidenceProperties",
  "TokenProperties",
  "TimeProperties",
  "HopProperties",
  "ReferenceProperties",
  "TotalityProperties"
].map((name) => `test/liveness/${name}.test.ts`)

const PROCESSES = 2
/** Cases of each property; `npm test` tries many more. */
const PROPERTY_RUNS = "25"
/** All tests of one mutant together take a few seconds at most. */
const LIMIT = "20 seconds"
/** Modules are never unloaded, so a process grows with each mutant. */
const MUTANTS_PER_PROCESS = 150

export interface Killing {
  readonly file: string
  readonly mutant: Mutant
  readonly killedBy: string | undefined
}

export class Unfit extends Schema.TaggedError<Unfit>()("Unfit", { message: Schema.String }) {}

interface Worker {
  readonly child: ChildProcess
  tasks: number
}

const start = (): Worker => ({
  child: fork(join(import.meta.dirname, "worker.ts"), {
    env: { ...process.env, PROPERTY_RUNS },
    execArgv: ["--no-warnings", "--max-old-space-size=3000"],
    stdio: ["ignore", "ignore", "inherit", "ipc"]
  }),
  tasks: 0
})

const ask = (worker: Worker, task: Task): Effect.Effect<Answer> => {
  worker.tasks++
  return Effect.callback<Answer>((resume) => {
    const { child } = worker
    const done = (result: Answer) => {
      child.removeAllListeners()
      resume(Effect.succeed(result))
    }
    child.once("message", (message) => done(message as Answer))
    child.once("exit", (code, signal) => done({ killedBy: `the process ended (${code ?? signal})` }))
    child.send(task)
    return Effect.sync(() => child.removeAllListeners())
  })
}

/** The tests with that of the file's own name in front. */
const testsFor = (file: string, tests: ReadonlyArray<string>): ReadonlyArray<string> =>
  tests.toSorted((one, other) => Number(other.includes(`/${file}.`)) - Number(one.includes(`/${file}.`)))

/** Tells of each mutant whether a test kills it, in any order; `quick`: a test that is no property. */
export const killAll = <A>(
  mutants: ReadonlyArray<{ readonly file: string; readonly mutant: Mutant }>,
  quick: boolean,
  tell: (killing: Killing) => Effect.Effect<A>
): Effect.Effect<ReadonlyArray<A>, Unfit> => {
  const wanted = quick ? tests.filter((test) => !test.includes("Properties")) : tests
  const waiting = [...mutants]
  const told: Array<A> = []
  const work: Effect.Effect<void, Unfit, Scope.Scope> = Effect.gen(function*() {
    let worker = start()
    yield* Effect.addFinalizer(() => Effect.sync(() => worker.child.kill("SIGKILL")))
    const plain = yield* ask(worker, { file: "", mutant: undefined, tests: wanted })
    if (plain.killedBy !== undefined) {
      return yield* new Unfit({ message: `without a mutant: ${plain.killedBy}` })
    }
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { file, mutant } = next
      const task = { file: `src/liveness/${file}.ts`, mutant, tests: testsFor(file, wanted) }
      const { killedBy } = yield* Effect.timeoutOrElse(ask(worker, task), {
        duration: LIMIT,
        orElse: () => Effect.succeed<Answer>({ killedBy: "it does not come to an end" })
      })
      told.push(yield* tell({ file, mutant, killedBy }))
      if (worker.tasks > MUTANTS_PER_PROCESS || worker.child.exitCode !== null || killedBy?.startsWith("it does not")) {
        worker.child.kill("SIGKILL")
        worker = start()
      }
    }
  })
  return Effect.as(
    Effect.forEach(Array.from({ length: PROCESSES }), () => Effect.scoped(work), {
      concurrency: "unbounded",
      discard: true
    }),
    told
  )
}
