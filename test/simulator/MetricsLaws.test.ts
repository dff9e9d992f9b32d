// vLLM's laws of conservation on the text of /metrics, over engines and metrics together, on any schedule of requests,
// clients that leave, and faults. What is asked is known from the clients and from the steps, not from the series.
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as EngineLoop from "../../src/simulator/EngineLoop.ts"
import * as Journal from "../../src/simulator/Journal.ts"
import * as Metrics from "../../src/simulator/Metrics.ts"
import type { StepReport } from "../../src/simulator/Scheduler.ts"
import * as SeededRandom from "../../src/simulator/SeededRandom.ts"
import { seedOf } from "../../src/simulator/SeededRandom.ts"
import type { HoldReason } from "../../src/simulator/Sequence.ts"
import { type Metrics as Scrape, parseMetrics } from "./metricsText.ts"

interface Client {
  readonly id: string
  readonly rank: number
  readonly promptTokens: number
  readonly outputs: Array<EngineLoop.EngineOutput>
  fiber: Fiber.Fiber<void>
  control: EngineLoop.RequestControl | undefined
  heldAs: HoldReason | undefined
  ignoresAbort: boolean
  left: boolean
  lost: boolean
  /** As the steps told it. */
  generated: number
  promptDone: boolean
  finished: boolean
  outputsOfSteps: number
}

interface Settings extends EngineLoop.EngineLoopOptions {
  readonly seed: number
  readonly ranks: number
  readonly kvCacheTokens: number
  readonly leaving: boolean
  /** "freezes": nothing that changes what comes out. */
  readonly faults: "none" | "freezes" | "all"
}

const totalOf = (scrape: Scrape, name: string, engine: string) =>
  Array.from(scrape.all).filter(([series]) =>
    series.startsWith(`vllm:${name}{`) && series.includes(`engine="${engine}"`)
  ).reduce((sum, [, value]) => sum + value, 0)

const ownSeries = (scrape: Scrape, rank: number) =>
  Array.from(scrape.all).filter(([series]) => series.includes(`engine="${rank}"`)).map(([series, value]) =>
    `${series} ${value}`
  ).join("\n")

/** Runs it to its end; what all clients got, and the last scrape. */
const runAll = (settings: Settings) =>
  Effect.gen(function*() {
    const { faults, leaving, ranks, seed } = settings
    const random = SeededRandom.make(seed)
    const chance = SeededRandom.make(seedOf(seed, "faults"))
    const clients = new Map<string, Client>()
    const metrics = yield* Metrics.make({ model: "m", kvCacheTokens: settings.kvCacheTokens, dataParallelSize: ranks })
    const journal = yield* Journal.make
    const aborts = Array.from({ length: ranks }, () => 0)
    const hear = (rank: number) => (step: StepReport) => {
      for (const sequence of step.outputs) {
        const client = clients.get((sequence as unknown as { readonly request: { readonly id: string } }).request.id)!
        assert.strictEqual(client.rank, rank)
        client.generated += sequence.made
        client.finished = sequence.state === "finished"
        if (sequence.made > 0) client.outputsOfSteps++
        if (sequence.finishReason === "abort" && client.finished) aborts[rank]!++
        else client.promptDone = true
      }
      metrics.step(rank, step)
    }
    const engines = yield* Effect.forEach(
      Array.from({ length: ranks }, (_, rank) => rank),
      (rank) => EngineLoop.make(settings, journal, hear(rank))
    )
    /** What lets a rank go on that hangs, and its series when it began. */
    const hangs = new Map<number, { readonly goOn: () => void; readonly before: string }>()
    const asleep = new Map<number, string>()
    const decodes = engines.map(() => true)
    const read = Effect.map(metrics.text, parseMetrics)
    let before: Scrape | undefined

    const checkRank = (scrape: Scrape, rank: number) => {
      const engine = String(rank)
      const value = (name: string) => scrape.value(`vllm:${name}`, { engine })
      const mine = Array.from(clients.values()).filter((client) => client.rank === rank)
      const sum = (of: (client: Client) => number) => mine.reduce((total, client) => total + of(client), 0)
      assert.strictEqual(value("generation_tokens_total"), sum(({ generated }) => generated))
      assert.strictEqual(
        value("prompt_tokens_total"),
        sum(({ promptDone, promptTokens }) => promptDone ? promptTokens : 0)
      )
      assert.strictEqual(totalOf(scrape, "request_success_total", engine), sum(({ finished }) => Number(finished)))
      assert.strictEqual(
        value("inter_token_latency_seconds_count") + value("time_to_first_token_seconds_count"),
        sum(({ outputsOfSteps }) => outputsOfSteps) + aborts[rank]!
      )
      assert.strictEqual(totalOf(scrape, "num_requests_waiting_by_reason", engine), value("num_requests_waiting"))
      const frozen = hangs.get(rank)?.before ?? asleep.get(rank)
      if (frozen !== undefined) return assert.strictEqual(ownSeries(scrape, rank), frozen)
      const open = mine.filter(({ finished, ignoresAbort, left, lost }) =>
        !finished && !lost && (!left || ignoresAbort)
      )
      assert.strictEqual(value("num_requests_running") + value("num_requests_waiting"), open.length)
      assert.strictEqual(
        scrape.value("vllm:num_requests_waiting_by_reason", { engine, reason: "deferred" }),
        open.filter(({ heldAs }) => heldAs === "deferred").length
      )
    }

    const check = Effect.gen(function*() {
      // The reader throws where buckets are not cumulative.
      const scrape = yield* read
      for (const [series, count] of before?.all ?? []) {
        if (scrape.types.get(series.replace(/\{.*/, "")) !== "gauge") {
          assert.isAtLeast(scrape.all.get(series)!, count, series)
        }
      }
      before = scrape
      for (const rank of engines.keys()) checkRank(scrape, rank)
      for (const { finished, generated, left, outputs } of clients.values()) {
        const got = outputs.at(-1)?.generated ?? 0
        assert.strictEqual(outputs.reduce((total, { tokens }) => total + tokens.length, 0), got)
        if (left) assert.isAtMost(got, generated)
        else assert.isTrue(finished ? got === generated : got <= generated && got > generated - settings.streamInterval)
      }
    })

    const submit = Effect.gen(function*() {
      const id = String(clients.size)
      const own = SeededRandom.make(seedOf(seed, id))
      const rank = own.integer(ranks)
      const all = faults === "all"
      const client: Client = {
        id,
        rank,
        promptTokens: 1 + own.integer(40),
        outputs: [],
        fiber: Fiber.interruptAll as never,
        control: undefined,
        heldAs: all && own.uniform() < 0.1 ? "deferred" : undefined,
        ignoresAbort: all && own.uniform() < 0.1,
        left: false,
        lost: false,
        generated: 0,
        promptDone: false,
        finished: false,
        outputsOfSteps: 0
      }
      clients.set(id, client)
      client.fiber = yield* Effect.forkChild(
        Stream.runForEachArray(
          engines[rank]!.generate({
            id,
            prompt: "",
            promptTokens: client.promptTokens,
            maxTokens: 1 + own.integer(50),
            answer: { length: own.integer(40), token: (index) => ` ${index}` },
            pace: { timeToFirstToken: () => own.integer(60), gap: () => own.integer(6) },
            ...(own.uniform() < 0.3 ? { tokensOfStep: () => 1 + own.integer(3) } : {}),
            ...(own.uniform() < 0.2 ? { longestChunk: 1 + own.integer(9) } : {}),
            heldAs: client.heldAs,
            ignoresAbort: client.ignoresAbort,
            alarms: [
              { when: "queued", ring: (control) => client.control = control },
              ...(all && own.uniform() < 0.1
                ? [{
                  when: 1 + own.integer(5),
                  ring: ({ lose }: EngineLoop.RequestControl) => {
                    client.lost = !client.finished
                    client.heldAs = undefined
                    lose()
                  }
                }]
                : [])
            ]
          }),
          (chunk) => Effect.sync(() => client.outputs.push(...chunk))
        ),
        { startImmediately: true }
      )
    })

    const leave = Effect.suspend(() => {
      const staying = Array.from(clients.values()).filter(({ finished, left }) => !left && !finished)
      const client = staying[random.integer(staying.length)]
      if (client === undefined) return Effect.void
      client.left = true
      if (!client.ignoresAbort) client.heldAs = undefined
      return Fiber.interrupt(client.fiber)
    })

    const release = (client: Client) => {
      client.heldAs = undefined
      client.control?.release()
    }

    const holdOrRelease = () => {
      const all = Array.from(clients.values()).filter(({ control, finished, left, lost, rank }) =>
        control !== undefined && !finished && !left && !lost && !hangs.has(rank) && !asleep.has(rank)
      )
      const client = all[chance.integer(all.length)]
      if (client === undefined) return
      if (client.heldAs !== undefined) return release(client)
      client.heldAs = chance.uniform() < 0.5 ? "capacity" : "deferred"
      client.control!.hold(client.heldAs)
    }

    const fault = Effect.gen(function*() {
      const rank = chance.integer(ranks)
      const engine = engines[rank]!
      const kind = chance.integer(faults === "all" ? 5 : 2)
      if (kind === 0) {
        if (hangs.has(rank)) {
          hangs.get(rank)!.goOn()
          hangs.delete(rank)
        } else hangs.set(rank, { goOn: engine.hang(), before: ownSeries(yield* read, rank) })
      } else if (kind === 1 && !hangs.has(rank)) {
        if (asleep.delete(rank)) yield* engine.resume
        else {
          yield* engine.pause("keep")
          asleep.set(rank, ownSeries(yield* read, rank))
        }
      } else if (kind === 2) engine.decode(decodes[rank] = !decodes[rank])
      else if (kind === 3) holdOrRelease()
      else if (kind === 4 && !hangs.has(rank) && !asleep.has(rank)) {
        yield* engine.pause("abort")
        yield* TestClock.adjust(0)
        for (const client of clients.values()) if (client.rank === rank && client.finished) client.heldAs = undefined
        yield* check
        yield* engine.resume
      }
    })

    for (let event = 0; event < 20; event++) {
      if (random.uniform() < 0.7) yield* submit
      else if (leaving) yield* leave
      if (faults !== "none" && chance.uniform() < 0.4) {
        yield* TestClock.adjust(0)
        yield* fault
      }
      yield* TestClock.adjust(1 + random.integer(40))
      yield* check
    }
    for (const { goOn } of hangs.values()) goOn()
    hangs.clear()
    asleep.clear()
    for (const engine of engines) {
      yield* engine.resume
      engine.decode(true)
    }
    yield* TestClock.adjust(0)
    for (const client of clients.values()) if (client.heldAs !== undefined && !client.lost) release(client)
    yield* TestClock.adjust("1 hour")
    yield* check
    for (const { finished, id, left, lost, outputs } of clients.values()) {
      if (!left && !lost) assert.strictEqual(outputs.filter(({ finishReason }) => finishReason !== undefined).length, 1)
      if (!left && !lost) assert.isTrue(finished, `${id} is stuck`)
    }
    const scrape = yield* read
    for (const name of ["num_requests_running", "num_requests_waiting", "kv_cache_usage_perc"]) {
      for (const engine of engines.keys()) assert.strictEqual(scrape.value(`vllm:${name}`, { engine: `${engine}` }), 0)
    }
    return { clients: Array.from(clients.values()), scrape }
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

const drawn = {
  seed: Schema.Int,
  ranks: Schema.Literals([1, 2, 3]),
  maxConcurrentRequests: Schema.Literals([1, 3]),
  streamInterval: Schema.Literals([1, 4]),
  maxNumBatchedTokens: Schema.Literals([7, 8192]),
  kvCacheTokens: Schema.Literals([96, 160, 100_000])
}

describe("Metrics: laws", () => {
  it.effect.prop(
    "conserve tokens and requests on any schedule of requests and clients that leave",
    drawn,
    (settings) => Effect.asVoid(runAll({ ...settings, leaving: true, faults: "none" })),
    { arbitrary: { runs: 20 } }
  )

  it.effect.prop(
    "conserve them in all faults, and nothing moves of an engine that hangs or is frozen",
    drawn,
    (settings) => Effect.asVoid(runAll({ ...settings, leaving: true, faults: "all" })),
    { arbitrary: { runs: 40 } }
  )

  it.effect.prop(
    "come out the same after hangs and sleeps as without: the same outputs, the same totals",
    drawn,
    (settings) =>
      Effect.gen(function*() {
        const calm = yield* runAll({ ...settings, leaving: false, faults: "none" })
        const frozen = yield* runAll({ ...settings, leaving: false, faults: "freezes" })
        const tokens = ({ outputs }: Client) => outputs.flatMap((output) => output.tokens).join("")
        const reason = ({ outputs }: Client) => outputs.at(-1)!.finishReason
        assert.deepStrictEqual(frozen.clients.map(tokens), calm.clients.map(tokens))
        assert.deepStrictEqual(frozen.clients.map(reason), calm.clients.map(reason))
        for (const name of ["generation_tokens_total", "prompt_tokens_total", "request_success_total"]) {
          for (let rank = 0; rank < settings.ranks; rank++) {
            assert.strictEqual(totalOf(frozen.scrape, name, `${rank}`), totalOf(calm.scrape, name, `${rank}`))
          }
        }
      }),
    { arbitrary: { runs: 8 } }
  )
})
