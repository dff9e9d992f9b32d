/**
 * The taps of a campaign, between agents and their engines: those that it starts itself, one for each address, and those
 * that run already.
 *
 * Laws: no two engines stand behind one address; an agent that is started by its command finds its own tap in
 * `OPENAI_BASE_URL`, unless its environment says something else there.
 */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type { TapLink } from "../../agents/FollowedTask.ts"
import { PatientFetch } from "../../engine/PatientFetch.ts"
import { EngineEvidence } from "../../liveness/EngineEvidence.ts"
import type { Failed } from "../../liveness/Failed.ts"
import { LimitLearner } from "../../liveness/LimitLearner.ts"
import { Tap } from "../../tap/Tap.ts"
import { TapClient } from "../../tap/TapClient.ts"
import type { AgentDefinition } from "../AgentDefinition.ts"
import { type TapAddress, textOfTap } from "../AgentFollowing.ts"
import { agentError, orUnusable } from "../CampaignError.ts"
import type { Definition } from "../Definition.ts"
import type { StartedEngine, StartedEngines } from "./StartedEngines.ts"

export interface StartedTap {
  readonly link: TapLink
  /** What the agent is given in the place of its engine's base URL. */
  readonly engineBaseUrl: string
}

/** By the names of agents. */
export type StartedTaps = ReadonlyMap<string, StartedTap>

type Settings = Pick<Definition, "limits" | "stallPolicy">
/** With what runners must present. */
type Secured = Settings & { readonly token: Redacted.Redacted | undefined }

/** What runners present to a tap; cannot be read only where the environment itself cannot. */
const tapToken = Effect.gen(function*() {
  return Option.getOrUndefined(yield* Config.option(Config.Redacted("CAMPAIGN_TAP_TOKEN")))
}).pipe(Effect.orDie)

/** Starts what is not running. All stops with the scope. Fails in one line where an address cannot be had. */
export const start = Effect.fn("StartedTaps.start")(function*(
  { agents, ...settings }: Pick<Definition, "agents"> & Settings,
  engines: StartedEngines
) {
  const taps = new Map<string, StartedTap>()
  if (agents.every(({ following }) => following.tap === null)) return taps as StartedTaps
  const client = Context.get(yield* Layer.build(TapClient.layer), TapClient)
  const token = yield* tapToken
  const listening = new Map<string, { readonly engine: string; readonly url: string }>()
  for (const agent of agents) {
    const { following: { tap }, name } = agent
    if (tap === null) continue
    if (tap._tag === "Running") {
      const check = client.check({ tapUrl: tap.url, token })
      yield* Effect.mapError(check, (error) => agentError(name, `agent ${name}: ${detailOf(error)}`))
    }
    const tapUrl = tap._tag === "Running"
      ? tap.url
      : yield* listenerOf(agent, tap, engines, { ...settings, token }, listening)
    taps.set(name, {
      link: {
        battle: (options) => client.battle({ ...options, tapUrl, agent: name, token }),
        engineBaseUrl: (battle) => `${tapUrl}/battle/${encodeURIComponent(battle)}/v1`
      },
      engineBaseUrl: `${tapUrl}/agents/${encodeURIComponent(name)}/v1`
    })
  }
  return taps as StartedTaps
})

/** What is wrong with a tap, which is no engine. */
const detailOf = ({ message, reason }: Failed): string =>
  "detail" in reason && reason._tag === "Rejected" ? reason.detail : message.replace(/^engine: /, "")

/** The address of a tap of ours, which is started for the first agent that names it. */
const listenerOf = Effect.fnUntraced(function*(
  { engine: name, name: agent }: AgentDefinition,
  tap: Extract<TapAddress, { readonly _tag: "Own" }>,
  engines: StartedEngines,
  settings: Secured,
  listening: Map<string, { readonly engine: string; readonly url: string }>
) {
  const engine = name === null ? undefined : engines.get(name)
  if (engine === undefined) {
    return yield* agentError(agent, `agent ${agent} has a tap and no engine that it passes on to`)
  }
  const key = tap.port === 0 ? `auto in front of ${engine.name}` : textOfTap(tap)
  const before = listening.get(key)
  if (before !== undefined && before.engine !== engine.name) {
    return yield* agentError(
      agent,
      `the tap at ${key} cannot be in front of two engines, ${before.engine} and ${engine.name}; give agent ${agent} another ` +
        "address"
    )
  }
  const url = before?.url ??
    (yield* orUnusable((detail) => agentError(agent, detail))(listen(engine, tap, settings)))
  listening.set(key, { engine: engine.name, url })
  return url
})

const listen = (
  engine: StartedEngine,
  { host, port }: { readonly host: string; readonly port: number },
  { limits, stallPolicy, token }: Secured
) => {
  const tap = Tap.layer({
    host,
    port,
    baseUrl: engine.options.baseUrl,
    limits,
    policy: stallPolicy,
    token
  }).pipe(
    Layer.provide([
      PatientFetch.layer,
      Layer.succeed(EngineEvidence, engine.evidence),
      LimitLearner.layerMemory(limits)
    ])
  )
  return Effect.map(Layer.build(tap), (services) => Context.get(services, Tap).url)
}
