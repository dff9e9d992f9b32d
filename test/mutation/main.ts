/**
 * `npm run mutate [-- --file NAME ...]`: does a test notice every small change to the reducer?
 *
 * Makes every mutant of every file of the reducer (Mutant.ts), runs the reducer's tests against each in two processes
 * (worker.ts), and tells which survive. A survivor means that a test is missing, that code is not needed, or that nobody
 * could see the difference; the last kind is listed in equivalent.json with the reason. No file is changed.
 *
 * Exit codes: 0 every mutant is killed or rightly listed; 1 one survives, or the list is wrong; 2 wrong usage.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { entryOf, equivalents, unknownOf } from "./Equivalent.ts"
import { type Mutant, mutantsOf } from "./Mutant.ts"
import * as Runner from "./Runner.ts"

const files = [
  "Judgement",
  "LivenessStep",
  "EngineRecord",
  "Binding",
  "RequestPlace",
  "Progress",
  "LimitInForce",
  "RunClock",
  "Gaps",
  "RunState",
  "FailKind",
  "EngineSample",
  "EngineMetrics",
  "LivenessInput"
] as const

class Surviving extends Schema.TaggedError<Surviving>()("Surviving", { message: Schema.String }) {}

interface Judged {
  readonly file: string
  readonly mutant: Mutant
  readonly killedBy: string | undefined
  readonly reason: string | undefined
}

const mutate = Command.make("mutate", {
  file: Flag.Literals("file", files).pipe(
    Flag.withDescription("A file of src/liveness, without its ending. All of the reducer unless given."),
    Flag.atLeast(0)
  ),
  quick: Flag.Boolean("quick").pipe(
    Flag.withDescription("Without the properties, which need most of the time and kill a few more."),
    Flag.withDefault(false)
  ),
  listed: Flag.Boolean("listed").pipe(
    Flag.withDescription("Only those that are listed as equivalent."),
    Flag.withDefault(false)
  ),
  killers: Flag.Boolean("killers").pipe(
    Flag.withDescription("Also tell what killed each mutant."),
    Flag.withDefault(false)
  )
}, ({ file: chosen, killers, listed, quick }) =>
  Effect.gen(function*() {
    const startedAt = yield* Clock.monotonicTimeNanos
    const mutants = (chosen.length === 0 ? files : chosen).flatMap((file) => {
      const source = readFileSync(join(import.meta.dirname, "../../src/liveness", `${file}.ts`), "utf8")
      return mutantsOf(source).map((mutant) => ({ file, mutant }))
    }).filter(({ file, mutant }) => !listed || entryOf(equivalents, file, mutant) !== undefined)
    yield* Console.error(`${mutants.length} mutants`)
    let done = 0
    const judged = yield* Runner.killAll(mutants, quick, ({ file, killedBy, mutant }): Effect.Effect<Judged> => {
      const reason = entryOf(equivalents, file, mutant)?.reason
      const told = { file, mutant, killedBy, reason }
      done++
      if (killedBy === undefined && reason === undefined) return Effect.as(Console.error(show("survived", told)), told)
      return Effect.as(done % 100 === 0 ? Console.error(`${done} of ${mutants.length}`) : Effect.void, told)
    })
    const order = (one: Judged, other: Judged) =>
      one.file.localeCompare(other.file) || one.mutant.start - other.mutant.start
    const all = judged.toSorted(order)
    const survived = all.filter(({ killedBy, reason }) => killedBy === undefined && reason === undefined)
    const wrong = all.filter(({ killedBy, reason }) => killedBy !== undefined && reason !== undefined)
    const gone = (chosen.length === 0 ? files : chosen).flatMap((file) =>
      unknownOf(equivalents, file, all.filter((one) => one.file === file).map(({ mutant }) => mutant)).map((entry) =>
        `listed, and there is none: ${file}.ts: ${entry.code}\n    ${entry.change}`
      )
    )
    if (killers) yield* Console.log(all.filter(({ killedBy }) => killedBy !== undefined).map(showKilled).join("\n"))
    const findings = [
      ...survived.map((one) => show("survived", one)),
      ...wrong.map((one) => show("listed as equivalent, and killed", one)),
      ...gone
    ]
    if (findings.length > 0) yield* Console.log(findings.join("\n"))
    const seconds = Number((yield* Clock.monotonicTimeNanos) - startedAt) / 1e9
    yield* Console.log(`${tableOf(all)}\n${seconds.toFixed(0)} s`)
    if (findings.length > 0) {
      return yield* new Surviving({
        message: `${survived.length} survived, ${wrong.length + gone.length} wrongly listed`
      })
    }
  }))

const show = (what: string, { file, mutant }: Judged): string =>
  `${what}: ${file}.ts:${mutant.line}: ${mutant.code}\n    ${mutant.change}`

const showKilled = (one: Judged): string => `${show("killed", one)}\n    ${one.killedBy}`

const tableOf = (all: ReadonlyArray<Judged>): string => {
  const row = (name: string, some: ReadonlyArray<Judged>) => {
    const killed = some.filter(({ killedBy }) => killedBy !== undefined).length
    const listed = some.filter(({ killedBy, reason }) => killedBy === undefined && reason !== undefined).length
    return [name, some.length, killed, listed, some.length - killed - listed]
      .map((cell, column) => column === 0 ? String(cell).padEnd(16) : String(cell).padStart(11)).join("")
  }
  const named = [...new Set(all.map(({ file }) => file))]
  return [
    ["file".padEnd(16), ...["mutants", "killed", "equivalent", "survived"].map((name) => name.padStart(11))].join(""),
    ...named.map((name) => row(name, all.filter(({ file }) => file === name))),
    row("all", all)
  ].join("\n")
}

Command.run(mutate, { version: "1" }).pipe(
  Effect.tapError((error) =>
    error instanceof Surviving || error instanceof Runner.Unfit ? Console.error(error.message) : Effect.void
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true })
)
