/**
 * `campaign`: what does a campaign cost the process that runs it, and does it stay as quick and as small as it began?
 *
 * The runner plays thousands of battles as fast as its agents can, with its store on disk, and nothing else in its
 * process. The baseline is a loop around the official client that plays the same battles against the same agents and
 * keeps scores in memory: what it costs to talk to a green agent at all.
 *
 * Gotcha: the agents are ours and take more of the machine than the runner, so battles per second say little about it.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { measure } from "./campaign/measure.ts"
import { render } from "./campaign/render.ts"
import { criteriaOf, summarize } from "./campaign/Results.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json } from "./support/flags.ts"

export const campaign = Command.make(
  "campaign",
  {
    battles: count("battles", 10_000, "Battles of the campaign"),
    bareBattles: count("bare-battles", 2000, "Battles of the bare loop"),
    tokens: count("tokens", 200, "Tokens of each answer"),
    concurrency: count("concurrency", 16, "Battles at once"),
    times: count("times", 5, "How often commands are timed; their medians count"),
    json
  },
  Effect.fn("bench.campaign")(function*({ json, ...options }) {
    const measured = yield* measure(options)
    const criteria = criteriaOf(measured)
    const conditions = { bench: "campaign", node: process.version, processors: availableParallelism(), options }
    yield* Console.log(
      json
        ? JSON.stringify({ ...conditions, measured, summary: summarize(measured), criteria })
        : render(measured, criteria)
    )
    yield* requireMet(criteria)
  })
).pipe(
  Command.withDescription("What a campaign costs its runner, with thousands of battles, and how soon it answers."),
  Command.withExamples([{
    command: "npm run bench -- campaign --battles 500 --tokens 50",
    description: "A small one"
  }])
)
