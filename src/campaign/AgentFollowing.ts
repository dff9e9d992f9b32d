/**
 * How the work of an agent is to be followed, as a campaign's user says it: in a certain mode, or in the best that the
 * agent can; and the pass-through between it and its engine, where there is one.
 *
 * Law: what cannot be, such as a mode that needs a tap without one, is refused in words before anything is started.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { DeliveryMode } from "../a2a/DeliveryMode.ts"

export const TapAddress = Schema.TaggedUnion({
  /** Ours, which listens there while the campaign runs; port 0 for any that is free. */
  Own: { host: Schema.NonEmptyString, port: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 })) },
  /** One that runs by itself, by its address. */
  Running: { url: Schema.NonEmptyString }
})
export type TapAddress = typeof TapAddress.Type

export const AgentFollowing = Schema.Struct({
  /** `null` for the best that the agent can do. */
  mode: Schema.NullOr(DeliveryMode),
  tap: Schema.NullOr(TapAddress)
})
export type AgentFollowing = typeof AgentFollowing.Type

export const asItCan: AgentFollowing = { mode: null, tap: null }

/** What is expected where a tap is named. */
const TAP_EXPECTED =
  "expected where the tap listens, such as \"127.0.0.1:8100\", or the address of one that runs, such as " +
  "\"http://127.0.0.1:8100\", or \"auto\" for an agent that has a command"

/** The tap of a text: `host:port`, an address, or `auto`. */
export const tapOf = (text: string): Result.Result<TapAddress, string> => {
  if (text === "auto") return Result.succeed(TapAddress.cases.Own.make({ host: "127.0.0.1", port: 0 }))
  if (/^https?:\/\//.test(text)) {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || url.username !== "" || url.password !== "") return Result.fail(TAP_EXPECTED)
    return Result.succeed(TapAddress.cases.Running.make({ url: url.origin }))
  }
  const [, host, port] = /^(\[[0-9a-f:]+\]|[^\s:/[\]]+):(\d{1,5})$/i.exec(text) ?? []
  return host === undefined || Number(port) > 65_535 || Number(port) === 0
    ? Result.fail(TAP_EXPECTED)
    : Result.succeed(TapAddress.cases.Own.make({ host: host.replace(/^\[|\]$/g, ""), port: Number(port) }))
}

/** As `tapOf` reads it. */
export const textOfTap = (tap: TapAddress): string =>
  tap._tag === "Running"
    ? tap.url
    : tap.port === 0
    ? "auto"
    : `${tap.host.includes(":") ? `[${tap.host}]` : tap.host}:${tap.port}`

/** What is known of the agent besides. */
export interface FollowedAgent {
  readonly kind: "Model" | "Agent" | "Scenario"
  readonly hasEngine: boolean
  readonly hasCommand: boolean
}

/** Why an agent cannot be followed so, and what to do, as a clause; `undefined` if it can. */
export const refusalOf = (
  { mode, tap }: AgentFollowing,
  { hasCommand, hasEngine, kind }: FollowedAgent
): string | undefined => {
  if (mode === null && tap === null) return undefined
  if (kind === "Model") return "it is a model behind our own agent, which tells every token; leave this out"
  if (mode === "tap" && tap === null) return "mode \"tap\" needs a tap; name one by tap"
  if (mode !== null && mode !== "tap" && tap !== null) {
    return `a tap is of no use in mode "${mode}"; leave out one of them`
  }
  if (tap === null || tap._tag === "Running") return undefined
  if (!hasEngine) {
    return "a tap of its own passes on to the agent's engine; name that by engine, or start `campaign tap --engine URL` " +
      "and name its http:// address"
  }
  return tap.port === 0 && !hasCommand
    ? "\"auto\" is told to an agent by its command; write the tap's host:port, which the agent is set to"
    : undefined
}
