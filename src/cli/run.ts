/**
 * `campaign run`: a new campaign, against the embedded demonstration, an engine, or an A2A agent.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import { A2aClient } from "../a2a/A2aClient.ts"
import { fixed } from "../campaign/Concurrency.ts"
import type { Definition } from "../campaign/Definition.ts"
import { defaultPolicy } from "../campaign/FailurePolicy.ts"
import { demonstrationTasks } from "../grading/DemonstrationTasks.ts"
import { clientFor } from "./AgentAddress.ts"
import * as campaignSession from "./campaignSession.ts"
import { inputError, orExit, usageError } from "./CommandError.ts"
import * as flags from "./flags.ts"
import { invocation } from "./invocation.ts"
import { HelpSections } from "./renderHelp.ts"
import { targetFlags, type UnderTest, underTestOf } from "./targetFlags.ts"
import { userInterface } from "./userInterface.ts"
import { hardCap, hardCapMillis, settingsOf, watchFlags } from "./watchFlags.ts"

export const run = Command.make(
  "run",
  {
    ...targetFlags,
    db: Flag.optional(flags.database),
    repeat: flags.repetitions,
    concurrency: flags.concurrency,
    seed: flags.seed,
    task: flags.tasks,
    ...watchFlags,
    hardCap,
    ui: flags.ui,
    json: flags.json
  },
  Effect.fn("campaign.run")(function*(options) {
    const startedAt = DateTime.makeUnsafe(yield* Clock.currentTimeMillis)
    const stamp = DateTime.formatIso(startedAt).slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")
    const database = Option.getOrElse(options.db, () => `campaign-${stamp}.db`)
    const fileSystem = yield* FileSystem.FileSystem
    const settings = yield* settingsOf(options)
    const cap = yield* hardCapMillis(options.hardCap, settings)
    const asked = yield* orExit(underTestOf(options))
    const tasks = yield* tasksOf(options.task)
    const underTest = yield* named(asked)
    if (yield* orExit(fileSystem.exists(database))) {
      return yield* inputError(
        `${database} exists already; go on with it by \`${invocation()} resume --db ${database}\`, or name another file ` +
          "with --db"
      )
    }
    const definition: Definition = {
      id: stamp,
      ...underTest,
      tasks,
      repetitions: options.repeat,
      concurrency: fixed(options.concurrency),
      seed: options.seed,
      policy: defaultPolicy,
      ...settings,
      hardCapMillis: cap
    }
    yield* campaignSession.run({
      database,
      definition,
      isNew: true,
      userInterface: userInterface(options.ui),
      json: options.json
    })
  })
).pipe(
  Command.annotate(HelpSections, { "stall-policy": "liveness", ui: "output" }),
  Command.withDescription("Run a campaign. Without a target it is a demonstration with a simulated engine."),
  Command.withExamples([
    { command: "campaign run", description: "A demonstration: simulated engine, three tasks, three repetitions" },
    { command: "campaign run --engine http://127.0.0.1:8000/v1 --model my-model", description: "Test a vLLM server" },
    { command: "campaign run --agent http://127.0.0.1:9009/ --json", description: "Test an A2A agent, print JSON" },
    {
      command: "campaign run --liveness frozen-floor=90s --liveness lost-scrapes=4 --hard-cap 2h",
      description: "More patience with a frozen engine, and an end to every attempt"
    }
  ])
)

/** The same, with the name that an agent gives itself. */
const named = Effect.fnUntraced(function*(underTest: UnderTest) {
  const [agent] = underTest.agents
  if (agent.kind._tag !== "Agent") return underTest
  const { url } = agent.kind.address
  const name = yield* A2aClient.use((client) => client.check({ url, hop: "purple" })).pipe(
    Effect.provide(clientFor(underTest)),
    orExit
  )
  return { ...underTest, agents: [{ ...agent, name }] } satisfies UnderTest as UnderTest
})

/** The tasks of these names, all without a name. */
const tasksOf = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
  const unknown = names.find((name) => !demonstrationTasks.some((task) => task.id === name))
  if (unknown !== undefined) {
    const known = demonstrationTasks.map((task) => task.id).join(", ")
    return yield* usageError(`--task ${unknown}: no such task; there are ${known}`)
  }
  const [first, ...rest] = demonstrationTasks.filter((task) => names.length === 0 || names.includes(task.id))
  return [first!, ...rest] as const
})
