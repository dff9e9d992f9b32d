/**
 * `campaign serve purple|green`: one agent of ours, with the three flags of AgentBeats.
 */
import * as Command from "effect/cli/Command"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { A2aClient } from "../a2a/A2aClient.ts"
import * as AddressRule from "../a2a/AddressRule.ts"
import { GreenAgent } from "../agents/GreenAgent.ts"
import { PurpleAgent } from "../agents/PurpleAgent.ts"
import { Engine } from "../engine/Engine.ts"
import * as ScrapedEvidence from "../engine/ScrapedEvidence.ts"
import { WatchedEngine } from "../engine/WatchedEngine.ts"
import { Grader } from "../grading/Grader.ts"
import { LimitLearner } from "../liveness/LimitLearner.ts"
import { Ticker } from "../liveness/Ticker.ts"
import { orExit, usageError } from "./CommandError.ts"
import { engineOptions } from "./EngineAddress.ts"
import * as flags from "./flags.ts"
import { listenFlags, listenOptions } from "./listenFlags.ts"
import { metricsIf } from "./metricsIf.ts"
import { HelpSections } from "./renderHelp.ts"
import { settingsOf, watchFlags } from "./watchFlags.ts"

const livenessSection = { "stall-policy": "liveness" }

const purple = Command.make(
  "purple",
  {
    engine: flags.engineUrl,
    model: flags.model,
    maxTokens: flags.maxTokens,
    ...listenFlags,
    metrics: flags.metrics,
    ...watchFlags
  },
  Effect.fn("campaign.serve.purple")(function*(options) {
    const { maxTokens, model } = options
    const listen = yield* listenOptions(options)
    const settings = yield* settingsOf(options)
    const address = yield* orExit(engineOptions({ url: options.engine, model, maxTokens }))
    const engine = WatchedEngine.layer({ limits: settings.limits, policy: settings.stallPolicy }).pipe(
      Layer.provideMerge(Engine.layer(address)),
      Layer.provide(ScrapedEvidence.layer({ baseUrl: address.baseUrl }))
    )
    return yield* Effect.gen(function*() {
      yield* Engine.use((engine) => engine.check)
      const agent = yield* PurpleAgent
      yield* Console.log(`purple agent on ${model} listens at ${agent.url}`)
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        PurpleAgent.layer(listen).pipe(
          Layer.provideMerge(engine),
          Layer.provide(Ticker.layer(settings.limits.tickMillis)),
          Layer.provide(LimitLearner.layerMemory(settings.limits)),
          Layer.provide(metricsIf(options.metrics))
        )
      ),
      orExit
    )
  })
).pipe(
  Command.annotate(HelpSections, livenessSection),
  Command.withDescription("Serve an engine as an A2A agent that streams every token."),
  Command.withExamples([{
    command: "campaign serve purple --engine http://127.0.0.1:8000/v1 --model my-model",
    description: "An agent at http://127.0.0.1:9009/"
  }])
)

/** Where participants may be. Fails with wrong usage. */
const participantsOf = Effect.fnUntraced(function*(options: {
  readonly host: string
  readonly allowParticipant: ReadonlyArray<string>
}) {
  const allowed: Array<AddressRule.AllowedPattern> = []
  for (const text of options.allowParticipant.filter((text) => text.trim() !== "")) {
    const pattern = AddressRule.parsePattern(text)
    if (Result.isFailure(pattern)) return yield* usageError(`--allow-participant: ${pattern.failure}`)
    allowed.push(pattern.success)
  }
  return AddressRule.forListener(options.host, allowed)
})

const green = Command.make(
  "green",
  { ...listenFlags, allowParticipant: flags.allowParticipant, metrics: flags.metrics, ...watchFlags },
  Effect.fn("campaign.serve.green")(function*(options) {
    const listen = yield* listenOptions(options)
    const participants = yield* participantsOf(options)
    const settings = yield* settingsOf(options)
    const services = Layer.mergeAll(A2aClient.layer, Grader.layer, Ticker.layer(settings.limits.tickMillis))
    return yield* Effect.gen(function*() {
      const agent = yield* GreenAgent
      yield* Console.log(`green agent listens at ${agent.url}`)
      return yield* Effect.never
    }).pipe(
      Effect.provide(
        GreenAgent.layer({ ...listen, ...settings, participants }).pipe(
          Layer.provide(services),
          Layer.provide(metricsIf(options.metrics))
        )
      ),
      orExit
    )
  })
).pipe(
  Command.annotate(HelpSections, livenessSection),
  Command.withDescription("Serve the evaluator: takes AgentBeats assessment requests, plays tasks, grades answers."),
  Command.withExamples([{
    command: "campaign serve green --host 0.0.0.0 --port 9009 --card-url http://green:9009/ --allow-participant purple",
    description: "As AgentBeats starts it in a container, beside a participant at http://purple:9009/"
  }])
)

export const serve = Command.make("serve").pipe(
  Command.withDescription("Serve one of our agents."),
  Command.withSubcommands([purple, green])
)
