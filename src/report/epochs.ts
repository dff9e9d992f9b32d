/**
 * What was played while one engine served one model without a restart, and where scores mix what was before and after.
 */
import type { EngineEpoch } from "../campaign/EngineEpoch.ts"
import type { AttemptRow, BattleRow } from "./CampaignRows.ts"
import type { EpochRow, Epochs } from "./Report.ts"

export const epochsOf = (rows: ReadonlyArray<BattleRow>, epochs: ReadonlyArray<EngineEpoch>): Epochs => {
  const played = Map.groupBy(
    rows.flatMap((row) => row.attempts.map((attempt) => ({ row, attempt }))),
    ({ attempt }) => attempt.epoch
  )
  const known = new Map(epochs.map((epoch) => [epoch.id, epoch]))
  const some: ReadonlyArray<EngineEpoch | null> = [...epochs, ...played.has(null) ? [null] : []]
  const mixed = (of: (epoch: number | null) => unknown): number =>
    Array.from(
      Map.groupBy(rows.filter(({ state }) => state === "scored"), ({ battle }) =>
        JSON.stringify([battle.task, battle.agent]))
        .values(),
      (cell) =>
        new Set(cell.map((row) => of(countedOf(row)?.epoch ?? null)))
    ).filter(({ size }) => size > 1).length
  return {
    query: "epochs",
    rows: some.map((epoch) => rowOf(epoch, played.get(epoch?.id ?? null) ?? [])),
    mixedCells: mixed((epoch) => epoch),
    mixedModelCells: mixed((id) => {
      const epoch = id === null ? undefined : known.get(id)
      return epoch === undefined ? null : JSON.stringify([epoch.engine, epoch.modelId, epoch.modelRoot])
    })
  }
}

const countedOf = ({ attempts, countedAttempt }: BattleRow): AttemptRow | undefined =>
  attempts.find(({ number }) => number === countedAttempt)

const rowOf = (
  epoch: EngineEpoch | null,
  played: ReadonlyArray<{ readonly row: BattleRow; readonly attempt: AttemptRow }>
): EpochRow => {
  const count = (verdict: AttemptRow["verdict"]) => played.filter(({ attempt }) => attempt.verdict === verdict).length
  const scores = played.flatMap(({ attempt, row }) =>
    attempt.counted && row.score !== null && attempt.number === row.countedAttempt ? [row.score] : []
  )
  const began = played.map(({ attempt }) => attempt.startedAt).toSorted((left, right) => left - right)
  return {
    epoch,
    attempts: played.length,
    completed: count("completed"),
    stalled: count("stalled"),
    failed: count("failed"),
    scored: scores.length,
    meanScore: scores.length === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / scores.length,
    agents: [...new Set(played.map(({ row }) => row.battle.agent))].toSorted(),
    firstAttemptAt: began[0] ?? null,
    lastAttemptAt: began.at(-1) ?? null
  }
}
