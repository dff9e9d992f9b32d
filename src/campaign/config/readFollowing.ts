/**
 * How agents are to be followed: what their tables say, and what was asked for instead on the command line, which holds
 * for all agents at an address.
 *
 * Laws: a mode that was asked for on the command line has no use for a tap of the file unless it is the mode `tap`. What
 * was asked for and is for no agent at all is refused.
 */
import * as Result from "effect/Result"
import type { AgentDefinition } from "../AgentDefinition.ts"
import { type AgentFollowing, refusalOf, type TapAddress, tapOf } from "../AgentFollowing.ts"
import type { AgentTable } from "./campaignTables.ts"
import type { ConfigPath } from "./ConfigDocument.ts"
import type { Overrides } from "./Overrides.ts"
import type { Reading } from "./Reading.ts"
import { refuseAt } from "./resolveNumbers.ts"

/** What the table of an agent says; `undefined`, and told, if it cannot be. */
export const readFollowing = (
  reading: Reading,
  path: ConfigPath,
  { command, engine, mode, tap, url }: AgentTable
): AgentFollowing | undefined => {
  const read = tap === undefined ? undefined : tapOf(tap)
  if (read !== undefined && Result.isFailure(read)) return reading.refuse([...path, "tap"], read.failure)
  const following: AgentFollowing = { mode: mode ?? null, tap: read === undefined ? null : read.success }
  const refusal = refusalOf(following, {
    kind: url === undefined ? "Model" : "Agent",
    hasEngine: engine !== undefined,
    hasCommand: command !== undefined
  })
  return refusal === undefined ? following : reading.refuse([...path, mode === undefined ? "tap" : "mode"], refusal)
}

/** The agents with what was asked for instead; what is wrong with that is told. */
export const withAsked = (
  reading: Reading,
  agents: ReadonlyArray<AgentDefinition>,
  overrides: Overrides
): ReadonlyArray<AgentDefinition> => {
  const asked = askedOf(agents, overrides)
  if (asked.refusal !== undefined) refuseAt(reading, [], originOf(overrides), asked.refusal)
  return asked.agents
}

/** Where it was asked for how agents are followed. */
export const originOf = ({ mode, tap }: Overrides): string | undefined => (tap ?? mode)?.origin

/** The agents with what was asked for instead, and why it cannot be for one of them. */
export const askedOf = <A extends ReadonlyArray<AgentDefinition>>(
  agents: A,
  { mode, tap }: Overrides
): { readonly agents: A; readonly refusal: string | undefined } => {
  if (mode === undefined && tap === undefined) return { agents, refusal: undefined }
  let refusal = agents.length > 0 && agents.every(({ kind }) => kind._tag === "Model")
    ? "there is no agent at an address; models of an engine tell every token"
    : undefined
  const asked = agents.map((agent) => {
    const { engine, kind, name } = agent
    if (kind._tag === "Model") return agent
    const following = followingOf(agent.following, mode?.value ?? null, tap?.value ?? null)
    const refused = refusalOf(following, {
      kind: kind._tag,
      hasEngine: engine !== null,
      hasCommand: kind._tag === "Agent" && kind.address.command !== null
    })
    if (refused !== undefined) refusal ??= `agent "${name}": ${refused}`
    return { ...agent, following }
  })
  return { agents: asked as ReadonlyArray<AgentDefinition> as A, refusal }
}

const followingOf = (
  written: AgentFollowing,
  mode: AgentFollowing["mode"],
  tap: TapAddress | null
): AgentFollowing => {
  if (mode === null) return { mode: written.mode === "tap" ? "tap" : null, tap: tap ?? written.tap }
  return { mode, tap: tap ?? (mode === "tap" ? written.tap : null) }
}
