/**
 * How long a campaign will still take, and how sure that is: what is left of it is played many times with costs like those
 * that its battles have had here, and the median is told with the bounds of the middle 95 of 100.
 *
 * The cost of a battle is the time of all its attempts (CostSample.ts says how those in flight count). Each lane plays its
 * own battles, as many at once as it may, and the campaign ends with the slowest. Every repetition weighs the costs anew,
 * so that what a small sample may mislead by is in the bounds, too.
 *
 * What it rests on: that battles to come are like those that have ended here. In simulated campaigns the bounds hold in
 * nine of ten where costs differ by some factor, and in three of four where they have a heavy tail; something rare and long
 * that was not seen yet, such as a first hang, is in no bounds. So nothing is told before `LEAST_ENDED` battles have ended in each lane that has work, nor while a gate is shut.
 *
 * Deterministic: the same view and time give the same numbers.
 */
import { attemptsOf, type CampaignView } from "./CampaignView.ts"
import * as Cells from "./Cells.ts"
import * as CostSample from "./CostSample.ts"
import type { Lane } from "./Lane.ts"

/** Milliseconds from the moment for which it was made. */
export interface Remaining {
  readonly atMillis: number
  readonly millis: number
  readonly lowMillis: number
  readonly highMillis: number
}

/** Battles of a lane that have to have ended before anything is told. */
export const LEAST_ENDED = 5
const REPETITIONS = 60
/** More battles than these are summed up, not played one by one. */
const MOST_PLAYED = 200

/** What is left at `now`; undefined while that cannot be known, or if nothing is left. */
export const estimateRemaining = (view: CampaignView, now: number): Remaining | undefined => {
  const lanes = view.lanes.map((lane) => ({ ...lane, pending: pendingOf(view, lane) })).filter(({ pending }) =>
    pending > 0
  )
  if (lanes.length === 0 || view.gate !== undefined) return undefined
  if (lanes.some(({ costs, halted }) => costs.length < LEAST_ENDED || halted !== null)) return undefined
  const chance = randomFrom(1)
  const works = lanes.map((lane) => workOf(view, lane, now))
  const ends = Array.from({ length: REPETITIONS }, () => Math.max(...works.map((work) => played(work, chance))))
    .toSorted((a, b) => a - b)
  const quantile = (share: number) => ends[Math.min(ends.length - 1, Math.floor(share * ends.length))]!
  return { atMillis: now, millis: quantile(0.5), lowMillis: quantile(0.025), highMillis: quantile(0.975) }
}

/** Battles of a lane that have no outcome. */
const pendingOf = (view: CampaignView, { agents }: Lane): number =>
  (view.definition?.tasks ?? []).reduce(
    (sum, { id }) => agents.reduce((some, agent) => some + Cells.get(view.cells, id, agent).pending, sum),
    0
  )

/** What a lane has still to do. */
interface Work {
  readonly sample: CostSample.CostSample
  /** Of the battles that have begun, in milliseconds. */
  readonly ages: ReadonlyArray<number>
  /** Battles that have not. */
  readonly fresh: number
  readonly most: number
}

const workOf = (
  view: CampaignView,
  { agents, costs, most, pending }: Lane & { readonly pending: number },
  now: number
): Work => {
  const begun = new Map<string, number>()
  for (const [key, { battle, millis }] of view.spent) if (agents.includes(battle.agent)) begun.set(key, millis)
  for (const { battle, beganAtMillis, key } of attemptsOf(view)) {
    if (agents.includes(battle.agent)) begun.set(key, (begun.get(key) ?? 0) + Math.max(0, now - beganAtMillis))
  }
  const ages = [...begun.values()]
  return { sample: CostSample.of(costs, ages), ages, fresh: Math.max(0, pending - ages.length), most }
}

/** How long one repetition of the work takes. */
const played = ({ ages, fresh, most, sample }: Work, chance: () => number): number => {
  const draw = CostSample.drawFrom(sample, () => -Math.log(chance()), chance)
  /** When each of those that play at once is done: a heap, of which the first end is at the top. */
  const ends = ages.map((age) => draw(age) - age).toSorted((a, b) => a - b)
  const one = Math.min(fresh, MOST_PLAYED)
  const bulk = one === fresh ? 0 : summed(Array.from({ length: one }, () => draw(0)), fresh - one, chance) / most
  for (let left = one; left > 0; left--) {
    if (ends.length < most) {
      ends.push(draw(0))
      if (ends.length === most) ends.sort((a, b) => a - b)
    } else replaceFirst(ends, ends[0]! + draw(0))
  }
  return bulk + ends.reduce((last, end) => Math.max(last, end), 0)
}

/** Puts a later end in the place of the first one, and the heap in order. */
const replaceFirst = (heap: Array<number>, end: number): void => {
  let at = 0
  while (true) {
    let child = 2 * at + 1
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
    if (child >= heap.length || heap[child]! >= end) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = end
}

/** A sum of so many costs like these: near enough to a normal distribution where they are many. */
const summed = (costs: ReadonlyArray<number>, count: number, chance: () => number): number => {
  const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length
  const variance = costs.reduce((sum, cost) => sum + (cost - mean) ** 2, 0) / Math.max(1, costs.length - 1)
  const normal = Math.sqrt(-2 * Math.log(chance())) * Math.cos(2 * Math.PI * chance())
  return Math.max(0, count * mean + normal * Math.sqrt(variance * count))
}

/** Numbers between 0 and 1, neither of them included, the same for the same seed (mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296
  }
}
