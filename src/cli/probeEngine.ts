/**
 * `campaign probe --engine URL`: what an engine really does, and what a campaign could rest on with it.
 *
 * What is being tried goes to stderr, the report to stdout. An engine that cannot be used is not an error of the command:
 * it is what the report says, and the answer is that it is not fit.
 */
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import type * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { PatientFetch } from "../engine/PatientFetch.ts"
import { analyse, toJson } from "../probe/EngineAnalysis.ts"
import { measure } from "../probe/EngineProbe.ts"
import type { CommandError } from "./CommandError.ts"
import { engineOptions } from "./EngineAddress.ts"
import { renderEngineProbe } from "./renderEngineProbe.ts"
import { columnsOfTerminal } from "./renderHelp.ts"

export interface ProbeEngineOptions {
  readonly url: string
  /** Where the key is; `CAMPAIGN_API_KEY`, else `OPENAI_API_KEY`, unless given. */
  readonly keyVariable?: string | undefined
  /** The model to ask for; the first that is listed unless given. */
  readonly model?: string | undefined
  readonly json: boolean
}

/** Probes the engine and prints what it found; whether the engine is fit for watching. */
export const probeEngine = Effect.fn("campaign.probe.engine")(function*(
  options: ProbeEngineOptions
): Effect.fn.Return<boolean, CommandError | Config.ConfigError> {
  const { apiKey, baseUrl } = yield* engineOptions({
    url: options.url,
    model: options.model ?? "",
    maxTokens: 1,
    keyVariable: options.keyVariable ?? null
  })
  const measured = yield* measure({
    url: baseUrl,
    apiKey,
    model: options.model,
    onStep: (step) => Console.error(`campaign: ${step} …`)
  }).pipe(Effect.provide(PatientFetch.layer))
  const report = analyse(measured)
  const { canColor } = yield* TerminalCapabilities
  yield* Console.log(
    options.json ? toJson(report) : renderEngineProbe(report, { columns: columnsOfTerminal(), color: canColor })
  )
  return report.fit
})
