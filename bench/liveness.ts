/**
 * `liveness`: who takes slow runs for hung, and who finds hung ones, and when?
 *
 * The table of the liveness model (section 4): classes of synthetic runs, drawn from a seed, judged by the detectors that
 * are in use and by ours, which is the reducer of src/liveness itself. And the price: what the stream operator costs per
 * token. The criteria of a release are printed with the result; the command fails if one is missed.
 *
 * Gotcha: the runs are synthetic. They show what a detector does in a world, not how often that world comes about.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import { LivenessLimits } from "../src/liveness/LivenessLimits.ts"
import { healthyClasses, hungClasses } from "./liveness/classes.ts"
import { fixed300Frames, fixed30Bytes, fixed30Frames } from "./liveness/fixedLimit.ts"
import { measureCost } from "./liveness/measureCost.ts"
import { phiAkka, phiExponential, phiTuned } from "./liveness/phiAccrual.ts"
import { readLoop75 } from "./liveness/readLoop.ts"
import { render } from "./liveness/render.ts"
import {
  criteriaOf,
  type HealthyRow,
  healthyRow,
  type HungRow,
  hungRow,
  oursNames,
  type Results
} from "./liveness/Results.ts"
import { baseline, ours, simulateHealthy, simulateHung } from "./liveness/simulate.ts"
import { twoPhase1800Bytes, twoPhase600 } from "./liveness/twoPhase.ts"
import { BenchError } from "./support/BenchError.ts"
import { requireMet } from "./support/Criterion.ts"
import { count, json, names } from "./support/flags.ts"

const partNames = ["simulation", "cost"] as const

const seed = Flag.Int("seed").pipe(Flag.withDescription("Where chance begins"), Flag.withDefault(1))

const filter = (name: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("TEXT"),
    Flag.withDescription(`Only each ${name} with this in its name`),
    Flag.optional
  )

const limits = Flag.String("limits").pipe(
  Flag.withMetavar("JSON"),
  Flag.withDescription("Limits of ours that differ from the defaults, e.g. {\"frozenFloorMillis\":45000}"),
  Flag.mapTryCatch(
    Schema.decodeUnknownSync(Schema.fromJsonString(LivenessLimits), { onExcessProperty: "error" }),
    () => "limits are one JSON object of settings as `campaign validate` names them"
  ),
  Flag.withDefault(Schema.decodeSync(LivenessLimits)({}))
)

const matches = (filter: Option.Option<string>) => ({ name }: { readonly name: string }) =>
  Option.isNone(filter) || name.toLowerCase().includes(filter.value.toLowerCase())

const contenders = (limits: LivenessLimits) => [
  ...[
    fixed30Frames,
    fixed30Bytes,
    fixed300Frames,
    twoPhase600,
    twoPhase1800Bytes,
    readLoop75,
    phiAkka,
    phiTuned,
    phiExponential
  ].map(baseline),
  ours(limits, oursNames.silence, "the reducer without metrics and without learned limits", {
    evidence: false,
    learned: false
  }),
  ours(
    limits,
    oursNames.learned,
    `the same with limits learned from ${limits.learnedRuns} finished runs of the class`,
    {
      evidence: false,
      learned: true
    }
  ),
  ours(limits, oursNames.evidence, "the same with the engine's metrics", { evidence: true, learned: true })
]

interface SimulationOptions {
  readonly limits: LivenessLimits
  readonly runs: number
  readonly seed: number
  readonly class: Option.Option<string>
  readonly detector: Option.Option<string>
}

const simulate = Effect.fnUntraced(function*({ limits, runs, seed, ...filters }: SimulationOptions) {
  const chosen = contenders(limits).filter(matches(filters.detector))
  const classes = {
    healthy: healthyClasses.filter(matches(filters.class)),
    hung: hungClasses.filter(matches(filters.class))
  }
  if (chosen.length === 0) return yield* new BenchError({ message: "no detector has this in its name", exitCode: 2 })
  if (classes.healthy.length + classes.hung.length === 0) {
    return yield* new BenchError({ message: "no class has this in its name", exitCode: 2 })
  }
  const names = chosen.map(({ name }) => name)
  const options = { limits, runs, seed, contenders: chosen }
  const healthy: Array<HealthyRow> = []
  const hung: Array<HungRow> = []
  for (const one of classes.healthy) {
    yield* Console.error(`healthy: ${one.name}`)
    healthy.push(healthyRow(one, names, simulateHealthy(one, options), runs))
  }
  for (const one of classes.hung) {
    yield* Console.error(`hung: ${one.name}`)
    hung.push(hungRow(one, names, simulateHung(one, options), runs))
  }
  return { detectors: chosen.map(({ name, rule }) => ({ name, rule })), healthy, hung }
})

export const liveness = Command.make(
  "liveness",
  {
    parts: names("parts", "What to measure", partNames),
    runs: count("runs", 1000, "Runs per class"),
    seed,
    class: filter("class"),
    detector: filter("detector"),
    limits,
    rounds: count("rounds", 9, "Rounds of each measurement of the cost"),
    json
  },
  Effect.fn("bench.liveness")(function*({ json, ...options }) {
    const simulation = options.parts.includes("simulation") ? yield* simulate(options) : null
    const cost = options.parts.includes("cost") ? yield* measureCost(options.rounds) : null
    const results: Results = { simulation, cost, criteria: criteriaOf(simulation, cost) }
    const conditions = {
      bench: "liveness",
      node: process.version,
      processors: availableParallelism(),
      runs: options.runs,
      seed: options.seed,
      rounds: options.rounds,
      limits: options.limits
    }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
    yield* requireMet(results.criteria)
  })
).pipe(
  Command.withDescription("Slow or hung: our detector and those in use, on runs of every kind; and what it costs."),
  Command.withExamples([{
    command: "npm run bench -- liveness --runs 100 --class queue",
    description: "Fewer runs of some classes"
  }, {
    command: "npm run bench -- liveness --parts simulation --detector ours --limits '{\"frozenFloorMillis\":45000}'",
    description: "What another limit would do"
  }, {
    command: "npm run bench -- liveness --parts cost --rounds 21",
    description: "Only the cost per token"
  }])
)
