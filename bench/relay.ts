/**
 * `relay`: what does it cost to relay tokens over A2A, and does the cost of a token grow with the answer?
 *
 * Three agents over the same simulated engine, read by the same official client: ours, the one that users of
 * @a2a-js/sdk write, and a raw relay without any A2A library, which is the floor. Everything runs in child processes,
 * so that the processor time of the agent is the agent's alone.
 *
 * Gotcha: the SDK's handler does work that grows with the square of the answer, so every cell has a time budget. What
 * does not end in it is stopped and reported as a lower bound, which is enough where it is above what is wanted.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { measurePath } from "./latency/measurePath.ts"
import { medianCell, type PathCell } from "./latency/Results.ts"
import { agentNames } from "./relay/calls.ts"
import { type Cell, flatness, ratios } from "./relay/Cell.ts"
import { criteriaOf } from "./relay/criteria.ts"
import { measure } from "./relay/measure.ts"
import { cellLine, render } from "./relay/render.ts"
import { BenchError } from "./support/BenchError.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"

const positive = Schema.Int.check(Schema.isGreaterThan(0))

const sizes = Flag.String("sizes").pipe(
  Flag.withMetavar("N,N"),
  Flag.withDescription("Tokens per answer, separated by commas"),
  Flag.mapTryCatch(
    (text) => Schema.decodeUnknownSync(Schema.NonEmptyArray(positive))(text.split(",").map(Number)),
    () => "sizes are whole numbers above zero, separated by commas"
  ),
  Flag.withDefault([1000, 8000, 64_000] as const)
)

const budget = Flag.Finite("budget").pipe(
  Flag.withSchema(Schema.Finite.check(Schema.isGreaterThan(0))),
  Flag.withMetavar("SECONDS"),
  Flag.withDescription("Time for all answers of one agent at one size"),
  Flag.withDefault(120)
)

const pace = Flag.Finite("pace").pipe(
  Flag.withSchema(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  Flag.withMetavar("MILLISECONDS"),
  Flag.withDescription("Time between two tokens of the engine; 0 = flat out, where waiting tokens are joined"),
  Flag.withDefault(0)
)

/** Answers one after the other, at each size; and several at once, which go on as long as they are listened to. */
const partNames = ["alone", "together"] as const

/** The agents take turns, so that what else the machine does meets both. */
const measureTogether = Effect.fnUntraced(function*(
  { repeats, seconds, streams }: { readonly repeats: number; readonly seconds: number; readonly streams: number }
) {
  const paths = ["raw", "ours"] as const
  const measured: Array<PathCell> = []
  for (let round = 0; round < repeats; round++) {
    for (const path of paths) measured.push(yield* measurePath({ ...FLAT_OUT, path, streams, seconds }))
  }
  return paths.map((path) => medianCell(measured.filter((cell) => cell.path === path)))
})

const FLAT_OUT = { tokensPerSecond: Infinity, windows: 1, ramp: 100 }

export const relay = Command.make(
  "relay",
  {
    sizes,
    repeats: count(
      "repeats",
      3,
      "Runs measured per agent and size, as far as the budget lasts; a run is 16 000 tokens or more"
    ),
    budget,
    pace,
    parts: names("parts", "What to measure", partNames),
    streams: count("streams", 16, "Streams of `together`"),
    seconds: count("seconds", 4, "How long they are listened to"),
    json
  },
  Effect.fn("bench.relay")(function*(options) {
    const cells: Array<Cell> = []
    const sizes = [...new Set(options.sizes)].toSorted((left, right) => left - right)
    for (const tokens of options.parts.includes("alone") ? sizes : []) {
      for (const agent of agentNames) {
        const cell = yield* measure({
          agent,
          tokens,
          repeats: options.repeats,
          budget: Duration.seconds(options.budget),
          paceMillis: options.pace
        })
        yield* Console.error(cellLine(cell))
        cells.push(cell)
      }
    }
    const together = options.parts.includes("together") ? yield* measureTogether(options) : null
    const compared = { cells, ratios: ratios(cells), flatness: flatness(cells), together }
    const results = { ...compared, criteria: criteriaOf({ ...compared, paceMillis: options.pace }) }
    yield* Console.log(options.json ? JSON.stringify({ ...conditions(options), ...results }) : render(results))
    const failed = cells.filter((cell) => cell.outcome === "failed")
    if (failed.length > 0) return yield* new BenchError({ message: failed.map(cellLine).join("; "), exitCode: 1 })
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("Relaying tokens over A2A: ours, a raw relay, and the SDK's own handler."),
  Command.withExamples([{
    command: "npm run bench -- relay --sizes 1000,8000 --repeats 5",
    description: "Two sizes, medians of five"
  }, {
    command: "npm run bench -- relay --sizes 1000 --pace 5",
    description: "An engine of 200 tokens per second, so that every token goes out by itself"
  }])
)

const conditions = (options: { readonly repeats: number; readonly budget: number; readonly pace: number }) => ({
  bench: "relay",
  node: process.version,
  processors: availableParallelism(),
  repeats: options.repeats,
  budgetSeconds: options.budget,
  paceMillis: options.pace
})
