/**
 * The agents a campaign needs besides those under test, on loopback ports chosen by the system.
 *
 * A green agent always, unless a scenario brings its own; for every agent that is a model, our purple agent in front of
 * its engine. They are the same layers that `campaign serve` runs, and everything between them is HTTP. Agents in front of
 * one engine share its evidence and its canary.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AddressRule from "../../a2a/AddressRule.ts"
import { byItself, type Following } from "../../agents/FollowedTask.ts"
import { GreenAgent } from "../../agents/GreenAgent.ts"
import { PurpleAgent } from "../../agents/PurpleAgent.ts"
import type { WatchSettings } from "../../agents/WatchSettings.ts"
import { WatchedEngine } from "../../engine/WatchedEngine.ts"
import { Grader } from "../../grading/Grader.ts"
import { EngineEvidence } from "../../liveness/EngineEvidence.ts"
import { LimitLearner } from "../../liveness/LimitLearner.ts"
import type { Ticker } from "../../liveness/Ticker.ts"
import type { AgentDefinition } from "../AgentDefinition.ts"
import { agentError, greenError, orUnusable } from "../CampaignError.ts"
import type { Definition } from "../Definition.ts"
import type { Seat, Seats } from "../Seat.ts"
import { EngineParts } from "./EngineParts.ts"
import type { StartedEngine, StartedEngines } from "./StartedEngines.ts"
import type { StartedTaps } from "./StartedTaps.ts"

const loopback = { host: "127.0.0.1", port: 0 }

const settingsOf = ({ limits, stallPolicy }: Definition): WatchSettings => ({ limits, stallPolicy })

/** Starts what is missing and gives the seats, whose answers the `Grader` grades. All stops with the scope. */
export const start = Effect.fn("CampaignSeats.start")(function*(
  definition: Definition,
  engines: StartedEngines,
  taps: StartedTaps
) {
  const settings = settingsOf(definition)
  const learner = yield* LimitLearner
  const followings = new Map(definition.agents.map(({ engine, following, name }): [string, Following] => [name, {
    mode: following.mode,
    tap: taps.get(name)?.link ?? null,
    engine: (engine === null ? undefined : engines.get(engine))?.witness ?? null,
    learner
  }]))
  const { environment: { sandbox } } = yield* Grader
  const green = yield* Layer.build(GreenAgent.layer({
    ...loopback,
    ...settings,
    // Its only participants are those that the user of the campaign named.
    participants: AddressRule.any,
    following: (role) => followings.get(role) ?? byItself
  })).pipe(orUnusable(greenError))
  const greenUrl = Context.get(green, GreenAgent).url
  const seats = new Map<string, Seat>()
  for (const agent of definition.agents) {
    const engine = agent.engine === null ? undefined : engines.get(agent.engine)
    const endpoint = engine?.options.baseUrl ?? `agent ${agent.name}`
    const isScenario = agent.kind._tag === "Scenario"
    seats.set(agent.name, {
      endpoint,
      sandbox,
      // Our own green agent tells everything, and follows the agent under test itself.
      following: isScenario ? followings.get(agent.name)! : byItself,
      ...yield* addressed(agent, greenUrl, engine, settings)
    })
  }
  return seats as Seats
})

/** The judge on its engine, watched as everything else; none where the campaign has none. */
export const judgeOf = (
  definition: Definition,
  engines: StartedEngines
): Layer.Layer<WatchedEngine, never, EngineParts | LimitLearner | Ticker> | undefined => {
  const { judge } = definition
  const engine = judge === null ? undefined : engines.get(judge.engine)
  return judge === null || engine === undefined
    ? undefined
    : onEngine(engine, judge.model, judge.maxTokens, settingsOf(definition))
}

/** A model of an engine that has been started, watched. */
const onEngine = (engine: StartedEngine, model: string | null, maxTokens: number, settings: WatchSettings) =>
  Layer.unwrap(
    EngineParts.useSync((parts) =>
      WatchedEngine.layer({ limits: settings.limits, policy: settings.stallPolicy }).pipe(
        Layer.provide([
          parts.engine(engine.name, {
            ...engine.options,
            model: model ?? engine.model,
            currentModel: model === null ? () => engine.model : undefined,
            maxTokens
          }),
          Layer.succeed(EngineEvidence, engine.evidence)
        ])
      )
    )
  )

/** The addresses of a seat; our own purple agent is started. */
const addressed = Effect.fnUntraced(function*(
  { kind, name }: AgentDefinition,
  greenUrl: string,
  engine: StartedEngine | undefined,
  settings: WatchSettings
) {
  switch (kind._tag) {
    case "Agent":
      return { greenUrl, participants: { [name]: kind.address.url } }
    case "Scenario": {
      const participants = Object.fromEntries(kind.participants.map(({ address, role }) => [role, address.url]))
      // Its own green agent grades, in whatever way.
      return { greenUrl: kind.evaluator.url, participants, sandbox: null }
    }
    case "Model": {
      if (engine === undefined) {
        return yield* agentError(name, `agent ${name} is a model, and no engine is named for it`)
      }
      const purple = yield* Layer.build(
        PurpleAgent.layer({ ...loopback, ...settings }).pipe(
          Layer.provide(onEngine(engine, kind.model, kind.maxTokens, settings))
        )
      ).pipe(orUnusable((detail) => agentError(name, detail)))
      return { greenUrl, participants: { [name]: Context.get(purple, PurpleAgent).url } }
    }
  }
})
