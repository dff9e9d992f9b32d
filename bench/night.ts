/**
 * `night`: a campaign through a bad night, against fixed timeouts.
 *
 * The same seeded night for two policies, in virtual time: battles of 150 to 300 s, 2 % of all attempts forgotten by the
 * engine in mid-stream, one restart of the engine and one hang of all of it. Ours is the runner itself with everything
 * around it but sockets (night/ours.ts); theirs is a model of the policy of LogoMesh's campaign script, kinder to it than
 * its source (night/theirs.ts). The criteria of a release are printed with the result; the command fails if one is missed.
 *
 * Gotcha: an engine is modelled that is as fast for sixteen requests as for one, and whose hangs are sharp. It shows what
 * policies do in a night, not how often such nights come.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { nightOf } from "./night/Night.ts"
import { playOurs } from "./night/ours.ts"
import { render } from "./night/render.ts"
import { nightResult, resultsOf } from "./night/Results.ts"
import { playTheirs } from "./night/theirs.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json } from "./support/flags.ts"

export const night = Command.make(
  "night",
  {
    nights: count("nights", 5, "Nights, each from a seed of its own"),
    seed: Flag.Int("seed").pipe(Flag.withDescription("The seed of the first night"), Flag.withDefault(1)),
    tasks: count("tasks", 20, "Tasks of the campaign"),
    repetitions: count("repetitions", 20, "Battles of each task"),
    concurrency: count("concurrency", 16, "Battles at once"),
    unseen: Flag.Int("unseen").pipe(
      Flag.withDescription("Percent of the battles that reason for 20 to 90 s and show nothing of it"),
      Flag.withDefault(0)
    ),
    json
  },
  Effect.fn("bench.night")(function*({ concurrency, json, nights, repetitions, seed, tasks, unseen }) {
    const played = yield* Effect.forEach(
      Array.from({ length: nights }, (_, index) => seed + index),
      Effect.fnUntraced(function*(seed) {
        yield* Console.error(`night of seed ${seed}`)
        const night = nightOf({ seed, tasks, repetitions, unseen: unseen / 100 })
        return nightResult(night, yield* playOurs(night, concurrency), playTheirs(night, concurrency))
      })
    )
    const results = resultsOf(played)
    const conditions = {
      bench: "night",
      node: process.version,
      processors: availableParallelism(),
      seed,
      tasks,
      repetitions,
      concurrency,
      unseen
    }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("A bad night: our campaign runner against fixed timeouts, in virtual time."),
  Command.withExamples([{
    command: "npm run bench -- night --nights 1 --repetitions 5",
    description: "A short one"
  }, {
    command: "npm run bench -- night --unseen 25",
    description: "A quarter of the battles is silent for a while, and alive"
  }])
)
