/**
 * What is known of a silence while it lasts, for people who watch: the limit that will end it and since when that counts,
 * what the engine does, and what the run is called. `outlookOf.ts` finds it; views and stores only need what it is.
 */
import * as Schema from "effect/Schema"
import { LimitInForce } from "./LimitInForce.ts"
import { EngineDigest } from "./LivenessInput.ts"
import { SlowReason } from "./SlowReason.ts"
import { StallKind } from "./StallKind.ts"

/** What an engine does, as far as the run knows. */
export const EngineState = Schema.Literals([...EngineDigest.literals, "still"])
export type EngineState = typeof EngineState.Type

const CountingLimit = Schema.Struct({
  ...LimitInForce.fields,
  /** From when it counts, in milliseconds since the run began. */
  sinceMillis: Schema.Finite
})
export type CountingLimit = typeof CountingLimit.Type

/** What is known of a silence while it lasts, for displays. */
export const Outlook = Schema.Struct({
  /** What ends the run if nothing comes; `null` where nothing does. */
  limit: Schema.NullOr(CountingLimit),
  /** What the engine does. */
  engine: EngineState,
  /** Why it is called slow; `null` where it is not. */
  slow: Schema.NullOr(SlowReason),
  /** What it was found to be where the policy is to warn and not to end it. */
  stalled: Schema.NullOr(StallKind)
})
export type Outlook = typeof Outlook.Type

/** Nothing is to be said. */
export const calm: Outlook = { limit: null, engine: "unknown", slow: null, stalled: null }

/** Two beginnings of a limit that lie closer together are the same one, in milliseconds: clocks of hops differ. */
const SAME_MILLIS = 1500

/** Whether two outlooks say the same. */
export const isSame = (one: Outlook, other: Outlook): boolean =>
  one.engine === other.engine && one.slow === other.slow && one.stalled === other.stalled &&
  one.limit?.name === other.limit?.name && one.limit?.millis === other.limit?.millis &&
  one.limit?.origin === other.limit?.origin &&
  Math.abs((one.limit?.sinceMillis ?? 0) - (other.limit?.sinceMillis ?? 0)) < SAME_MILLIS
