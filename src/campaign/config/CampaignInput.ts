/**
 * A campaign written in a program: what would stand in a campaign.toml, as a value, in the same words
 * (docs/campaign-file.md). `[[agent]]` becomes `agent: [{ … }]`.
 *
 * Laws: it is read by what reads the file, so that it has the same defaults and is refused in the same words, at the same
 * path (`agent[2].max-tokens`). Names of files are relative to the current directory.
 *
 * Gotcha: unlike in a file, `${NAME}` in a text is text: a program has its variables itself. Only the environment of an
 * agent's command is filled in, when it is started.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as Effect from "effect/Effect"
import * as Path from "effect/Path"
import type { Definition } from "../Definition.ts"
import type {
  adaptiveTable,
  agentTable,
  engineTable,
  graderTables,
  judgeTable,
  policyTable,
  taskTable,
  testTable,
  textTables,
  topTable
} from "./campaignTables.ts"
import type { ConfigError } from "./ConfigError.ts"
import { readValue } from "./readConfig.ts"

type Table<S extends { readonly Encoded: unknown }> = S["Encoded"]
type Kinds = typeof graderTables
type Texts = typeof textTables

/** How many battles run at once: a number, or as many as the engine can take up to `most`. */
export type ConcurrencyInput = number | Table<typeof adaptiveTable>

/** An engine: its `name`, and its `url`, with `/v1`. */
export type EngineInput = Omit<Table<typeof engineTable>, "concurrency"> & {
  /** Its own, instead of the campaign's. */
  readonly concurrency?: ConcurrencyInput
}

/** Who is under test: with an `engine` alone our own agent that asks it, with a `url` any A2A agent. */
export type AgentInput = Omit<Table<typeof agentTable>, "concurrency"> & {
  /** Where no engine is named; the campaign's unless given. */
  readonly concurrency?: ConcurrencyInput
}

/** How answers are graded. */
export type GraderInput =
  | {
    readonly [Kind in keyof Kinds]: Omit<Table<Kinds[Kind]>, "kind" | "tests"> & {
      /** Which grader it is. */
      readonly kind: Kind
      /** Calls of the function, each with what it is to give. */
      readonly tests?: ReadonlyArray<Table<typeof testTable>>
    }
  }[keyof Kinds]
  | {
    readonly [Match in keyof Texts]: Omit<Table<Texts[Match]>, "kind" | "match"> & {
      /** A text is looked at. */
      readonly kind: "text"
      /** In which way. */
      readonly match: Match
    }
  }[keyof Texts]

/** What is asked, and how the answer is graded. */
export type TaskInput = Omit<Table<typeof taskTable>, "grader"> & {
  /** How its answers are graded. */
  readonly grader: GraderInput
}

/** A campaign, in the words of a campaign.toml. Without engines and agents it is the demonstration of the command. */
export type CampaignInput =
  & Omit<
    Table<typeof topTable>,
    "agent" | "built-in-tasks" | "concurrency" | "engine" | "judge" | "liveness" | "policy" | "task"
  >
  & {
    /** How many battles run at once at one engine; 3 unless given. */
    readonly concurrency?: ConcurrencyInput
    /** Limits of the watch, in the names that `campaign validate` shows: `"frozen-floor": "90s"`. */
    readonly liveness?: Readonly<Record<string, string | number | boolean>>
    /** When a battle is tried again, and when it is enough. */
    readonly policy?: Table<typeof policyTable>
    /** The inference servers. */
    readonly engine?: ReadonlyArray<EngineInput>
    /** Who is under test. */
    readonly agent?: ReadonlyArray<AgentInput>
    /** The model that judges answers, where tasks ask for one. */
    readonly judge?: Table<typeof judgeTable>
    /** What is asked. */
    readonly task?: ReadonlyArray<TaskInput>
    /** Tasks of this package. */
    readonly "built-in-tasks"?: "all" | ReadonlyArray<string>
  }

/** What the campaign is called where nothing else is said. */
const UNNAMED = "campaign"

/** Reads a campaign; nothing is contacted. Fails with all that is wrong with it, a line each. */
export const define = (input: CampaignInput): Effect.Effect<Definition, ConfigError> =>
  Effect.gen(function*() {
    const path = yield* Path.Path
    const { settings } = yield* readValue(input, path.resolve("."))
    return { id: input.name ?? UNNAMED, ...settings }
  }).pipe(Effect.provide([NodeFileSystem.layer, NodePath.layer]))
