/**
 * Whether the agents and engines of a campaign can be used, asked of each before anything is started or stored for it.
 */
import * as Effect from "effect/Effect"
import { A2aClient } from "../../a2a/A2aClient.ts"
import { Engine } from "../../engine/Engine.ts"
import { addressesOf } from "../AgentDefinition.ts"
import { agentError, engineError, orUnusable } from "../CampaignError.ts"
import type { Definition } from "../Definition.ts"
import { EngineParts } from "./EngineParts.ts"
import { addressAndKey, modelsOf } from "./StartedEngines.ts"

/** Fails in one line if one of them cannot be used. Whom the campaign starts itself is not asked: it is not there yet. */
export const checkReachable = Effect.fn("checkReachable")(function*(
  definition: Pick<Definition, "agents" | "engines">
) {
  for (const agent of definition.agents) {
    const { mode } = agent.following
    for (const { command, url } of addressesOf(agent)) {
      if (command !== null) continue
      // Participants of somebody else's green agent are followed by that.
      const isAsked = agent.kind._tag === "Agent" ||
        (agent.kind._tag === "Scenario" && url === agent.kind.evaluator.url)
      const asked = isAsked && mode !== null && mode !== "tap" ? { mode } : {}
      yield* A2aClient.use((client) => client.check({ url, hop: "purple", ...asked })).pipe(
        orUnusable((detail) => agentError(agent.name, detail))
      )
    }
  }
  const parts = yield* EngineParts
  for (const { keyVariable, name, url } of definition.engines) {
    if (url === null) continue
    for (const { maxTokens, model } of modelsOf(definition.agents.filter(({ engine }) => engine === name))) {
      const options = { ...yield* addressAndKey(name, url, keyVariable), model: model ?? "", maxTokens }
      yield* Engine.use((engine) => model === null ? Effect.asVoid(engine.models) : engine.check).pipe(
        Effect.provide(parts.engine(name, options), { local: true }),
        orUnusable((detail) => engineError(name, detail))
      )
    }
  }
})
