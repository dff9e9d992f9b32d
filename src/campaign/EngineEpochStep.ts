/**
 * What an engine is while it serves a campaign: the server process, and the models it serves to us. An *epoch* is the time
 * in which neither changes. Numbers of different epochs were not measured on the same thing, so every attempt says its own.
 *
 * A pure reducer over looks at the engine. A look that failed says nothing. A restart begins an epoch; so does another
 * model behind the name that we ask for (`root`, which vLLM tells beside the id). Where the policy is "stop" another model
 * halts the lane until the old one is back; where it is "continue" the lane goes on, unless what we ask for by name is not
 * served any more.
 *
 * Gotcha: servers that tell neither a root nor when they began look the same before and after a restart.
 */
import type { ModelChangePolicy } from "./EngineDefinition.ts"

export interface ServedModel {
  readonly id: string
  /** What stands behind the id, where the server tells. */
  readonly root: string | null
}

/** What an engine says of itself. */
export interface EngineLook {
  /** Those that it serves, the first one first. */
  readonly models: ReadonlyArray<ServedModel>
  /** When its process began, in milliseconds since 1970, where it tells. */
  readonly startedAtMillis: number | null
}

export interface EpochState {
  /** The models of the current epoch that battles ask for, and its process; `undefined` before the first look. */
  readonly identity: Identity | undefined
  /** The models that the campaign began with. */
  readonly first: ReadonlyArray<ServedModel>
  readonly epochs: number
  /** Why no battle may begin. */
  readonly halted: string | null
}

interface Identity {
  readonly models: ReadonlyArray<ServedModel>
  readonly startedAtMillis: number | null
}

/** An epoch, as it is told. */
export interface EpochBegan {
  /** Its name. */
  readonly engine: string
  /** What battles ask for, in words. */
  readonly models: string
  /** What they were made from, where it says; in words. */
  readonly roots: string | null
  /** When its process began, in milliseconds since 1970, where it says. */
  readonly startedAtMillis: number | null
  /** Why it began; a clause. */
  readonly why: string
  /** There was none before. */
  readonly isFirst: boolean
}

export interface EpochRules {
  readonly engine: string
  /** The models that agents name; whatever is served first, where none does. */
  readonly named: ReadonlyArray<string>
  readonly anyModel: boolean
  readonly onModelChange: ModelChangePolicy
}

export const initial: EpochState = { identity: undefined, first: [], epochs: 0, halted: null }

/** Process start times are told in seconds, some of them rounded. */
const SAME_START_MILLIS = 1500

/** The state after a look, and the epoch that began with it, if one did. */
export const step = (
  state: EpochState,
  look: EngineLook,
  rules: EpochRules
): readonly [EpochState, EpochBegan | undefined] => {
  const models = usedOf(look.models, rules)
  const before = state.identity
  // Who does not tell now has told before.
  const identity: Identity = { models, startedAtMillis: look.startedAtMillis ?? before?.startedAtMillis ?? null }
  const first = before === undefined ? models : state.first
  const missing = rules.named.filter((id) => !look.models.some((model) => model.id === id))
  const changed = textOf(models) !== textOf(first)
  const halted = missing.length > 0
    ? `engine ${rules.engine} does not serve ${missing.join(", ")}${
      before === undefined ? "" : " any more"
    }; it serves ${idsOf(look.models)}`
    : changed && rules.onModelChange === "stop"
    ? `engine ${rules.engine} serves another model than at first: ${textOf(models)} instead of ${textOf(first)}`
    : null
  const why = before === undefined
    ? "it is the first"
    : textOf(before.models) !== textOf(models)
    ? `it serves ${textOf(models) || "none of our models"} instead of ${textOf(before.models) || "none"}`
    : isRestart(before, identity)
    ? "its server has been restarted"
    : undefined
  const next = { identity, first, halted, epochs: state.epochs + (why === undefined ? 0 : 1) }
  return [
    next,
    why === undefined ? undefined : {
      engine: rules.engine,
      models: models.map(({ id }) => id).join(", "),
      roots: models.some(({ root }) => root !== null) ? models.map(({ root }) => root ?? "?").join(", ") : null,
      startedAtMillis: look.startedAtMillis,
      why,
      isFirst: before === undefined
    }
  ]
}

/** The model that is asked for where no agent names one. */
export const servedFirst = ({ identity }: EpochState): string | undefined => identity?.models[0]?.id

const usedOf = (served: ReadonlyArray<ServedModel>, { anyModel, named }: EpochRules): ReadonlyArray<ServedModel> => [
  ...anyModel ? served.slice(0, 1) : [],
  ...served.filter(({ id }) => named.includes(id)).toSorted((a, b) => named.indexOf(a.id) - named.indexOf(b.id))
]

const isRestart = (before: Identity, after: Identity): boolean =>
  before.startedAtMillis !== null && after.startedAtMillis !== null &&
  Math.abs(before.startedAtMillis - after.startedAtMillis) > SAME_START_MILLIS

const textOf = (models: ReadonlyArray<ServedModel>): string =>
  models.map(({ id, root }) => root === null || root === id ? id : `${id} (${root})`).join(", ")

const idsOf = (models: ReadonlyArray<ServedModel>): string =>
  models.length === 0 ? "no model" : models.map(({ id }) => id).join(", ")
