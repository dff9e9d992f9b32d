/**
 * `memory`: what does an agent hold for readers that pause, and for streams that are silent?
 *
 * Two questions with a baseline each. Readers that never read, while the engine goes on: ours beside the SDK's handler.
 * Streams that are open and get nothing: ours beside a raw relay, the SDK's handler and a server without an agent.
 *
 * Gotcha: the SDK's handler takes minutes for what is asked of it here, so its time is bounded, and what it held when it
 * was stopped is a lower bound.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { measureIdle } from "./memory/measureIdle.ts"
import { measurePaused } from "./memory/measurePaused.ts"
import { render } from "./memory/render.ts"
import { criteriaOf, type Holder, type IdleCell, type Kind, type PausedCell, shapes } from "./memory/Results.ts"
import { agentNames } from "./relay/calls.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"
import { requireOpenFiles } from "./support/openFiles.ts"
import { significant } from "./support/table.ts"

const partNames = ["paused", "idle"] as const

const budget = Flag.Finite("budget").pipe(
  Flag.withSchema(Schema.Finite.check(Schema.isGreaterThan(0))),
  Flag.withMetavar("SECONDS"),
  Flag.withDescription("Time for the paused readers of one agent"),
  Flag.withDefault(60)
)

/** The raw relay has no second reader, and no bound. */
const pausing = ["ours", "sdk"] as const
const holding: ReadonlyArray<readonly [Holder, Kind]> = [
  ["bare", "stream"],
  ["ours", "stream"],
  ["sdk", "stream"],
  ["ours", "task"],
  ["raw", "task"],
  ["sdk", "task"]
]

export const memory = Command.make(
  "memory",
  {
    parts: names("parts", "What to measure", partNames),
    agents: names("agents", "Which agents", agentNames),
    readers: count("readers", 10, "Paused readers"),
    tokens: count("tokens", 10_000, "Tokens of each answer they do not read"),
    budget,
    idleStreams: count("idle-streams", 1000, "Streams that are open and idle"),
    idleSeconds: count("idle-seconds", 5, "How long idle streams are watched"),
    json
  },
  Effect.fn("bench.memory")(function*({ json, ...options }) {
    const { agents, budget, idleSeconds, idleStreams, parts, readers, tokens } = options
    const chosen = (name: Holder) => name === "bare" || agents.includes(name)
    yield* requireOpenFiles(parts.includes("idle") ? 2 * idleStreams : 0)

    const paused: Array<PausedCell> = []
    for (const shape of parts.includes("paused") ? shapes : []) {
      for (const agent of pausing.filter((name) => chosen(name) && (name === "ours" || shape !== "long"))) {
        const cell = yield* measurePaused({ agent, shape, readers, tokens, budgetSeconds: budget })
        yield* Console.error(`paused, ${agent}, ${shape}: ${significant((cell.growthBytes ?? NaN) / 1e6)} MB`)
        paused.push(cell)
      }
    }
    const idle: Array<IdleCell> = []
    for (const [holder, kind] of parts.includes("idle") ? holding.filter(([holder]) => chosen(holder)) : []) {
      const cell = yield* measureIdle({ holder, kind, streams: idleStreams, idleSeconds })
      yield* Console.error(`idle, ${holder}, ${kind}: ${significant((cell.bytesPerStream ?? NaN) / 1000)} kB`)
      idle.push(cell)
    }
    const results = {
      paused: parts.includes("paused") ? paused : null,
      idle: parts.includes("idle") ? idle : null,
      criteria: criteriaOf(paused, idle)
    }
    const conditions = { bench: "memory", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("What an agent holds for readers that pause and for streams that are silent."),
  Command.withExamples([{
    command: "npm run bench -- memory --parts paused --tokens 100000 --agents ours",
    description: "Longer answers that nobody reads"
  }, {
    command: "npm run bench -- memory --parts idle --idle-streams 2000",
    description: "More streams that wait"
  }])
)
