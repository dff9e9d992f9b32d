/**
 * The agents whose command lines a campaign gives: started before anything is stored or played, all at once, and kept
 * alive until the scope closes. What they say is kept in files of a folder of logs.
 */
import * as Effect from "effect/Effect"
import * as AgentProcess from "../../agents/AgentProcess.ts"
import { ProcessSpawner } from "../../agents/ProcessSpawner.ts"
import type { AgentAddress, AgentDefinition } from "../AgentDefinition.ts"
import { agentError, orUnusable } from "../CampaignError.ts"
import type { Definition } from "../Definition.ts"
import type { StartedTap, StartedTaps } from "./StartedTaps.ts"

interface Started {
  readonly name: string
  readonly hop: "green" | "purple"
  readonly address: AgentAddress
}

/** Starts them and waits for their cards. Fails in one line that names the log of the one that did not come. */
export const start = Effect.fn("startedAgents.start")(function*(
  { agents }: Pick<Definition, "agents">,
  taps: StartedTaps,
  logs: string
) {
  const byUrl = new Map(
    agents.flatMap((agent) => startedBy(agent, taps)).map((started) => [started.address.url, started])
  )
  yield* Effect.forEach(
    byUrl.values(),
    ({ address: { command, url }, hop, name }) =>
      command === null
        ? Effect.void
        : AgentProcess.start({ name, command, url, hop, logFile: `${logs}/${fileNameOf(name)}.log` }).pipe(
          orUnusable((detail) => agentError(name, detail))
        ),
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.provide(ProcessSpawner.layer))
})

const startedBy = ({ kind, name }: AgentDefinition, taps: StartedTaps): ReadonlyArray<Started> => {
  switch (kind._tag) {
    case "Model":
      return []
    case "Agent":
      return [{ name, hop: "purple", address: tappedAt(kind.address, taps.get(name)) }]
    case "Scenario":
      return [
        { name: `${name}-green`, hop: "green", address: kind.evaluator },
        ...kind.participants.map(({ address, role }) => ({ name: role, hop: "purple" as const, address }))
      ]
  }
}

/** Its engine is where its tap is, unless its own environment says something else. */
const tappedAt = (address: AgentAddress, tap: StartedTap | undefined): AgentAddress =>
  address.command === null || tap === undefined ? address : {
    ...address,
    command: {
      ...address.command,
      environment: { OPENAI_BASE_URL: tap.engineBaseUrl, ...address.command.environment }
    }
  }

const fileNameOf = (name: string): string => name.replaceAll(/[^\w.-]+/g, "_")
