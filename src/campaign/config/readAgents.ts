/**
 * The engines and agents of a `campaign.toml`.
 *
 * An agent with a `url` is an A2A agent; one with an `engine` alone is our own purple agent in front of it. Without any
 * engine and agent the campaign is the demonstration: our own agent in front of the simulated engine.
 *
 * Laws: no two engines and no two agents have the same name; an agent names no engine that is not there. Whatever is
 * stored of a key or a token is the name of its variable.
 */
import * as Result from "effect/Result"
import { nearestName } from "../../text/nearestName.ts"
import type { AgentAddress, AgentCommand, AgentDefinition, AgentKind } from "../AgentDefinition.ts"
import { asItCan } from "../AgentFollowing.ts"
import type { JudgeDefinition } from "../Definition.ts"
import type { EngineDefinition } from "../EngineDefinition.ts"
import { type AgentTable, agentTable, engineTable, judgeTable } from "./campaignTables.ts"
import { type ConfigPath, pathText } from "./ConfigDocument.ts"
import type { ConfigFiles, NamedPath } from "./ConfigFiles.ts"
import { type AddressFault, engineAddress, httpAddress } from "./httpAddress.ts"
import type { Overrides } from "./Overrides.ts"
import { readFollowing } from "./readFollowing.ts"
import type { Reading } from "./Reading.ts"
import { chosen, readConcurrency } from "./resolveNumbers.ts"

interface Source {
  readonly reading: Reading
  readonly files: ConfigFiles
  readonly folder: NamedPath
  readonly overrides: Overrides
}

export interface EnginesAndAgents {
  readonly engines: ReadonlyArray<EngineDefinition>
  readonly agents: ReadonlyArray<AgentDefinition>
}

const MAX_TOKENS = 4096

/** All engines and agents that are as they should be; what is wrong with the others is told. */
export const readAgents = (source: Source): EnginesAndAgents => {
  const { reading } = source
  const engineCount = reading.lengthOf(["engine"])
  const agentCount = reading.lengthOf(["agent"])
  if (reading.at(["engine"]) === undefined && reading.at(["agent"]) === undefined) return demonstration(source)
  const written = reading.at(["agent"])
  if (written === undefined || (Array.isArray(written) && agentCount === 0)) {
    reading.refuse(
      written === undefined ? ["engine"] : ["agent"],
      "there are no agents; add [[agent]] with a name, and engine = the name of an engine or url = an address"
    )
  }
  const engines = indices(engineCount).map((index) => readEngine(source, ["engine", index]))
  const engineNames = namesIn(reading, "engine", engineCount)
  const agents = indices(agentCount).map((index) => readAgent(source, ["agent", index], engineNames))
  namesIn(reading, "agent", agentCount)
  return {
    engines: engines.filter((engine) => engine !== undefined),
    agents: agents.filter((agent) => agent !== undefined)
  }
}

const indices = (length: number): ReadonlyArray<number> => Array.from({ length }, (_, index) => index)

/** The model that judges answers; `null` where there is none. What is wrong with it is told. */
export const readJudge = (reading: Reading, engines: ReadonlyArray<EngineDefinition>): JudgeDefinition | null => {
  const path = ["judge"]
  if (reading.at(path) === undefined) return null
  const table = reading.decode(path, judgeTable)
  if (table === undefined) return null
  const names = new Set(engines.map(({ name }) => name))
  if (!names.has(table.engine)) tellUnknownEngine(reading, [...path, "engine"], table.engine, names)
  const maxTokens = chosen(
    reading,
    "judge.maxTokens",
    [...path, "max-tokens"],
    table["max-tokens"],
    undefined,
    MAX_TOKENS
  )
  return { engine: table.engine, model: table.model ?? null, maxTokens }
}

/** All names that were written; the second of two same ones is told. */
const namesIn = (reading: Reading, list: "engine" | "agent", length: number): ReadonlySet<string> => {
  const first = new Map<string, ConfigPath>()
  for (const index of indices(length)) {
    const path = [list, index, "name"]
    const name = reading.at(path)
    if (typeof name !== "string") continue
    const before = first.get(name)
    if (before === undefined) first.set(name, path)
    else {
      const place = reading.document.placeOf(before)
      const article = list === "engine" ? "another engine" : "another agent"
      reading.refuse(
        path,
        `${article} is called "${name}" too (${
          place === null ? pathText(before) : `line ${place.line}`
        }); give one of them another name`
      )
    }
  }
  return new Set(first.keys())
}

/** What runs where nothing else is named. */
const demonstration = (source: Source): EnginesAndAgents => ({
  engines: [{ name: "simulated", url: null, keyVariable: null, concurrency: null, onModelChange: "stop" }],
  agents: [{
    name: "simulated-model",
    engine: "simulated",
    concurrency: null,
    following: asItCan,
    kind: { _tag: "Model", model: null, maxTokens: maxTokensOf(source, "simulated-model", [], undefined) }
  }]
})

const maxTokensOf = (
  { overrides, reading }: Source,
  name: string,
  path: ConfigPath,
  written: number | undefined
): number =>
  chosen(reading, `agents.${name}.maxTokens`, [...path, "max-tokens"], written, overrides.maxTokens, MAX_TOKENS)

const readEngine = ({ reading }: Source, path: ConfigPath): EngineDefinition | undefined => {
  const table = reading.decode(path, engineTable)
  const written = readConcurrency(reading, [...path, "concurrency"])
  if (table === undefined) return undefined
  const { "key-variable": keyVariable = null, name, "on-model-change": onModelChange } = table
  const url = table.url === "simulated" ? null : addressAt(reading, [...path, "url"], engineAddress(table.url))
  if (url === undefined) return undefined
  if (url === null && keyVariable !== null) {
    reading.refuse([...path, "key-variable"], "the simulated engine asks for no key; leave it out")
  }
  return {
    name,
    url,
    keyVariable,
    concurrency: chosen(reading, `engines.${name}.concurrency`, [...path, "concurrency"], written, undefined, null),
    onModelChange: chosen(
      reading,
      `engines.${name}.onModelChange`,
      [...path, "on-model-change"],
      onModelChange,
      undefined,
      "stop" as const
    )
  }
}

/** An address that may be stored; undefined, and told, if it may not. */
export const addressAt = (
  reading: Reading,
  path: ConfigPath,
  address: Result.Result<string, AddressFault>
): string | undefined => {
  if (Result.isSuccess(address)) return address.success
  const isEngine = path[0] === "engine"
  return reading.refuse(
    path,
    address.failure === "credentials"
      ? `must not hold a user name or a key; name the variable that holds it by ${isEngine ? "key" : "token"}-variable`
      : address.failure === "query"
      ? "must have no query and no fragment, since paths are put behind it; name the variable that holds a key by key-variable"
      : `expected an address that begins with http:// or https://, such as "http://127.0.0.1:${
        isEngine ? "8000/v1" : "9009"
      }"`
  )
}

const readAgent = (source: Source, path: ConfigPath, engineNames: ReadonlySet<string>): AgentDefinition | undefined => {
  const { reading } = source
  const table = reading.decode(path, agentTable)
  const written = readConcurrency(reading, [...path, "concurrency"])
  if (table === undefined) return undefined
  const { engine = null, name } = table
  if (engine !== null && !engineNames.has(engine)) tellUnknownEngine(reading, [...path, "engine"], engine, engineNames)
  const kind = table.url === undefined
    ? modelOf(source, path, table, engineNames)
    : addressOf(source, path, table.url, table)
  if (engine !== null && written !== undefined) {
    reading.refuse(
      [...path, "concurrency"],
      `agent "${name}" shares the concurrency of its engine; write it there, or leave out engine`
    )
  }
  const following = readFollowing(reading, path, table)
  if (kind === undefined || following === undefined) return undefined
  const concurrency = chosen(reading, `agents.${name}.concurrency`, [...path, "concurrency"], written, undefined, null)
  return { name, engine, concurrency, kind, following }
}

const tellUnknownEngine = (reading: Reading, path: ConfigPath, engine: string, names: ReadonlySet<string>): void => {
  const known = [...names]
  reading.refuse(
    path,
    known.length === 0
      ? `there is no engine "${engine}"; add [[engine]] with that name`
      : `there is no engine "${engine}"; did you mean ${nearestName(engine, known)}?`
  )
}

const modelOf = (
  source: Source,
  path: ConfigPath,
  table: AgentTable,
  engineNames: ReadonlySet<string>
): AgentKind | undefined => {
  const { reading } = source
  const stray = (["token-variable", "command", "working-directory", "environment"] as const)
    .filter((key) => table[key] !== undefined)
  for (const key of stray) reading.refuse([...path, key], "belongs to an agent with a url; add that, or leave this out")
  if (table.engine === undefined) {
    const known = engineNames.size === 0
      ? "add [[engine]] and name it by engine"
      : `name one by engine: ${[...engineNames].join(", ")}`
    return reading.refuse(
      table.model === undefined ? path : [...path, "model"],
      table.model === undefined
        ? `agent "${table.name}" has neither an engine nor a url; ${known}, or give the address of an A2A agent by url`
        : `agent "${table.name}" has a model and no engine that serves it; ${known}`
    )
  }
  const maxTokens = maxTokensOf(source, table.name, path, table["max-tokens"])
  return { _tag: "Model", model: table.model ?? null, maxTokens }
}

const addressOf = (source: Source, path: ConfigPath, url: string, table: AgentTable): AgentKind | undefined => {
  const { files, folder, reading } = source
  for (const key of ["model", "max-tokens"] as const) {
    if (table[key] !== undefined) {
      reading.refuse([...path, key], "an agent with a url decides that itself; leave this out, or leave out url")
    }
  }
  const { command: line, environment = {}, "token-variable": tokenVariable = null, "working-directory": directory } =
    table
  if (line === undefined) {
    for (const key of ["working-directory", "environment"] as const) {
      if (table[key] !== undefined) reading.refuse([...path, key], "belongs to command; add that, or leave this out")
    }
  }
  const address = addressAt(reading, [...path, "url"], httpAddress(url))
  if (address === undefined) return undefined
  const command: AgentCommand | null = line === undefined
    ? null
    : { line, workingDirectory: files.inside(folder, directory ?? ".").absolute, environment }
  return { _tag: "Agent", address: { url: address, tokenVariable, command } satisfies AgentAddress }
}

/** Texts that stay as they were written: the environments of commands. */
export const isEnvironment = (path: ConfigPath): boolean =>
  path.length === 4 && path[0] === "agent" && path[2] === "environment"
