/**
 * From a file of settings to a campaign: our own `campaign.toml`, and the scenarios of AgentBeats in TOML and in JSON5.
 *
 * What kind of file it is, is told by what stands in it: a `[green_agent]` makes a scenario, a `manifest_version` a
 * manifest of Amber, and everything else is ours. The language is told by the name, else by the first character.
 *
 * Laws: nothing is started, contacted or written. Either everything is right, or all problems are told that were found.
 * Whatever is read of the environment is asked for by `lookup`.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import * as Result from "effect/Result"
import type { CampaignSettings } from "./CampaignSettings.ts"
import { topTable } from "./campaignTables.ts"
import type { ConfigDocument } from "./ConfigDocument.ts"
import { ConfigError, ConfigErrorReason } from "./ConfigError.ts"
import { type ConfigFiles, configFiles, type NamedPath } from "./ConfigFiles.ts"
import { fillVariables, type Lookup } from "./fillVariables.ts"
import * as Json5Document from "./Json5Document.ts"
import type { Overrides } from "./Overrides.ts"
import { isEnvironment, readAgents, readJudge } from "./readAgents.ts"
import { withAsked } from "./readFollowing.ts"
import { errorOf, type Findings, noFindings, Reading } from "./Reading.ts"
import { isAmberManifest, readScenarioJson5 } from "./readScenarioJson5.ts"
import { isScenarioEnvironment, isScenarioToml, readScenarioToml } from "./readScenarioToml.ts"
import { readTasks } from "./readTasks.ts"
import { resolveNumbers } from "./resolveNumbers.ts"
import * as TomlDocument from "./TomlDocument.ts"

export interface ConfigRequest {
  /** The file as the user named it. */
  readonly file: string
  /** Absolute: what the name is relative to, and where the commands of AgentBeats' scenarios run. */
  readonly currentDirectory: string
  readonly lookup: Lookup
  readonly overrides?: Overrides
  /** Where the agents of a scenario are that the file does not say: by role, `green` for the green agent. */
  readonly addresses?: ReadonlyMap<string, string>
  /** Of a scenario: the dotted path of the score in the green agent's result. */
  readonly score?: string
}

export interface ResolvedConfig {
  readonly kind: "campaign" | "scenario"
  /** What the file calls the campaign; `null` if it does not. */
  readonly name: string | null
  readonly settings: CampaignSettings
  /**
   * Where each number of the settings comes from, by its name in them: "default", "campaign.toml:12", "--repeat". Those
   * of engines and agents have the name of the engine or agent in it: `engines.gpu-1.concurrency`.
   */
  readonly origins: ReadonlyMap<string, string>
  /** What was read over in somebody else's format, one line each. */
  readonly notes: ReadonlyArray<string>
}

/** Reads a file of settings and all that it names. */
export const readConfig = Effect.fn("readConfig")(function*(
  request: ConfigRequest
): Effect.fn.Return<ResolvedConfig, ConfigError, FileSystem.FileSystem | Path.Path> {
  const files = yield* configFiles
  const file = files.named(request.currentDirectory, request.file)
  const text = yield* files.text(file)
  if (Result.isFailure(text)) {
    return yield* new ConfigError({
      reason: ConfigErrorReason.cases.Unreadable.make({ file: request.file, detail: text.failure })
    })
  }
  const document = yield* Effect.fromResult(parse(request.file, text.success))
  const findings = noFindings()
  const resolved = isScenarioToml(document.value) || isAmberManifest(document.value)
    ? readScenario(document, request, findings)
    : yield* readCampaign(filled(document, request, findings), file, files, request)
  const error = errorOf(findings)
  if (error !== undefined) return yield* error
  // Whatever is missing has been told as a problem (tested with any value at any key).
  return resolved!
})

/** The settings of a campaign without a file: the demonstration, with the numbers that were asked for. */
export const settingsFrom = Effect.fn("settingsFrom")(function*(
  overrides: Overrides
): Effect.fn.Return<Pick<ResolvedConfig, "settings" | "origins">, ConfigError, FileSystem.FileSystem | Path.Path> {
  const files = yield* configFiles
  const document = yield* Effect.fromResult(TomlDocument.parse("", "built-in-tasks = \"all\""))
  const findings = noFindings()
  const request = { file: "", currentDirectory: "/", lookup: () => undefined, overrides }
  const reading = filled(document, request, findings)
  const resolved = yield* readCampaign(reading, files.named("/", "campaign.toml"), files, request)
  const error = errorOf(findings)
  if (error !== undefined) return yield* error
  return resolved!
})

/** What a value is called in errors. */
const VALUE = "settings"

/** The settings of a value that has the tables of a campaign.toml; its texts hold no variables. */
export const readValue = Effect.fn("readValue")(function*(
  value: unknown,
  currentDirectory: string
): Effect.fn.Return<Pick<ResolvedConfig, "settings" | "origins">, ConfigError, FileSystem.FileSystem | Path.Path> {
  const files = yield* configFiles
  const findings = noFindings()
  const reading = new Reading({ file: VALUE, value, placeOf: () => null }, value, findings)
  const request = { file: VALUE, currentDirectory, lookup: () => undefined }
  const resolved = yield* readCampaign(reading, files.named(currentDirectory, "campaign.toml"), files, request)
  const error = errorOf(findings)
  if (error !== undefined) return yield* error
  return resolved!
})

const parse = (file: string, text: string): Result.Result<ConfigDocument, ConfigError> =>
  /\.json5?$/.test(file) || (!file.endsWith(".toml") && text.trimStart().startsWith("{"))
    ? Json5Document.parse(file, text)
    : TomlDocument.parse(file, text)

type Incomplete = ResolvedConfig | undefined

const filled = (document: ConfigDocument, { lookup }: ConfigRequest, findings: Findings): Reading =>
  fillVariables(document, lookup, isEnvironment, findings)

const readCampaign = Effect.fnUntraced(function*(
  reading: Reading,
  file: NamedPath,
  files: ConfigFiles,
  { lookup, overrides = {} }: ConfigRequest
) {
  const { findings } = reading
  const folder = files.folderOf(file)
  // Without what is wrong at the top, so that it does not hide what is wrong below.
  const top = reading.decode([], topTable) ?? {}
  const numbers = resolveNumbers(reading, top, overrides, { repetitions: 3, concurrency: 3 })
  const { agents: written, engines } = readAgents({ reading, files, folder, overrides })
  const [agent, ...agents] = withAsked(reading, written, overrides)
  const judge = readJudge(reading, engines)
  const [task, ...tasks] = yield* readTasks({ reading, files, folder, lookup }, top)
  const { notes, origins } = findings
  return agent === undefined || task === undefined
    ? undefined
    : {
      kind: "campaign",
      name: top.name ?? null,
      settings: { ...numbers, engines, agents: [agent, ...agents], judge, tasks: [task, ...tasks] },
      origins,
      notes
    } satisfies Incomplete as Incomplete
})

const readScenario = (
  document: ConfigDocument,
  { addresses = new Map(), currentDirectory, lookup, overrides = {}, score }: ConfigRequest,
  findings: Findings
): Incomplete => {
  const isAmber = isAmberManifest(document.value)
  // Amber has variables of its own.
  const reading = isAmber
    ? new Reading(document, document.value, findings)
    : fillVariables(document, lookup, isScenarioEnvironment, findings)
  const scenario = isAmber
    ? readScenarioJson5(reading, { addresses, score: score ?? null })
    : readScenarioToml(reading, { addresses, currentDirectory, score: score ?? null })
  // Nothing of a scenario is ours, so that all numbers are the defaults or from the command line.
  const numbers = resolveNumbers(new Reading({ ...document, value: {} }, {}, findings), {}, overrides, {
    repetitions: 1,
    concurrency: 1
  })
  const agents = scenario === undefined ? [] : withAsked(reading, [scenario.agent], overrides)
  const [agent] = agents
  const { notes, origins } = findings
  return scenario === undefined || agent === undefined
    ? undefined
    : {
      kind: "scenario",
      name: null,
      settings: { ...numbers, engines: [], agents: [agent], judge: null, tasks: [scenario.task] },
      origins,
      notes
    }
}
