/**
 * Which other packages a program loads with each of our modules: nobody who watches his own stream waits until an A2A SDK
 * has been loaded.
 *
 * Read from the sources: what a module imports as a value, it and all that it imports so. Whatever those packages load in
 * turn is theirs.
 */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { root } from "../support/command.ts"
import { publicModules, sourceOf } from "./PublicSurface.ts"

const packageOf = (specifier: string) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)![0]

/** What a file imports and hands on; an import of types only leaves no trace. */
const importsOf = (file: string): ReadonlyArray<string> =>
  sourceOf(file).body.flatMap((node) =>
    node["source"] == null || node["importKind"] === "type" || node["exportKind"] === "type"
      ? []
      : [node["source"]["value"] as string]
  )

/** Without Node's own. */
const loadedBy = (file: string): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const open = [file]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    for (const specifier of importsOf(path)) {
      if (specifier.startsWith(".")) open.push(join(dirname(path), specifier))
      else if (!specifier.startsWith("node:")) packages.add(packageOf(specifier))
    }
  }
  return [...packages].toSorted()
}

const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
}

const engine = ["effect", "eventsource-parser", "openai", "undici"]
const client = ["@a2a-js/sdk", "effect", "ipaddr.js", "openai", "undici"]

/** A new module has a line here, so that somebody has looked at what it brings. */
const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
  TokenEvent: ["effect"],
  Transcript: [],
  Liveness: ["effect"],
  LivenessPolicy: ["effect"],
  AsyncGuard: engine,
  ChatCompletionClassifier: ["effect", "eventsource-parser", "openai"],
  EngineGate: ["effect"],
  AgentBreaker: ["effect"],
  Engine: engine,
  WatchedEngine: engine,
  ScrapedEvidence: ["effect", "openai", "undici"],
  EngineCanary: engine,
  A2aClient: client,
  A2aServer: ["@a2a-js/sdk", "@effect/platform-node", "effect"],
  Relay: ["@a2a-js/sdk", "effect"],
  TaskEvent: ["effect"],
  Authenticator: ["@a2a-js/sdk", "effect"],
  AddressRule: ["effect", "ipaddr.js"],
  Tap: [...client, "eventsource-parser"],
  TapClient: engine,
  PurpleAgent: ["@a2a-js/sdk", "@effect/platform-node", ...engine],
  AgentWork: engine,
  GreenAgent: [...client, "@effect/platform-node", "eventsource-parser"],
  Grader: engine,
  Campaign: [...client, "@effect/platform-node", "@humanwhocodes/momoa", "eventsource-parser", "toml-eslint-parser"],
  CampaignStore: ["effect"],
  BattleQueue: ["effect"],
  CampaignEngines: ["effect"],
  Metrics: ["effect"],
  Telemetry: ["effect", "undici"],
  testing: ["effect"],
  Simulator: ["@effect/platform-node", "effect"]
}

/** What a module starts by its name; it is loaded in a process or a thread of its own. */
const programs = ["src/campaign/sqliteThread.ts", "src/grading/SandboxProgram.ts", "src/grading/JsonSchemaProgram.ts"]

describe("what our modules load", () => {
  it("is no more than their users know of", () => {
    const loaded = publicModules().map(({ file, specifier }) =>
      [specifier.replace("a2a-campaign/", ""), loadedBy(file)] as const
    )
    assert.deepStrictEqual(
      Object.fromEntries(loaded),
      Object.fromEntries(Object.entries(expected).map(([name, packages]) => [name, packages.toSorted()]))
    )
  })

  it("is installed with them, and nothing else is", () => {
    const needed = [...publicModules().map(({ file }) => file), ...programs].flatMap(loadedBy)
    assert.deepStrictEqual(
      [...new Set(needed)].toSorted(),
      [...Object.keys(dependencies), ...Object.keys(peerDependencies)].toSorted()
    )
  })
})
