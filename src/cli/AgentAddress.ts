/**
 * The client for the agents under test: each gets its token from the environment, at its own origin alone.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { A2aClient } from "../a2a/A2aClient.ts"
import { addressesOf } from "../campaign/AgentDefinition.ts"
import type { Definition } from "../campaign/Definition.ts"
import { inputError, orExit } from "./CommandError.ts"

/** The token for the agent: `CAMPAIGN_AGENT_TOKEN`. Never a flag, never stored. */
export const agentToken = Config.Redacted("CAMPAIGN_AGENT_TOKEN").pipe(Config.option)

/** The token in the variable that was named for it, which then has to be there. */
const tokenIn = (variable: string) =>
  Config.Redacted(variable).pipe(
    Config.map(Option.some),
    Effect.mapError(() =>
      inputError(`the token of an agent is to be in ${variable}, which is not set: set it, or name another`)
    )
  )

/** The client of a campaign. Nobody but its agents gets a token, and each its own. */
export const clientFor = (definition: Pick<Definition, "agents">) =>
  Layer.unwrap(orExit(Effect.gen(function*() {
    const tokens = new Map<string, Redacted.Redacted>()
    for (const { tokenVariable, url } of definition.agents.flatMap(addressesOf)) {
      const token = yield* tokenVariable === null ? agentToken : tokenIn(tokenVariable)
      if (Option.isSome(token) && Redacted.value(token.value) !== "") tokens.set(new URL(url).origin, token.value)
    }
    return tokens.size === 0 ? A2aClient.layer : A2aClient.layerWith({ tokens })
  })))
