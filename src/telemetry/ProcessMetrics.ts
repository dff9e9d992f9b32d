/**
 * The metrics of the process: how late its event loop is, what it uses (adapter for `node:perf_hooks` and `node:v8`).
 *
 * An event loop that is late looks like an engine that is slow, so this is what to look at first. Node measures it with a
 * timer every 20 ms; what is told is how much later than that it ran.
 *
 * Law: a value is of a stretch of 10 s or more, the last one that has ended, so that two who look do not take it away from
 * each other; only in the first 10 s it is of the time up to then.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { getHeapSpaceStatistics } from "node:v8"
import type { MetricBook } from "./MetricBook.ts"
import { catalogue } from "./MetricCatalogue.ts"

const RESOLUTION_MILLIS = 20
const STRETCH_MILLIS = 10_000

/** In seconds, and the share of the time at work. */
interface Stretch {
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly utilization: number
}

/** Keeps the series of the process in the book until the scope ends. */
export const add = Effect.fnUntraced(function*(book: MetricBook): Effect.fn.Return<void, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const delays = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS })
      delays.enable()
      return delays
    }),
    (delays) => Effect.sync(() => void delays.disable())
  )
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const lateness = (nanos: number) => delays.count === 0 ? 0 : Math.max(0, nanos / 1e6 - RESOLUTION_MILLIS) / 1000
  let beganAt = now()
  let workBefore = performance.eventLoopUtilization()
  let last: Stretch | undefined

  const stretch = (): Stretch => {
    const isOver = now() - beganAt >= STRETCH_MILLIS
    if (!isOver && last !== undefined) return last
    const current: Stretch = {
      p50: lateness(delays.percentile(50)),
      p99: lateness(delays.percentile(99)),
      max: lateness(delays.max),
      utilization: performance.eventLoopUtilization(workBefore).utilization
    }
    if (!isOver) return current
    beganAt = now()
    workBefore = performance.eventLoopUtilization()
    delays.reset()
    last = current
    return current
  }

  book.gaugedBy(catalogue.lagP50, {}, () => stretch().p50)
  book.gaugedBy(catalogue.lagP99, {}, () => stretch().p99)
  book.gaugedBy(catalogue.lagMax, {}, () => stretch().max)
  book.gaugedBy(catalogue.utilization, {}, () => stretch().utilization)
  getHeapSpaceStatistics().forEach(({ space_name }, index) => {
    book.gaugedBy(
      catalogue.heapUsed,
      { "v8js.heap.space.name": space_name },
      () => getHeapSpaceStatistics()[index]?.space_used_size ?? 0
    )
  })
  book.gaugedBy(catalogue.memoryUsage, {}, () => process.memoryUsage.rss())
  book.countedBy(catalogue.cpuTime, { "cpu.mode": "user" }, () => process.cpuUsage().user / 1e6)
  book.countedBy(catalogue.cpuTime, { "cpu.mode": "system" }, () => process.cpuUsage().system / 1e6)
  book.gaugedBy(catalogue.uptime, {}, () => process.uptime())
})
