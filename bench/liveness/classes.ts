/**
 * The classes of runs: 15 healthy ones, which nobody may give up, and 12 hung ones, which have to be found.
 *
 * They are those of the liveness model (section 4) and what false alarms and missed hangs are reported of in practice. A
 * hung class is a healthy beginning, the hang, and the class of finished runs from which limits can be learned. Two
 * more classes show what ours cannot do; they are measured and judge nothing.
 */
import { named, pausedClass } from "./Results.ts"
import { bursty, seconds, slow, steady } from "./stretches.ts"
import type { Plan } from "./World.ts"

export interface HealthyClass {
  readonly name: string
  readonly plan: Plan
  /** The metrics prove nothing, so ours may give up as many as without. */
  readonly misled?: boolean
  /** Beyond what ours promises. */
  readonly beyond?: boolean
}

export interface HungClass {
  readonly name: string
  /** Up to the hang. */
  readonly before: Plan
  readonly hang: Plan["stretches"]
  /** Finished runs of the same kind. */
  readonly well: Plan
  readonly beyond?: boolean
}

const prefill = seconds("prefill", 0.3, 2)
const tokens = steady(20, 60)
const plan = (...stretches: Plan["stretches"]): Plan => ({ stretches })

const hidden = plan(prefill, tokens, seconds("hidden", 60, 330), tokens)
const round = [seconds("waiting", 29, 190), seconds("prefill", 1, 10), tokens] as const

export const healthyClasses: ReadonlyArray<HealthyClass> = [
  { name: "steady, 30 tok/s", plan: plan(prefill, tokens) },
  { name: "bursty, pauses of 0.5-12 s", plan: plan(prefill, bursty(60, 300)) },
  { name: "prefill of 60-400 s", plan: plan(seconds("prefill", 60, 400), tokens) },
  { name: "queue of 90-240 s", plan: plan(seconds("waiting", 90, 240), prefill, tokens) },
  {
    name: "queue of 5-12 min, keep-alives",
    plan: { ...plan(seconds("waiting", 300, 720), prefill, tokens), keepAliveMillis: 15_000 }
  },
  { name: "hidden reasoning, 60-330 s", plan: hidden },
  {
    name: "preempted 2-4 times, 30-200 s",
    plan: plan(
      prefill,
      tokens,
      ...round,
      ...round,
      (random) => ({
        // Two more rounds, each every other time.
        ...round[0](random),
        ...random() < 0.5 ? { millis: 0 } : {}
      }),
      tokens,
      (random) => ({ ...round[0](random), ...random() < 0.5 ? { millis: 0 } : {} }),
      prefill,
      tokens
    )
  },
  { name: "slow, 0.2 tok/s", plan: { ...plan(prefill, slow(300, 1200)), alone: true } },
  { name: "engine pause of 15-50 s", plan: plan(prefill, tokens, seconds("frozen", 15, 50), tokens) },
  {
    name: "prepared for 30-150 s, idle",
    plan: { ...plan(seconds("preparing", 30, 150), prefill, tokens), alone: true }
  },
  { name: "metrics of another replica", plan: { ...hidden, foreignMetrics: true }, misled: true },
  {
    name: "behind a prefill of 60-300 s",
    plan: plan(prefill, tokens, seconds("waiting", 0, 2), seconds("behind prefill", 60, 300), prefill, tokens)
  },
  { name: pausedClass, plan: { ...plan(prefill, tokens), clientPause: [40, 300] } },
  { name: "engine asleep for 5 min", plan: plan(prefill, tokens, seconds("asleep", 300), tokens) },
  { name: "deferred for 1-9 min", plan: plan(seconds("deferred", 60, 540), prefill, tokens) },
  {
    name: "engine pause of 60-120 s (*)",
    plan: plan(prefill, tokens, seconds("frozen", 60, 120), tokens),
    beyond: true
  },
  {
    // What earlier runs proved of the metrics does not hold for this one, and it has no time to find that out.
    name: "another replica, soon silent (*)",
    plan: { ...plan(prefill, steady(0, 10), seconds("hidden", 60, 330), tokens), foreignMetrics: true },
    beyond: true
  }
]

/** Longer than anybody looks. */
const HOURS = 7200
const steadily = plan(prefill, tokens)
const slowly: Plan = { ...plan(prefill, slow(60, 600)), alone: true }
const queued = (from: number, to: number) => plan(seconds("waiting", from, to))
const silently = (from: number, to: number) => plan(prefill, tokens, seconds("hidden", from, to))
const frozen = [seconds("frozen", HOURS)] as const

export const hungClasses: ReadonlyArray<HungClass> = [
  { name: named.midStream, before: steadily, hang: frozen, well: steadily },
  { name: "of a slow stream, 0.2 tok/s", before: slowly, hang: frozen, well: slowly },
  { name: "before the first token", before: plan(prefill), hang: frozen, well: steadily },
  {
    name: "after the role chunk",
    before: { ...plan(prefill), roleFirst: true },
    hang: frozen,
    well: { ...steadily, roleFirst: true }
  },
  {
    name: "mid-stream, keep-alives go on",
    before: { ...steadily, keepAliveMillis: 15_000 },
    hang: frozen,
    well: { ...steadily, keepAliveMillis: 15_000 }
  },
  {
    name: "while queued for 10-100 s",
    before: queued(10, 100),
    hang: frozen,
    well: plan(seconds("waiting", 10, 240), prefill, tokens)
  },
  {
    name: "in reasoning hidden for 10-180 s",
    before: silently(10, 180),
    hang: frozen,
    well: plan(...silently(10, 330).stretches, tokens)
  },
  {
    name: named.lost,
    before: { ...steadily, alone: false },
    hang: [seconds("lost", HOURS)],
    well: steadily
  },
  { name: named.dead, before: steadily, hang: [seconds("refused", HOURS)], well: steadily },
  {
    name: "decode dead, prefill goes on",
    before: { ...steadily, alone: false },
    hang: [seconds("no decode", HOURS)],
    well: steadily
  },
  {
    name: "server restarted, half open",
    before: steadily,
    hang: [seconds("refused", 0, 4), seconds("restarted", HOURS)],
    well: steadily
  },
  { name: "mid-stream, gauges read 0", before: steadily, hang: [seconds("frozen empty", HOURS)], well: steadily },
  {
    name: "lost among strangers (*)",
    before: { ...steadily, alone: false, strangers: true },
    hang: [seconds("lost", HOURS)],
    well: steadily,
    beyond: true
  }
]
