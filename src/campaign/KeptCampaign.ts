/**
 * A campaign as a store keeps it, in memory: the laws of `CampaignStore` without any storage.
 *
 * Every operation decides first and changes nothing: its failure, or its answer with the change that it would make. So
 * whoever writes operations down can do that between the two, and what could not be written has not happened.
 *
 * Laws: the same operations in the same order give the same campaign and the same answers as the tables of the SQLite store
 * do (a test plays both). A change never fails.
 */
import * as Result from "effect/Result"
import type { AttemptRecord } from "./AttemptRecord.ts"
import { type Battle, keyOf, Outcome, plan } from "./Battle.ts"
import type { Definition } from "./Definition.ts"
import type { EngineEpoch, NewEpoch } from "./EngineEpoch.ts"
import { names, type Selection } from "./Selection.ts"
import type {
  AttemptStart,
  AttemptSummary,
  CampaignState,
  Recorded,
  StoredBattle,
  StoredCampaign
} from "./StoredCampaign.ts"
import { StoreError, StoreErrorReason } from "./StoreError.ts"

/** An operation that has been decided. */
export interface Decided<A> {
  readonly answer: A
  /** Makes the change; called once, before anything else is decided. */
  readonly commit: () => void
}

type Decision<A> = Result.Result<Decided<A>, StoreError>

interface KeptAttempt {
  readonly number: number
  readonly battle: KeptBattle
  readonly start: AttemptStart
  /** `undefined` while it is in flight. */
  ended: AttemptSummary | undefined
  /** What it ended with. */
  error: AttemptRecord["error"]
  /** Its battle's outcome rests on it. */
  counted: boolean
}

interface KeptBattle {
  readonly battle: Battle
  outcome: Outcome
  /** Attempts up to this number are of before it was last opened again. */
  reopenedAfter: number
  readonly attempts: Array<KeptAttempt>
}

const refused = <A>(operation: string, detail: string): Decision<A> =>
  Result.fail(new StoreError({ reason: StoreErrorReason.cases.Query.make({ operation, detail }) }))

const decided = <A>(answer: A, commit: () => void): Decision<A> => Result.succeed({ answer, commit })

/** Unlike `keyOf`, which is for people, never the same for two battles. */
const exactKey = ({ agent, repetition, task }: Battle): string => JSON.stringify([task, agent, repetition])

const pending = Outcome.cases.Pending.make({})

export class KeptCampaign {
  #campaign: Omit<StoredCampaign, "battles" | "attempts"> | undefined
  /** In the order of the plan. */
  readonly #battles = new Map<string, KeptBattle>()
  /** In the order in which they began. */
  readonly #attempts: Array<KeptAttempt> = []
  readonly #epochs: Array<EngineEpoch> = []

  /** As it stands; `undefined` if there is none. */
  load(): StoredCampaign | undefined {
    return this.#campaign === undefined ? undefined : {
      ...this.#campaign,
      battles: Array.from(this.#battles.values(), storedOf),
      attempts: this.#attempts.flatMap(({ ended }) => ended === undefined ? [] : [ended])
    }
  }

  epochs(): ReadonlyArray<EngineEpoch> {
    return [...this.#epochs]
  }

  create(definition: Definition, configHash: string | null, createdAt: number): Decision<void> {
    if (this.#campaign !== undefined) return refused("create the campaign", "there is one already")
    return decided(undefined, () => {
      this.#campaign = { definition, configHash, createdAt, state: "running" }
      this.#add(plan(definition))
    })
  }

  extend(definition: Definition, configHash: string | null): Decision<void> {
    const campaign = this.#campaign
    if (campaign === undefined) return refused("change the campaign", "there is none")
    const planned = plan(definition)
    const kept = new Set(planned.map(exactKey))
    const missing = Array.from(this.#battles.values()).filter(({ battle }) => !kept.has(exactKey(battle)))
    return missing.length > 0
      ? Result.fail(
        new StoreError({
          reason: StoreErrorReason.cases.NotExtended.make({
            missing: missing.length,
            example: keyOf(missing[0]!.battle)
          })
        })
      )
      : decided(undefined, () => {
        this.#campaign = { ...campaign, definition, configHash }
        this.#add(planned.filter((battle) => !this.#battles.has(exactKey(battle))))
      })
  }

  begin(battle: Battle, start: AttemptStart): Decision<number> {
    const operation = "begin an attempt"
    const found = this.#battles.get(exactKey(battle))
    if (found === undefined) return refused(operation, `no battle ${keyOf(battle)} is planned`)
    const { outcome: { _tag } } = found
    if (_tag !== "Pending") {
      const state = _tag === "Scored" ? "scored" as const : "unscored" as const
      return Result.fail(
        new StoreError({ reason: StoreErrorReason.cases.NotPending.make({ battle: keyOf(battle), state }) })
      )
    }
    if (!this.#knows(start.epoch)) return refused(operation, `no epoch ${start.epoch} was added`)
    const number = found.attempts.length + 1
    return decided(number, () => {
      const attempt: KeptAttempt = {
        number,
        battle: found,
        start: { ...start, startedAt: Math.round(start.startedAt) },
        ended: undefined,
        error: null,
        counted: false
      }
      found.attempts.push(attempt)
      this.#attempts.push(attempt)
    })
  }

  record(record: AttemptRecord): Decision<Recorded> {
    const { battle, error, number, outcome } = record
    const operation = "save an attempt"
    const found = this.#battles.get(exactKey(battle))?.attempts[number - 1]
    if (found === undefined) return refused(operation, `attempt ${number} of ${keyOf(battle)} was never begun`)
    if (found.ended !== undefined && found.ended.verdict !== "abandoned") {
      return refused(operation, `attempt ${number} of ${keyOf(battle)} has ended already, ${found.ended.verdict}`)
    }
    if (!this.#knows(record.epoch)) return refused(operation, `no epoch ${record.epoch} was added`)
    const late = found.ended !== undefined || isLate(found)
    const counted = !late && outcome._tag !== "Pending"
    return decided(counted ? "counted" : late ? "superseded" : "kept", () => {
      found.error = error
      found.counted = counted
      found.ended = {
        battle: found.battle.battle,
        number,
        verdict: record.verdict,
        startedAt: found.start.startedAt,
        tokens: record.tokens,
        tokenBasis: record.tokenBasis,
        mode: record.mode,
        timeToFirstTokenMillis: record.timeToFirstTokenMillis,
        tokensPerSecond: record.tokensPerSecond,
        durationMillis: record.durationMillis,
        superseded: late,
        charged: record.charged && !late,
        epoch: record.epoch
      }
      if (counted) found.battle.outcome = { ...outcome, attempt: number }
    })
  }

  /** Nothing is known of what came of them. */
  abandon(): Decision<number> {
    const open = this.#attempts.filter(({ ended }) => ended === undefined)
    return decided(open.length, () => {
      for (const attempt of open) {
        attempt.ended = {
          battle: attempt.battle.battle,
          number: attempt.number,
          verdict: "abandoned",
          startedAt: attempt.start.startedAt,
          tokens: 0,
          tokenBasis: "deltas",
          mode: "stream",
          timeToFirstTokenMillis: null,
          tokensPerSecond: null,
          durationMillis: 0,
          superseded: isLate(attempt),
          charged: false,
          epoch: attempt.start.epoch
        }
      }
    })
  }

  addEpoch(epoch: NewEpoch): Decision<number> {
    const id = this.#epochs.length + 1
    return decided(id, () => void this.#epochs.push({ id, ...epoch }))
  }

  reopen(selection: Selection): Decision<ReadonlyArray<Battle>> {
    const isMeant = verdictsOf(selection)
    const opened = Array.from(this.#battles.values()).filter((kept) =>
      kept.outcome._tag === "Unscored" && names(selection, kept.battle) &&
      isMeant(() => kept.attempts.find(({ counted }) => counted)?.ended?.verdict)
    )
    return decided(opened.map(({ battle }) => battle), () => {
      for (const kept of opened) {
        kept.outcome = pending
        kept.reopenedAfter = kept.attempts.length
        for (const attempt of kept.attempts) attempt.counted = false
      }
    })
  }

  giveUp(selection: Selection, reason: string, only: ReadonlyArray<Battle> | null): Decision<number> {
    const isMeant = verdictsOf(selection)
    const among = only === null ? undefined : new Set(only.map(exactKey))
    const given = Array.from(this.#battles.values()).filter((kept) =>
      kept.outcome._tag === "Pending" && names(selection, kept.battle) &&
      among?.has(exactKey(kept.battle)) !== false &&
      isMeant(() => kept.attempts.findLast(({ ended }) => ended !== undefined)?.ended?.verdict)
    )
    return decided(given.length, () => {
      for (const kept of given) kept.outcome = Outcome.cases.Unscored.make({ reason, attempt: 0 })
    })
  }

  setState(state: CampaignState): Decision<void> {
    return decided(undefined, () => {
      if (this.#campaign !== undefined) this.#campaign = { ...this.#campaign, state }
    })
  }

  #knows(epoch: number | null): boolean {
    return epoch === null || (epoch >= 1 && epoch <= this.#epochs.length)
  }

  #add(battles: ReadonlyArray<Battle>): void {
    for (const battle of battles) {
      this.#battles.set(exactKey(battle), { battle, outcome: pending, reopenedAfter: 0, attempts: [] })
    }
  }
}

/** Whether what it brings is of no effect any more, whatever it is. */
const isLate = ({ battle: { attempts, outcome, reopenedAfter }, number }: KeptAttempt): boolean =>
  outcome._tag !== "Pending" || number <= reopenedAfter || number < attempts.length

/** Whether a verdict is one of the selection's; any is where it names none, or all that are unscored. */
const verdictsOf = ({ verdicts }: Selection) => (verdictOf: () => AttemptSummary["verdict"] | undefined): boolean =>
  verdicts.length === 0 || verdicts.includes("unscored") || verdicts.some((verdict) => verdict === verdictOf())

const storedOf = ({ attempts, battle, outcome, reopenedAfter }: KeptBattle): StoredBattle => ({
  battle,
  outcome,
  attempts: attempts.length,
  history: outcome._tag !== "Pending" ?
    [] :
    attempts.flatMap(({ ended, error, number }) =>
      ended !== undefined && !ended.superseded && number > reopenedAfter && error !== null && isTrouble(ended.verdict)
        ? [{ error, charged: ended.charged }]
        : []
    )
})

const isTrouble = (verdict: AttemptSummary["verdict"]): boolean =>
  verdict === "stalled" || verdict === "slow" || verdict === "failed"
