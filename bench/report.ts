/**
 * `report`: how long does the report of a large campaign take, and how much memory?
 *
 * The store of a finished campaign is written by the bench itself, with token times, texts, stalls, failures and retries,
 * and then every kind of `campaign report` is a process of its own, as a user starts it. The baseline is a process that
 * reads every row of the same file by SQLite alone and does nothing with it.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { measure } from "./report/measure.ts"
import { render } from "./report/render.ts"
import { criteriaOf, kinds, summarize } from "./report/Results.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"

export const report = Command.make(
  "report",
  {
    battles: count("battles", 10_000, "Battles of the campaign"),
    tokens: count("tokens", 200, "Tokens of each answer"),
    times: count("times", 3, "How often each kind is made; medians count"),
    kinds: names("kinds", "What is made", kinds),
    json
  },
  Effect.fn("bench.report")(function*({ json, ...options }) {
    const measured = yield* measure(options)
    const criteria = criteriaOf(measured)
    const conditions = { bench: "report", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json
        ? JSON.stringify({ ...conditions, measured, summary: summarize(measured), criteria })
        : render(measured, criteria)
    )
    yield* requireMet(criteria)
  })
).pipe(
  Command.withDescription("How long the report of a large campaign takes, and how much memory."),
  Command.withExamples([{
    command: "npm run bench -- report --battles 500 --times 1",
    description: "A small one"
  }])
)
