/**
 * Which battle is begun next: the decisions of a campaign, given what is stored and what is in flight.
 *
 * Battles of one task and one agent make a *cell*, whose target is the number of repetitions. The next battle is one of
 * the cell that is furthest from its target, by its share of battles scored or in flight, so that every task has met every
 * agent before any meets one again; ties are broken by the seed. Each lane has its own cells, and none waits for another.
 *
 * Laws: a battle is given at most once until it is `waits` or `reopened`; what has been settled is never given; a battle
 * that waits is not given before its time; the same calls give the same battles. Nothing here knows a clock: `now` is the
 * caller's, in milliseconds.
 *
 * Gotcha: it is changed in place, because a campaign has thousands of battles and a copy for each would be most of the
 * runner's work.
 */
import type { Battle, Outcome } from "./Battle.ts"
import { keyOf, orderOf } from "./Battle.ts"
import { type Definition, laneOf } from "./Definition.ts"

interface Waiting {
  readonly repetition: number
  readonly untilMillis: number
}

interface Cell {
  readonly task: string
  readonly agent: string
  /** Battles that are planned. */
  target: number
  scored: number
  inFlight: number
  /** Repetitions to be begun, the lowest last. */
  readonly ready: Array<number>
  readonly waiting: Array<Waiting>
  /** Where the seed puts the first of those that are ready. */
  order: { readonly repetition: number; readonly place: number }
}

export class BattlePlan {
  readonly #seed: number
  readonly #lanes = new Map<string, Array<Cell>>()
  readonly #cells = new Map<string, Cell>()
  #pending = 0

  constructor(
    definition: Pick<Definition, "agents" | "seed">,
    battles: ReadonlyArray<{ readonly battle: Battle; readonly outcome: Outcome }>
  ) {
    this.#seed = definition.seed
    this.add(definition, battles)
  }

  /** Battles that a campaign has more than before, each once. */
  add(
    { agents }: Pick<Definition, "agents">,
    battles: ReadonlyArray<{ readonly battle: Battle; readonly outcome: Outcome }>
  ): void {
    const lanes = new Map(agents.map((agent) => [agent.name, laneOf(agent)]))
    for (const { battle, outcome } of battles) {
      const cell = this.#cellOf(battle, lanes.get(battle.agent) ?? "")
      cell.target++
      if (outcome._tag === "Scored") cell.scored++
      if (outcome._tag !== "Pending") continue
      this.#pending++
      cell.ready.push(battle.repetition)
    }
    for (const cell of this.#cells.values()) cell.ready.sort((a, b) => b - a)
  }

  /** Battles without an outcome, those in flight among them. */
  get pending(): number {
    return this.#pending
  }

  /** The same of one lane. */
  pendingOf(lane: string): number {
    let count = 0
    for (const { inFlight, ready, waiting } of this.#lanes.get(lane) ?? []) {
      count += inFlight + ready.length + waiting.length
    }
    return count
  }

  /** Takes the next battle of a lane that may begin now, of an agent that is admitted; none if there is none. */
  next(lane: string, now: number, admits: (agent: string) => boolean): Battle | undefined {
    let best:
      | { readonly cell: Cell; readonly battle: Battle; readonly covered: number; readonly order: number }
      | undefined
    for (const cell of this.#lanes.get(lane) ?? []) {
      const covered = (cell.scored + cell.inFlight) / cell.target
      if (best !== undefined && covered > best.covered) continue
      wake(cell, now)
      const repetition = cell.ready.at(-1)
      if (repetition === undefined || !admits(cell.agent)) continue
      const battle = { task: cell.task, agent: cell.agent, repetition }
      if (cell.order.repetition !== repetition) cell.order = { repetition, place: orderOf(this.#seed, battle) }
      const order = cell.order.place
      if (best === undefined || covered < best.covered || order < best.order) best = { cell, battle, covered, order }
    }
    if (best === undefined) return undefined
    best.cell.ready.pop()
    best.cell.inFlight++
    return best.battle
  }

  /** When the first of a lane's waiting battles may begin, if any waits. */
  dueAtMillis(lane: string): number | undefined {
    let due: number | undefined
    for (const { waiting } of this.#lanes.get(lane) ?? []) {
      for (const { untilMillis } of waiting) due = Math.min(due ?? Infinity, untilMillis)
    }
    return due
  }

  /** How many battles of an agent are in flight. */
  inFlightOf(agent: string): number {
    let count = 0
    for (const cell of this.#cells.values()) if (cell.agent === agent) count += cell.inFlight
    return count
  }

  /** A battle that was given shall be tried again, at the earliest then. */
  waits(battle: Battle, untilMillis: number): void {
    const cell = this.#known(battle)
    cell.inFlight--
    cell.waiting.push({ repetition: battle.repetition, untilMillis })
  }

  /** A battle that was given has its outcome. */
  settled(battle: Battle, isScored: boolean): void {
    const cell = this.#known(battle)
    cell.inFlight--
    if (isScored) cell.scored++
    this.#pending--
  }

  /** A battle that had ended without a score is to be played again. */
  reopened(battle: Battle): void {
    const cell = this.#known(battle)
    this.#pending++
    cell.waiting.push({ repetition: battle.repetition, untilMillis: -Infinity })
  }

  /** Battles that are neither in flight nor settled and match: they are taken out of the plan, and given back. */
  giveUp(matches: (battle: Battle) => boolean): ReadonlyArray<Battle> {
    const given: Array<Battle> = []
    for (const cell of this.#cells.values()) {
      const battleOf = (repetition: number) => ({ task: cell.task, agent: cell.agent, repetition })
      const takeFrom = <A>(items: Array<A>, repetitionOf: (item: A) => number) => {
        const kept = items.filter((item) => {
          const battle = battleOf(repetitionOf(item))
          if (matches(battle)) given.push(battle)
          else return true
          return false
        })
        items.splice(0, items.length, ...kept)
      }
      takeFrom(cell.ready, (repetition) => repetition)
      takeFrom(cell.waiting, ({ repetition }) => repetition)
    }
    this.#pending -= given.length
    return given
  }

  #known({ agent, task }: Battle): Cell {
    return this.#cells.get(cellKey(task, agent))!
  }

  #cellOf({ agent, task }: Battle, lane: string): Cell {
    const key = cellKey(task, agent)
    const known = this.#cells.get(key)
    if (known !== undefined) return known
    const cell: Cell = { task, agent, target: 0, scored: 0, inFlight: 0, ready: [], waiting: [], order: noOrder }
    this.#cells.set(key, cell)
    const cells = this.#lanes.get(lane)
    if (cells === undefined) this.#lanes.set(lane, [cell])
    else cells.push(cell)
    return cell
  }
}

const noOrder = { repetition: -1, place: 0 }

const cellKey = (task: string, agent: string): string => keyOf({ task, agent, repetition: 0 })

/** Makes ready what has waited long enough, the longest wait first. */
const wake = (cell: Cell, now: number): void => {
  if (cell.waiting.length === 0) return
  const due = cell.waiting.filter(({ untilMillis }) => untilMillis <= now)
  if (due.length === 0) return
  const later = cell.waiting.filter(({ untilMillis }) => untilMillis > now)
  cell.waiting.splice(0, cell.waiting.length, ...later)
  cell.ready.push(...due.map(({ repetition }) => repetition))
  cell.ready.sort((a, b) => b - a)
}
