/**
 * What is said of a stall in one sentence, wherever it is shown. Pure.
 */
import type { Stall } from "../Frame.ts"
import { singleLine } from "./harmless.ts"
import { duration, many } from "./words.ts"

/** What was silent, for how long, and by which limit it was given up. */
export const stallWords = (stall: Stall): string =>
  `no token from the ${singleLine(stall.hop, 40)} for ${duration(stall.silentMillis)} in ${stall.phase}, after ${
    many(stall.tokens, "token")
  }; limit ${singleLine(stall.limit.words, 120)}`
