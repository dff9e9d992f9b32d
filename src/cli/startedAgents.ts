/**
 * The agents whose command lines a campaign gives: started before anything is stored or played, all at once, and kept
 * alive until the scope closes. What they say is kept beside the store, in `FILE.logs/`.
 */
import * as Effect from "effect/Effect"
import * as AgentProcess from "../agents/AgentProcess.ts"
import { ProcessSpawner } from "../agents/ProcessSpawner.ts"
import type { AgentAddress, AgentDefinition } from "../campaign/AgentDefinition.ts"
import type { Definition } from "../campaign/Definition.ts"
import { orExit } from "./CommandError.ts"

interface Started {
  readonly name: string
  readonly hop: "green" | "purple"
  readonly address: AgentAddress
}

/** Starts them and waits for their cards. Fails in one line that names the log of the one that did not come. */
export const start = Effect.fn("startedAgents.start")(function*(
  { agents }: Pick<Definition, "agents">,
  database: string
) {
  const byUrl = new Map(agents.flatMap(startedBy).map((started) => [started.address.url, started]))
  yield* Effect.forEach(
    byUrl.values(),
    ({ address: { command, url }, hop, name }) =>
      command === null
        ? Effect.void
        : AgentProcess.start({ name, command, url, hop, logFile: `${database}.logs/${fileNameOf(name)}.log` }),
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.provide(ProcessSpawner.layer))
}, orExit)

const startedBy = ({ kind, name }: AgentDefinition): ReadonlyArray<Started> => {
  switch (kind._tag) {
    case "Model":
      return []
    case "Agent":
      return [{ name, hop: "purple", address: kind.address }]
    case "Scenario":
      return [
        { name: `${name}-green`, hop: "green", address: kind.evaluator },
        ...kind.participants.map(({ address, role }) => ({ name: role, hop: "purple" as const, address }))
      ]
  }
}

const fileNameOf = (name: string): string => name.replaceAll(/[^\w.-]+/g, "_")
