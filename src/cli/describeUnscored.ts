/** What there is to play again, for somebody who has asked for what is not there. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { keyOf } from "../campaign/Battle.ts"
import { CampaignStore } from "../campaign/CampaignStore.ts"
import { nothingMatches } from "../campaign/StoredCommand.ts"

/** "no battle matches: 3 unscored: 2 stalled, 1 failed", from the store in a file. */
export const describeUnscored = Effect.fn("describeUnscored")(function*(file: string) {
  const stored = yield* CampaignStore.use((store) => store.load).pipe(
    Effect.provide(CampaignStore.layerReadonly({ filename: file }), { local: true })
  )
  const { attempts, battles } = Option.getOrElse(stored, () => ({ attempts: [], battles: [] }))
  const verdicts = new Map(attempts.map(({ battle, number, verdict }) => [`${keyOf(battle)} ${number}`, verdict]))
  const counts = new Map<string, number>()
  for (const { battle, outcome } of battles) {
    if (outcome._tag !== "Unscored") continue
    const verdict = verdicts.get(`${keyOf(battle)} ${outcome.attempt}`) ?? "given up"
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
  }
  const kinds = Array.from(counts).toSorted(([, a], [, b]) => b - a)
  const total = kinds.reduce((sum, [, count]) => sum + count, 0)
  return `${nothingMatches}: ${
    total === 0
      ? "none is unscored"
      : `${total} unscored: ${kinds.map(([kind, count]) => `${count} ${kind}`).join(", ")}`
  }`
})
