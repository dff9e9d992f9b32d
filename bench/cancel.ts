/**
 * `cancel`: when does the engine stop for a client that has gone, and does one that comes back miss anything?
 *
 * CancelTask, and a connection that just ends, over an engine that goes on sending and one that is silent; then a reader
 * of a fast answer that leaves and subscribes again and again. The SDK's handler beside ours; where it never closes the
 * engine's connection the bench waits for a limit and says so.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { measureClosing } from "./cancel/measureClosing.ts"
import { measureResume } from "./cancel/measureResume.ts"
import { render } from "./cancel/render.ts"
import { type ClosingCell, criteriaOf, engineStates, faultOf, type ResumeCell, ways } from "./cancel/Results.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"

const partNames = [...ways, "resume"] as const

/** The raw relay knows neither cancelling nor coming back. */
const agents = ["ours", "sdk"] as const

export const cancel = Command.make(
  "cancel",
  {
    parts: names("parts", "What to measure", partNames),
    agents: names("agents", "Which agents", agents),
    runs: count("runs", 20, "Streams that are left, each way"),
    grace: count("grace", 500, "How long our agent goes on without a reader, in milliseconds"),
    tokens: count("tokens", 100_000, "Tokens of the answer that is left and resumed"),
    rate: count("rate", 30_000, "Its tokens per second"),
    drops: count("drops", 10, "How often it is left and resumed"),
    limit: count("limit", 5, "How long the end of a connection is waited for, in seconds"),
    resumeLimit: count("resume-limit", 30, "The same for the end of the resumed answer"),
    json
  },
  Effect.fn("bench.cancel")(function*({ json, ...options }) {
    const { agents: chosen, drops, grace, limit, parts, rate, resumeLimit, runs, tokens } = options
    const closing: Array<ClosingCell> = []
    for (const way of ways.filter((way) => parts.includes(way))) {
      for (const engine of engineStates) {
        for (const agent of chosen) {
          const cell = yield* measureClosing({ agent, way, engine, runs, graceMillis: grace, limitSeconds: limit })
          yield* Console.error(`${way}, ${engine}, ${agent}: ${faultOf(cell) ?? `${runs} closed`}`)
          closing.push(cell)
        }
      }
    }
    const resuming: Array<ResumeCell> = []
    for (const agent of parts.includes("resume") ? chosen : []) {
      const cell = yield* measureResume({ agent, tokens, tokensPerSecond: rate, drops, limitSeconds: resumeLimit })
      yield* Console.error(`resume, ${agent}: ${faultOf(cell) ?? "ended"}`)
      resuming.push(cell)
    }
    const measured = { graceMillis: grace, closing, resuming }
    const results = { ...measured, criteria: criteriaOf(measured) }
    const conditions = { bench: "cancel", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("When the engine stops for a client that has gone, and what one that comes back misses."),
  Command.withExamples([{
    command: "npm run bench -- cancel --parts resume --agents ours --drops 50",
    description: "A reader that is away more often"
  }, {
    command: "npm run bench -- cancel --parts cancel,disconnect --grace 2000",
    description: "With more patience for readers that are gone"
  }])
)
