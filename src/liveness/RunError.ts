/**
 * Why a run ended without an answer, as decided by the hop that knew: hung, out of its user's budget, or failed.
 */
import * as Schema from "effect/Schema"
import { Failed } from "./Failed.ts"
import { Slow } from "./Slow.ts"
import { Stalled } from "./Stalled.ts"

/**
 * Why a run ended without an answer: `Stalled`, `Slow` or `Failed`. A schema, too: it crosses wires and enters stores.
 */
export const RunError = Schema.Union([Stalled, Slow, Failed])
export type RunError = typeof RunError.Type
