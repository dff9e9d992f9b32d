/**
 * AgentBeats' `scenario.toml`, in both of its dialects.
 *
 * Its local runner knows `endpoint` and `cmd`; its leaderboards know `agentbeats_id` or `image`, and `env`. Images are
 * not started by this command: such an agent needs an `endpoint` too, or an address on the command line.
 *
 * Laws: `${NAME}` in `env` stays as it is written, and is filled in when the agent is started. Keys that nobody here
 * knows are read over, as AgentBeats does, and told in a note, because the file is not ours.
 *
 * Gotchas: a `cmd` runs where the user is, and not where the file is, because AgentBeats' runner does so. A participant
 * of a leaderboard has a `name` instead of a `role`.
 */
import { nearestName } from "../../text/nearestName.ts"
import type { AgentAddress } from "../AgentDefinition.ts"
import { type ConfigPath, isTable } from "./ConfigDocument.ts"
import * as is from "./fileValues.ts"
import { httpAddress } from "./httpAddress.ts"
import { addressAt } from "./readAgents.ts"
import type { Reading } from "./Reading.ts"
import { ADDRESS_FLAG, scenarioOf, tellRepeatedRoles } from "./scenarioSettings.ts"

/** Whether a document is such a scenario. */
export const isScenarioToml = (value: unknown): boolean => isTable(value) && "green_agent" in value

/** Texts that stay as they were written. */
export const isScenarioEnvironment = (path: ConfigPath): boolean =>
  (path.length === 3 && path[0] === "green_agent" && path[1] === "env") ||
  (path.length === 4 && path[0] === "participants" && path[2] === "env")

export interface ScenarioContext {
  /** Absolute: where commands run. */
  readonly currentDirectory: string
  /** By role, `green` for the green agent. */
  readonly addresses: ReadonlyMap<string, string>
  /** A dotted path into the green agent's result; `null` where it is found by itself. */
  readonly score: string | null
}

const topKeys = ["green_agent", "participants", "config"]
const agentKeys = ["endpoint", "cmd", "agentbeats_id", "image", "env", "name"]

/** The agent under test and its task; undefined, and told, if the scenario cannot be run. */
export const readScenarioToml = (reading: Reading, context: ScenarioContext) => {
  noteUnknown(reading, [], topKeys)
  const evaluator = readAgent(reading, ["green_agent"], agentKeys, "green", context)
  const participants = Array.from({ length: reading.lengthOf(["participants"]) }, (_, index) => {
    const path = ["participants", index]
    const role = roleOf(reading, path)
    const address = readAgent(reading, path, [...agentKeys, "role"], role?.role, context)
    return role === undefined || address === undefined ? undefined : { ...role, address }
  }).filter((participant) => participant !== undefined)
  tellRepeatedRoles(reading, participants)
  const config = reading.at(["config"]) ?? {}
  if (!isTable(config)) reading.refuse(["config"], "expected a table: the config of the assessment request")
  const [first, ...rest] = participants.map(({ address, role }) => ({ role, address }))
  if (first === undefined) {
    const written = reading.at(["participants"])
    if (written === undefined || (Array.isArray(written) && written.length === 0)) {
      reading.refuse(
        written === undefined ? [] : ["participants"],
        "there are no participants; add [[participants]] with a role and an endpoint"
      )
    }
    return undefined
  }
  return evaluator === undefined ? undefined : scenarioOf(evaluator, [first, ...rest], config, context.score)
}

const noteUnknown = (reading: Reading, path: ConfigPath, known: ReadonlyArray<string>): void => {
  const table = reading.at(path)
  if (!isTable(table)) return
  for (const key of Object.keys(table).filter((key) => !known.includes(key))) {
    reading.note(
      [...path, key],
      `read over, because nobody here knows it; the nearest that is known is ${nearestName(key, known)}`
    )
  }
}

const roleOf = (reading: Reading, path: ConfigPath) => {
  const key = reading.at([...path, "role"]) === undefined && reading.at([...path, "name"]) !== undefined
    ? "name"
    : "role"
  const role = reading.decode([...path, key], is.someText)
  return role === undefined ? undefined : { role, path: [...path, key] as ConfigPath }
}

const readAgent = (
  reading: Reading,
  path: ConfigPath,
  known: ReadonlyArray<string>,
  role: string | undefined,
  { addresses, currentDirectory }: ScenarioContext
): AgentAddress | undefined => {
  if (!isTable(reading.at(path))) return reading.refuse(path, "expected a table with an endpoint")
  noteUnknown(reading, path, known)
  const optional = (key: string) =>
    reading.at([...path, key]) === undefined ? undefined : reading.decode([...path, key], is.text)
  const given = role === undefined ? undefined : addresses.get(role)
  const written = optional("endpoint")
  const line = optional("cmd")
  const environment = reading.at([...path, "env"]) === undefined ? {} : reading.decode([...path, "env"], is.textTable)
  const endpoint = given ?? written
  if (endpoint === undefined) {
    // A wrong endpoint has been told already.
    if (reading.at([...path, "endpoint"]) === undefined) reading.refuse(path, missingEndpoint(reading, path, role))
    return undefined
  }
  const url = addressAt(reading, [...path, "endpoint"], httpAddress(endpoint))
  if (url === undefined || environment === undefined) return undefined
  const command = line === undefined || line.trim() === "" || given !== undefined
    ? null
    : { line, workingDirectory: currentDirectory, environment }
  return { url, tokenVariable: null, command }
}

const missingEndpoint = (reading: Reading, path: ConfigPath, role: string | undefined): string => {
  const source = ["image", "agentbeats_id"].find((key) => reading.at([...path, key]) !== undefined)
  const remedy = `endpoint = "http://127.0.0.1:9009" here, or ${ADDRESS_FLAG.replace("ROLE", role ?? "ROLE")}`
  return source === undefined
    ? `has no endpoint; write ${remedy}`
    : `its ${source} names a container image, which this command does not start; ` +
      `start it yourself and say where it is: ${remedy}`
}
