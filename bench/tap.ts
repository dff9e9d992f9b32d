/**
 * `tap`: what does it cost that somebody stands between an agent and its engine and watches every token?
 *
 * The same engine and the same client, with nobody between them, with the shortest proxy of the same libraries, and with
 * our tap. What the tap costs is what it costs more than that proxy in the same round.
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
import { wayNames } from "./tap/calls.ts"
import { measure } from "./tap/measure.ts"
import { render } from "./tap/render.ts"
import { criteriaOf, summaryOf } from "./tap/Results.ts"

const aboveZero = Schema.Finite.check(Schema.isGreaterThan(0))
const rate = (name: string, byDefault: number, description: string) =>
  Flag.Finite(name).pipe(Flag.withSchema(aboveZero), Flag.withDescription(description), Flag.withDefault(byDefault))

export const tap = Command.make(
  "tap",
  {
    ways: names("ways", "Which ways", wayNames),
    rounds: count("rounds", 7, "Rounds, in each of which every way is measured"),
    streams: count("streams", 100, "Streams at once"),
    rate: rate("rate", 100, "Tokens per second of each"),
    seconds: rate("seconds", 3, "How long they are listened to in a round"),
    requests: count("requests", 100, "Requests in a round whose first byte is timed"),
    json
  },
  Effect.fn("bench.tap")(function*({ json, ...options }) {
    const { rate, requests, rounds, seconds, streams, ways } = options
    yield* requireOpenFiles(3 * streams)
    const measured = yield* Effect.scoped(
      measure({ ways, rounds, streams, tokensPerSecond: rate, seconds, requests })
    )
    const summaries = wayNames.filter((way) => ways.includes(way)).map((way) =>
      summaryOf(way, measured.loads, measured.firstBytes)
    )
    const criteria = criteriaOf(summaries)
    const conditions = { bench: "tap", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json ? JSON.stringify({ ...conditions, ...measured, summaries, criteria }) : render(summaries, criteria)
    )
    yield* requireMet(criteria)
  })
).pipe(
  Command.withDescription("What the tap costs: against a bare proxy of the same libraries, and against none."),
  Command.withExamples([{
    command: "npm run bench -- tap --rate 300 --rounds 5",
    description: "At 30 000 tokens per second"
  }, {
    command: "npm run bench -- tap --ways bare,tap --rounds 15",
    description: "The processor time alone, more often"
  }])
)
