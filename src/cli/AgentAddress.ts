/**
 * The client for the agent under test: with the token from the environment, for that agent's origin alone.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { A2aClient } from "../a2a/A2aClient.ts"
import type { Target } from "../campaign/Definition.ts"
import { orExit } from "./CommandError.ts"

/** The token for the agent: `CAMPAIGN_AGENT_TOKEN`. Never a flag, never stored. */
const agentToken = Config.Redacted("CAMPAIGN_AGENT_TOKEN").pipe(Config.option)

/** The client of a campaign against the target. Nobody but the target gets a token. */
export const clientFor = (target: Target) =>
  Layer.unwrap(
    Effect.map(orExit(agentToken), (token) =>
      target._tag === "Agent" && Option.isSome(token) && Redacted.value(token.value) !== ""
        ? A2aClient.layerWith({ tokens: new Map([[new URL(target.url).origin, token.value]]) })
        : A2aClient.layer)
  )
