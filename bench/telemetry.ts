/**
 * `telemetry`: what do metrics, and spans, cost where they are on and sent, at 30 000 tokens per second?
 *
 * Three agents that differ in nothing else, under the same load in turns; and three taps. The difference is smaller than what single rounds
 * differ by on a machine with two cores, so there is a second part, which measures the watch alone: there it can be seen.
 *
 * That metrics cost nothing where they are off needs no measuring: test/telemetry/RunMetrics.test.ts counts the calls.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"
import { requireOpenFiles } from "./support/openFiles.ts"
import { targetNames } from "./telemetry/calls.ts"
import { measureLoad, measureWatch } from "./telemetry/measure.ts"
import { render } from "./telemetry/render.ts"
import { criteriaOf, loadSummaryOf, watchSummaryOf } from "./telemetry/Results.ts"

const partNames = [...targetNames, "watch"] as const

const aboveZero = Schema.Finite.check(Schema.isGreaterThan(0))
const rate = (name: string, byDefault: number, description: string) =>
  Flag.Finite(name).pipe(Flag.withSchema(aboveZero), Flag.withDescription(description), Flag.withDefault(byDefault))

export const telemetry = Command.make(
  "telemetry",
  {
    parts: names("parts", "What to measure", partNames),
    rounds: count("rounds", 9, "Rounds, in each of which all ways are measured"),
    streams: count("streams", 100, "Streams at once"),
    rate: rate("rate", 300, "Tokens per second of each"),
    seconds: rate("seconds", 4, "How long they are listened to in a round"),
    arrivals: count("arrivals", 200_000, "Arrivals that the watch alone is given in a round"),
    json
  },
  Effect.fn("bench.telemetry")(function*({ json, ...options }) {
    const { arrivals, parts, rate, rounds, seconds, streams } = options
    const targets = targetNames.filter((target) => parts.includes(target))
    if (targets.length > 0) yield* requireOpenFiles(3 * streams)
    const watches = parts.includes("watch") ? yield* Effect.scoped(measureWatch({ arrivals, rounds })) : []
    const measured = yield* Effect.forEach(targets, (target) =>
      Effect.map(
        Effect.scoped(measureLoad({ target, rounds, streams, tokensPerSecond: rate, seconds })),
        ({ loads, page }) => ({ loads, summary: loadSummaryOf(target, loads, page) })
      ))
    const summary = { loads: measured.map(({ summary }) => summary), watch: watchSummaryOf(watches) }
    const loads = measured.map(({ loads }) => loads)
    const criteria = criteriaOf(summary)
    const conditions = { bench: "telemetry", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json ? JSON.stringify({ ...conditions, loads, watches, summary, criteria }) : render(summary, criteria)
    )
    yield* requireMet(criteria)
  })
).pipe(
  Command.withDescription(
    "What metrics, spans and their export cost: the same agent and the same tap without and with them, and the watch alone."
  ),
  Command.withExamples([{
    command: "npm run bench -- telemetry --rounds 15",
    description: "At 30 000 tokens per second, more often"
  }, {
    command: "npm run bench -- telemetry --parts watch",
    description: "What an arrival costs more, in nanoseconds"
  }])
)
