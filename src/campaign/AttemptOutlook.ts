/**
 * What is known of an attempt while nothing comes of it, besides its tokens: the limit that will end its silence, what its
 * engine does and who says so, and what it is called.
 *
 * It is told when it changes, and is `calm` again with the next token.
 */
import * as Schema from "effect/Schema"
import type { Followed } from "../a2a/TaskEvent.ts"
import * as Outlook from "../liveness/Outlook.ts"

/**
 * Who says what the engine does: the agents between us and it, who watch it; the tap in front of it; or its own metrics,
 * where its user named it and nobody sees our request in it.
 */
const EngineWitnessedBy = Schema.Literals(["agent", "tap", "metrics"])

/** What is known of a silent attempt. */
export const AttemptOutlook = Schema.Struct({
  /** The `sinceMillis` of its limit is in milliseconds since the attempt began. */
  ...Outlook.Outlook.fields,
  /** `null` where nothing is known of the engine. */
  engineBy: Schema.NullOr(EngineWitnessedBy)
})
export type AttemptOutlook = typeof AttemptOutlook.Type

/** Nothing is to be said. */
export const calm: AttemptOutlook = { ...Outlook.calm, engineBy: null }

export const isSame = (one: AttemptOutlook, other: AttemptOutlook): boolean =>
  one.engineBy === other.engineBy && Outlook.isSame(one, other)

/**
 * Of a run that is watched: `laterMillis` is by how much a moment is later in the attempt's time than in the run's, and
 * `named` whether its user has named its engine.
 */
export const ofRun = (
  outlook: Outlook.Outlook,
  { followed, laterMillis, named }: {
    readonly followed: Pick<Followed, "exact" | "mode"> | undefined
    readonly laterMillis: number
    readonly named: boolean
  }
): AttemptOutlook => ({
  ...outlook,
  limit: outlook.limit === null
    ? null
    : { ...outlook.limit, sinceMillis: Math.round(outlook.limit.sinceMillis + laterMillis) },
  engineBy: outlook.engine === "unknown"
    ? null
    : followed?.mode === "tap"
    ? "tap"
    : named && followed?.exact !== true
    ? "metrics"
    : "agent"
})
