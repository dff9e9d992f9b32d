/**
 * The flags that choose some of a campaign's battles by task and agent, and the check that there are such.
 *
 * They have no environment variables: `CAMPAIGN_AGENT` is the address that `run` tests, and a variable that was set for
 * `run` shall not decide what is given up or played again.
 */
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { CampaignStatus } from "../campaign/CampaignStatus.ts"
import { nearestName } from "../text/nearestName.ts"
import { usageError } from "./CommandError.ts"

const several = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(`${description}; may be given more than once`),
    Flag.atLeast(1),
    Flag.withDefault([])
  )

export const selectionFlags = {
  task: several("task", "ID", "Only battles of this task"),
  agent: several("agent", "NAME", "Only battles of this agent")
}

/** A switch without a variable, for the same reason. */
export const chosen = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false))

/** Names that are listed in an error; more of them hide it. */
const MOST_NAMES = 12

/** Fails with wrong usage where the campaign has no such task or agent. */
export const checkNames = Effect.fnUntraced(function*(
  given: { readonly task: ReadonlyArray<string>; readonly agent: ReadonlyArray<string> },
  { byTaskAndAgent }: Pick<CampaignStatus, "byTaskAndAgent">
) {
  for (const kind of ["task", "agent"] as const) {
    const known = Array.from(new Set(byTaskAndAgent.map((cell) => cell[kind])))
    const unknown = given[kind].find((name) => !known.includes(name))
    if (unknown === undefined) continue
    const names = known.slice(0, MOST_NAMES).join(", ") +
      (known.length > MOST_NAMES ? `, and ${known.length - MOST_NAMES} more` : "")
    return yield* usageError(
      `--${kind} ${unknown}: no such ${kind} in this campaign; did you mean ${nearestName(unknown, known)}? there ` +
        `${known.length === 1 ? "is" : "are"} ${names}`
    )
  }
})
