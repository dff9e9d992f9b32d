/**
 * The client for the agents under test: each gets its token from the environment, at its own origin alone.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { A2aClient } from "../../a2a/A2aClient.ts"
import { addressesOf } from "../AgentDefinition.ts"
import { agentError, type CampaignError, orUnusable } from "../CampaignError.ts"
import type { Definition } from "../Definition.ts"

/** The token for an agent that names no variable for it: `CAMPAIGN_AGENT_TOKEN`. Never a flag, never stored. */
export const agentToken = Config.Redacted("CAMPAIGN_AGENT_TOKEN").pipe(Config.option)

/** The token of an agent, which has to be there where a variable was named for it. */
const tokenOf = (
  agent: string,
  variable: string | null
): Effect.Effect<Option.Option<Redacted.Redacted>, CampaignError> => {
  const ofAgent = (detail: string) => agentError(agent, detail)
  return variable === null
    ? orUnusable(ofAgent)(Effect.gen(function*() {
      return yield* agentToken
    }))
    : Effect.gen(function*() {
      return yield* Config.map(Config.Redacted(variable), Option.some)
    }).pipe(
      Effect.mapError(() =>
        ofAgent(`the token of an agent is to be in ${variable}, which is not set: set it, or name another`)
      )
    )
}

/** The client of a campaign. Nobody but its agents gets a token, and each its own. */
export const clientFor = (definition: Pick<Definition, "agents">): Layer.Layer<A2aClient, CampaignError> =>
  Layer.unwrap(Effect.gen(function*() {
    const tokens = new Map<string, Redacted.Redacted>()
    for (const agent of definition.agents) {
      for (const { tokenVariable, url } of addressesOf(agent)) {
        const token = yield* tokenOf(agent.name, tokenVariable)
        if (Option.isSome(token) && Redacted.value(token.value) !== "") tokens.set(new URL(url).origin, token.value)
      }
    }
    return tokens.size === 0 ? A2aClient.layer : A2aClient.layerWith({ tokens })
  }))
