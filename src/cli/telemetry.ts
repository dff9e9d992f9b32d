/**
 * Which commands send telemetry, and as whom. What it is sent by is loaded only where the environment asks for it.
 *
 * A line about it would tear what a terminal shows live, so there it is kept until the end.
 */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { isAnyAsked } from "../telemetry/otlpAsked.ts"

/** Verbs that talk to agents and engines, or look at those who do, with the name that their service has. */
const services: Readonly<Record<string, string>> = {
  run: "a2a-campaign",
  resume: "a2a-campaign",
  watch: "a2a-campaign",
  dashboard: "a2a-campaign",
  probe: "a2a-campaign",
  "serve green": "a2a-campaign-green",
  "serve purple": "a2a-campaign-purple",
  tap: "a2a-campaign-tap"
}

/** Verbs that show something live on a terminal. */
const live = new Set(["run", "resume", "watch"])

/** Asks for the help, or for something else than the verb does. */
const asksForHelp = /^(--help|-h|--version|--dry-run|--completions|--wizard)(=|$)/

/** What a command with these arguments is provided with. */
export const telemetryFor = (args: ReadonlyArray<string>, isTerminal: boolean): Layer.Layer<never> => {
  const [verb = "", kind = ""] = args.filter((argument) => !argument.startsWith("-"))
  const serviceName = services[verb] ?? services[`${verb} ${kind}`]
  const isOff = serviceName === undefined || !isAnyAsked((name) => process.env[name]) ||
    args.some((argument) => asksForHelp.test(argument))
  if (isOff) return Layer.empty
  const kept: Array<string> = []
  const said = (line: string) => `campaign: ${line}`
  const onProblem = (line: string) =>
    isTerminal && live.has(verb) ? Effect.sync(() => void kept.push(said(line))) : Console.error(said(line))
  const telling = Layer.effectDiscard(
    Effect.addFinalizer(() => Effect.forEach(kept, (line) => Console.error(line), { discard: true }))
  )
  return Layer.unwrap(Effect.map(
    Effect.promise(() => import("../telemetry/Telemetry.ts")),
    ({ layerConfig }) => layerConfig({ serviceName, spans: "ours", onProblem })
  )).pipe(Layer.provideMerge(telling))
}
