/**
 * `latency`: how much later does a token arrive because there is an agent between the engine and the client, and how many
 * streams can one agent keep up with?
 *
 * Tokens carry the time at which the engine wrote them. The same streams are read directly, through a raw relay and
 * through ours. Two loads: one that is small, for the delay itself, and one that two cores have to hold.
 *
 * Gotcha: engine, agent and client share this machine. On two cores the heavy load leaves little for any of them, so its
 * delays are about waiting for a processor; what counts there is that none is left behind.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { type PathName, pathNames } from "./latency/calls.ts"
import { measurePath } from "./latency/measurePath.ts"
import { render } from "./latency/render.ts"
import { criteriaOf, type Load, partResults, type PathCell, type Results } from "./latency/Results.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"
import { requireOpenFiles } from "./support/openFiles.ts"

const partNames = ["latency", "hold"] as const

const aboveZero = Schema.Finite.check(Schema.isGreaterThan(0))
const rate = (name: string, byDefault: number, description: string) =>
  Flag.Finite(name).pipe(Flag.withSchema(aboveZero), Flag.withDescription(description), Flag.withDefault(byDefault))

/** Thirds of the time, so that the last can be compared with the first. */
const WINDOWS = 3

export const latency = Command.make(
  "latency",
  {
    parts: names("parts", "What to measure", partNames),
    paths: names("paths", "Which ways", pathNames),
    streams: count("streams", 200, "Streams of the small load"),
    rate: rate("rate", 30, "Tokens per second of each"),
    holdStreams: count("hold-streams", 1000, "Streams of the heavy load"),
    holdRate: rate("hold-rate", 20, "Tokens per second of each"),
    seconds: rate("seconds", 12, "How long each way is listened to"),
    ramp: rate("ramp", 100, "Streams opened in a second"),
    json
  },
  Effect.fn("bench.latency")(function*({ json, ...options }) {
    const { parts, paths, ramp, seconds } = options
    yield* requireOpenFiles(2 * Math.max(options.streams, parts.includes("hold") ? options.holdStreams : 0))
    const measure = Effect.fnUntraced(function*(load: Load) {
      const cells: Array<PathCell> = []
      for (const path of pathNames.filter((path: PathName) => paths.includes(path))) {
        cells.push(yield* measurePath({ ...load, path, seconds, ramp, windows: WINDOWS }))
      }
      return partResults(load, cells)
    })
    const latency = parts.includes("latency")
      ? yield* measure({ streams: options.streams, tokensPerSecond: options.rate })
      : null
    const hold = parts.includes("hold")
      ? yield* measure({ streams: options.holdStreams, tokensPerSecond: options.holdRate })
      : null
    const results: Results = { latency, hold, criteria: criteriaOf(latency, hold) }
    const conditions = { bench: "latency", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("What an agent adds to the delay of a token, and how many streams it holds."),
  Command.withExamples([{
    command: "npm run bench -- latency --parts latency --seconds 30",
    description: "The delay alone, for longer"
  }, {
    command: "npm run bench -- latency --parts hold --paths ours --hold-streams 2000",
    description: "Where ours gives up"
  }])
)
