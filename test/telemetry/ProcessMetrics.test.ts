/** The lag of the event loop: real delays of this process, in stretches of a clock that the test moves. */
// @effect-diagnostics globalTimers:off
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { setTimeout as turn } from "node:timers/promises"
import { countedAlone, pageNow } from "./scrapedPage.ts"

/** Keeps the event loop from anything else for so long, and lets it notice. */
const block = (millis: number) =>
  Effect.promise(async () => {
    await turn(60)
    const until = performance.now() + millis
    while (performance.now() < until) { /* busy */ }
    await turn(60)
  })

const longest = Effect.map(pageNow, (page) => page.value("nodejs_eventloop_delay_max_seconds"))

describe("the metrics of the process", () => {
  it.effect("tell how late the event loop was, of a stretch that has ended", () =>
    Effect.gen(function*() {
      yield* block(150)
      // The first stretch, up to now.
      const first = yield* longest
      assert.isAtLeast(first, 0.12)
      yield* TestClock.adjust("10 seconds")
      const ended = yield* longest
      assert.isAtLeast(ended, first)
      // Whoever else looks sees the same, whatever happens meanwhile.
      yield* block(ended * 1000 + 300)
      assert.strictEqual(yield* longest, ended)
      yield* TestClock.adjust("10 seconds")
      const second = yield* longest
      assert.isAbove(second, ended + 0.1)
      // A stretch begins with nothing of the one before.
      yield* block(0)
      yield* TestClock.adjust("10 seconds")
      assert.isBelow(yield* longest, second)
      const page = yield* pageNow
      assert.isAtLeast(
        page.value("nodejs_eventloop_delay_p99_seconds"),
        page.value("nodejs_eventloop_delay_p50_seconds")
      )
      const share = page.value("nodejs_eventloop_utilization_ratio")
      assert.isTrue(share > 0 && share <= 1, String(share))
      assert.isAbove(page.value("process_memory_usage_bytes"), 1e6)
      assert.isAbove(page.value("process_uptime_seconds"), 0)
      assert.isAbove(page.value("process_cpu_time_seconds_total", { cpu_mode: "user" }), 0)
    }).pipe(Effect.provide(countedAlone)))
})
