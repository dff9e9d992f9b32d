/** Evidence from an engine's address, over real sockets in virtual time: what is asked, when, and what is told of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as ScrapedEvidence from "../../src/engine/ScrapedEvidence.ts"
import { EngineEvidence } from "../../src/liveness/EngineEvidence.ts"
import type { Health, Scrape } from "../../src/liveness/LivenessInput.ts"
import { eventually, pass } from "../simulator/faults/virtualTime.ts"
import { type Script, scriptedServer } from "../support/scriptedServer.ts"

const metrics = `# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 2
vllm:num_requests_waiting{engine="0"} 1
process_start_time_seconds 1700000000
`

const well: Script = (response, { path }) => {
  response.end(path === "/metrics" ? metrics : "")
}

/** Only of the metrics; health is well. */
const onMetrics = (script: (response: Parameters<Script>[0]) => void): Script => (response, { path }) => {
  if (path === "/metrics") script(response)
  else response.end()
}

type Told = Array<Scrape | Health>

const scrapesOf = (told: Told) => told.filter((input) => input._tag === "Scrape")
const outcomesOf = (told: Told) =>
  scrapesOf(told).map(({ outcome }) => typeof outcome === "string" ? outcome : "sample")

/** The source at an address, and a way to follow it. */
const source = (url: string, options: Partial<ScrapedEvidence.ScrapedEvidenceOptions> = {}) =>
  Effect.gen(function*() {
    const evidence = Context.get(
      yield* Layer.build(ScrapedEvidence.layer({ baseUrl: `${url}/v1`, ...options })),
      EngineEvidence
    )
    return Effect.gen(function*() {
      const told: Told = []
      const doubt = { isSuspect: false, lastTokenAt: -Infinity }
      const scope = yield* Scope.make()
      const link = yield* Scope.provide(
        evidence.follow({
          tell: (input) => told.push(input),
          isSuspect: () => doubt.isSuspect,
          lastTokenAt: () => doubt.lastTokenAt
        }),
        scope
      )
      return { told, doubt, link, leave: Scope.close(scope, Exit.void) }
    })
  })

/** Until so many scrapes have been told, while virtual time stands still. */
const scraped = (told: Told, count: number) =>
  eventually(Effect.sync(() => outcomesOf(told)), (outcomes) => outcomes.length >= count)

describe("ScrapedEvidence", () => {
  it.effect("tells what the metrics and the health say, at once and then every five seconds", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      const { told } = yield* follow
      yield* scraped(told, 1)
      assert.deepStrictEqual(told[0], { _tag: "Health", at: 0, status: 200 })
      const scrape = scrapesOf(told)[0]!
      assert.deepInclude(scrape, { at: 0, askedAt: 0, openStreams: 0, modelServed: null })
      assert.deepInclude(scrape.outcome, { engine: "0", running: 2, waiting: 1, startedAtSeconds: 1_700_000_000 })
      yield* pass(4.9, 0.1)
      assert.lengthOf(scrapesOf(told), 1)
      yield* pass(0.1)
      yield* scraped(told, 2)
      yield* pass(50)
      assert.deepStrictEqual(scrapesOf(told).slice(0, 3).map(({ askedAt }) => askedAt), [0, 5000, 10_000])
      assert.lengthOf(scrapesOf(told), 12)
      assert.deepStrictEqual(
        Array.from(new Set(server.requests.map(({ path }) => path))).toSorted(),
        ["/health", "/metrics"]
      )
    }).pipe(Effect.scoped))

  it.effect("tells that nobody listens", () =>
    Effect.gen(function*() {
      const url = yield* Effect.scoped(Effect.map(scriptedServer(well), (server) => server.url))
      const { told } = yield* yield* source(url)
      yield* scraped(told, 1)
      assert.deepStrictEqual(told.map(({ _tag }) => _tag), ["Scrape"])
      assert.deepStrictEqual(outcomesOf(told), ["refused"])
    }).pipe(Effect.scoped))

  const failures: ReadonlyArray<readonly [string, Script]> = [
    ["a 500", onMetrics((response) => void response.writeHead(500).end(metrics))],
    ["another success", onMetrics((response) => void response.writeHead(202).end(metrics))],
    ["what is no metrics", onMetrics((response) => void response.end("<html>\n"))],
    [
      "a line cut in the middle",
      onMetrics((response) => void response.end(metrics + "vllm:num_requests_waiting{engi"))
    ],
    ["metrics of nothing", onMetrics((response) => void response.end(""))],
    ["several engines", onMetrics((response) => void response.end(metrics + metrics.replaceAll("\"0\"", "\"1\"")))],
    ["a broken connection", onMetrics((response) => void response.destroy())],
    [
      "a body that breaks off",
      onMetrics((response) => {
        response.writeHead(200, { "content-length": 1000 })
        response.write(metrics, () => response.destroy())
      })
    ]
  ]
  for (const [what, script] of failures) {
    it.effect(`tells ${what} as failed`, () =>
      Effect.gen(function*() {
        const server = yield* scriptedServer(script)
        const { told } = yield* yield* source(server.url)
        yield* scraped(told, 1)
        assert.deepStrictEqual(outcomesOf(told), ["failed"])
        assert.strictEqual(told[0]?._tag, "Health")
        yield* pass(5)
        yield* scraped(told, 2)
      }).pipe(Effect.scoped))
  }

  it.effect("reads the engine that serves us, where there are several", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(
        onMetrics((response) => void response.end(metrics + metrics.replaceAll("\"0\"", "\"1\"")))
      )
      const { told } = yield* yield* source(server.url, { engine: "1" })
      yield* scraped(told, 1)
      assert.deepInclude(scrapesOf(told)[0]!.outcome, { engine: "1" })
    }).pipe(Effect.scoped))

  const slow: ReadonlyArray<readonly [string, Script]> = [
    ["headers", () => {}],
    ["a body", (response) => void response.writeHead(200).write(metrics)]
  ]
  for (const [what, script] of slow) {
    it.effect(`waits four seconds for ${what}, and closes the connection`, () =>
      Effect.gen(function*() {
        const server = yield* scriptedServer(onMetrics(script as (response: Parameters<Script>[0]) => void))
        const { told } = yield* yield* source(server.url)
        yield* eventually(Effect.sync(() => server.requests.length), (count) => count === 2)
        yield* pass(3.9, 0.1)
        assert.lengthOf(scrapesOf(told), 0)
        assert.strictEqual(server.closedByClient(), 0)
        yield* pass(0.1)
        yield* scraped(told, 1)
        assert.deepStrictEqual(outcomesOf(told), ["failed"])
        assert.deepInclude(scrapesOf(told)[0], { askedAt: 0, at: 4000 })
        yield* eventually(Effect.sync(server.closedByClient), (count) => count === 1)
      }).pipe(Effect.scoped))
  }

  it.effect("leaves no connection behind that sends a body nobody wants", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer((response, { path }) => {
        response.writeHead(path === "/metrics" ? 500 : 200)
        const send = () => {
          while (response.write("x".repeat(65_536)));
        }
        response.on("drain", send)
        send()
      })
      const { told } = yield* yield* source(server.url)
      yield* scraped(told, 1)
      yield* eventually(Effect.sync(server.closedByClient), (count) => count === 2)
    }).pipe(Effect.scoped))

  it.effect("survives a health whose body breaks off", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer((response, { path }) => {
        if (path === "/metrics") return void response.end(metrics)
        // The headers and what is no chunk are read at once, so the body is broken before anybody looks at it.
        response.socket?.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnonsense\r\n")
      })
      const { told } = yield* yield* source(server.url)
      yield* pass(50)
      yield* scraped(told, 10)
      assert.notInclude(outcomesOf(told), "failed")
    }).pipe(Effect.scoped))

  it.effect("refuses a body that does not end", () =>
    Effect.gen(function*() {
      const comment = `#${"x".repeat(1_000_000)}\n`
      const server = yield* scriptedServer(onMetrics((response) => {
        response.write(metrics)
        const send = () => {
          while (response.write(comment));
        }
        response.on("drain", send)
        send()
      }))
      const { told } = yield* yield* source(server.url)
      // Virtual time stands still, so this is not its patience.
      yield* scraped(told, 1)
      assert.deepStrictEqual(outcomesOf(told), ["failed"])
      yield* eventually(Effect.sync(server.closedByClient), (count) => count === 1)
    }).pipe(Effect.scoped))

  it.effect("asks nothing while nobody follows", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      yield* pass(20)
      assert.lengthOf(server.requests, 0)
      const { leave, told } = yield* follow
      yield* scraped(told, 1)
      yield* leave
      yield* pass(60)
      assert.lengthOf(server.requests, 2)
      assert.lengthOf(scrapesOf(told), 1)
      const again = yield* follow
      yield* scraped(again.told, 1)
      assert.lengthOf(server.requests, 4)
    }).pipe(Effect.scoped))

  it.effect("asks once for all who follow", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      const all = yield* Effect.all(Array.from({ length: 50 }, () => follow))
      yield* scraped(all[49]!.told, 1)
      yield* pass(5)
      yield* scraped(all[49]!.told, 2)
      assert.lengthOf(server.requests, 4)
      for (const { told } of all) assert.deepStrictEqual(told, all[0]!.told)
    }).pipe(Effect.scoped))

  it.effect("asks every two seconds while one is in doubt", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      const { told } = yield* follow
      const { doubt } = yield* follow
      doubt.isSuspect = true
      yield* scraped(told, 1)
      yield* pass(10, 0.5)
      doubt.isSuspect = false
      yield* pass(14, 0.5)
      const asked = scrapesOf(told).map(({ askedAt }) => askedAt)
      assert.deepStrictEqual(asked, [0, 2000, 4000, 6000, 8000, 10_000, 12_000, 17_000, 22_000])
    }).pipe(Effect.scoped))

  it.effect("counts the streams that have begun and not ended", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      const one = yield* follow
      const other = yield* follow
      const counts: Array<number | null> = []
      const next = Effect.gen(function*() {
        const before = scrapesOf(one.told).length
        if (counts.length > 0) yield* pass(5)
        yield* scraped(one.told, counts.length > 0 ? before + 1 : 1)
        counts.push(scrapesOf(one.told).at(-1)!.openStreams)
      })
      yield* next
      one.link.begun()
      yield* next
      other.link.begun()
      yield* next
      one.link.ended({ binding: "unproven", longestStepMillis: 0 })
      yield* next
      // Gone without a word.
      yield* other.leave
      yield* next
      assert.deepStrictEqual(counts, [0, 1, 2, 1, 0])
    }).pipe(Effect.scoped))

  it.effect("keeps what runs found for the next: refuted stays refuted, the longest step is the longest", () =>
    Effect.gen(function*() {
      const server = yield* scriptedServer(well)
      const follow = yield* source(server.url)
      const known = []
      for (
        const found of [
          { binding: "unproven", longestStepMillis: 5 },
          { binding: "proven", longestStepMillis: 900 },
          { binding: "unproven", longestStepMillis: 20 },
          { binding: "refuted", longestStepMillis: 0 },
          { binding: "proven", longestStepMillis: 901 },
          { binding: "unproven", longestStepMillis: 0 }
        ] as const
      ) {
        const { leave, link } = yield* follow
        known.push(link.known)
        link.ended(found)
        yield* leave
      }
      assert.deepStrictEqual(known, [
        { binding: "unproven", longestStepMillis: 0 },
        { binding: "unproven", longestStepMillis: 5 },
        { binding: "proven", longestStepMillis: 900 },
        { binding: "proven", longestStepMillis: 900 },
        { binding: "refuted", longestStepMillis: 900 },
        { binding: "refuted", longestStepMillis: 901 }
      ])
    }).pipe(Effect.scoped))

  it.effect("says who is missing only where as many are silent as the engine holds too few", () =>
    Effect.gen(function*() {
      let running = 3
      const server = yield* scriptedServer(
        onMetrics((response) =>
          response.end(`vllm:num_requests_running{engine="0"} ${running}\nvllm:num_requests_waiting{engine="0"} 0\n`)
        )
      )
      const follow = yield* source(server.url)
      const runs = [yield* follow, yield* follow, yield* follow] as const
      yield* scraped(runs[0].told, 1)
      for (const { link } of runs) link.begun()
      /** Five seconds in which these have said something, and who is told to be missing after them. */
      const next = (...speaking: ReadonlyArray<0 | 1 | 2>) =>
        Effect.gen(function*() {
          const before = scrapesOf(runs[0].told).length
          for (const index of speaking) {
            runs[index].doubt.lastTokenAt = Number(yield* Clock.monotonicTimeNanos) / 1e6 + 4000
          }
          yield* pass(5)
          yield* scraped(runs[0].told, before + 1)
          return runs.map(({ told }) => scrapesOf(told).at(-1)!.isMissing)
        })
      assert.deepStrictEqual(yield* next(0, 1, 2), [undefined, undefined, undefined])
      running = 2
      // Nobody has had the time to say anything since.
      assert.deepStrictEqual(yield* next(0, 1, 2), [false, false, false])
      // Two are silent, and one is gone: it may be either.
      assert.deepStrictEqual(yield* next(0), [false, false, false])
      assert.deepStrictEqual(yield* next(0), [false, false, false])
      // The second one is alive, whatever it does later.
      assert.deepStrictEqual(yield* next(1), [false, false, true])
      assert.deepStrictEqual(yield* next(), [false, false, true])
      // Another one is gone, and it is known which two are silent only when both have been for a while.
      running = 1
      assert.deepStrictEqual(yield* next(1), [false, false, false])
      assert.deepStrictEqual(yield* next(1), [false, false, false])
      assert.deepStrictEqual(yield* next(1), [true, false, true])
      running = 3
      assert.deepStrictEqual(yield* next(), [undefined, undefined, undefined])
    }).pipe(Effect.scoped))

  it.effect("remembers who has spoken while one that has not begun stands in for one that is gone", () =>
    Effect.gen(function*() {
      let running = 1
      const server = yield* scriptedServer(
        onMetrics((response) =>
          response.end(`vllm:num_requests_running{engine="0"} ${running}\nvllm:num_requests_waiting{engine="0"} 0\n`)
        )
      )
      const follow = yield* source(server.url)
      const [one, other] = [yield* follow, yield* follow]
      yield* scraped(one.told, 1)
      one.link.begun()
      other.link.begun()
      const next = Effect.gen(function*() {
        const before = scrapesOf(one.told).length
        yield* pass(5)
        yield* scraped(one.told, before + 1)
        return scrapesOf(one.told).at(-1)!.isMissing
      })
      assert.isFalse(yield* next)
      other.doubt.lastTokenAt = 9000
      assert.isTrue(yield* next)
      running = 2
      const third = yield* follow
      assert.isUndefined(yield* next)
      third.link.begun()
      third.doubt.lastTokenAt = 19_000
      assert.isTrue(yield* next)
    }).pipe(Effect.scoped))
})
