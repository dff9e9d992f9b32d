/**
 * The simulator bench as its users start it, at sizes that take a moment; and what it is made of.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import { rssRatio, streamsCell, streamsRatios } from "../../bench/simulator/Results.ts"
import { countText } from "../../bench/support/countText.ts"
import { requireOpenFiles } from "../../bench/support/openFiles.ts"
import { quantile } from "../../bench/support/statistics.ts"
import { run, start } from "../support/command.ts"

const script = fileURLToPath(new URL("../../bench/main.ts", import.meta.url))
const bench = (...options: ReadonlyArray<string>) => run(["simulator", ...options], { script })

const Server = Schema.Literals(["ours", "ours+comments", "bare", "joined"])
const Spread = Schema.Struct({ median: Schema.Finite, p99: Schema.Finite })
const Streams = {
  cells: Schema.Array(Schema.Struct({
    server: Server,
    runs: Schema.Int,
    tokensPerSecond: Schema.Finite,
    cpuMicrosPerToken: Schema.Finite,
    cpuMicrosPerWrite: Schema.Finite,
    clientCpuMicrosPerToken: Schema.Finite,
    tokensPerWrite: Schema.Finite,
    firstByteMillis: Spread,
    firstTokenMillis: Spread
  })),
  ratios: Schema.Array(
    Schema.Struct({
      to: Server,
      tokensPerSecond: Schema.Finite,
      cpuPerToken: Schema.Finite,
      cpuPerWrite: Schema.Finite
    })
  )
}
const Output = Schema.Struct({
  bench: Schema.Literal("simulator"),
  node: Schema.String,
  processors: Schema.Int,
  parts: Schema.Array(Schema.String),
  streams: Schema.Int,
  tokens: Schema.Int,
  gap: Schema.Finite,
  repeats: Schema.Int,
  idleStreams: Schema.Int,
  idleSeconds: Schema.Finite,
  flatOut: Schema.Struct(Streams),
  paced: Schema.Struct({ offeredTokensPerSecond: Schema.Finite, ...Streams }),
  idle: Schema.Struct({
    cells: Schema.Array(Schema.Struct({
      server: Server,
      openMillis: Schema.Finite,
      rssBytesPerStream: Schema.Finite,
      idleCpuShare: Schema.Finite,
      served: Schema.Int,
      goneMillis: Schema.Finite
    })),
    rssPerStream: Schema.NullOr(Schema.Finite)
  })
})
const decodeOutput = Schema.decodeUnknownEffect(Schema.fromJsonString(Output), { onExcessProperty: "error" })

const small = ["--streams", "4", "--tokens", "30", "--repeats", "1", "--idle-streams", "8", "--idle-seconds", "0.2"]

describe("simulator bench", () => {
  it.live("compares the servers, prints one JSON object and leaves no process behind", () =>
    Effect.gen(function*() {
      const running = yield* start(["simulator", ...small, "--json"], { script })
      assert.strictEqual(yield* running.exit, 0, running.stderr())
      const { flatOut, idle, paced } = yield* decodeOutput(running.stdout())
      assert.deepStrictEqual(flatOut.cells.map(({ server }) => server), ["ours", "bare", "joined"])
      assert.deepStrictEqual(flatOut.ratios.map(({ to }) => to), ["bare", "joined"])
      const [, bare, joined] = flatOut.cells
      assert.deepStrictEqual([bare!.tokensPerWrite, joined!.tokensPerWrite], [1, 30])
      assert.deepStrictEqual(paced.cells.map(({ server }) => server), ["ours", "bare"])
      assert.strictEqual(paced.offeredTokensPerSecond, 1000)
      for (const { tokensPerSecond } of paced.cells) assert.isBelow(tokensPerSecond, 2000)
      assert.deepStrictEqual(idle.cells.map(({ served, server }) => [server, served]), [
        ["ours", 8],
        ["ours+comments", 8],
        ["bare", 8]
      ])
      assert.isFalse(running.anyLeft())
    }).pipe(Effect.scoped), 60_000)

  it.live("explains what it does not understand, and measures only what it is asked for", () =>
    Effect.gen(function*() {
      const wrong = yield* bench("--parts", "flat-out,nothing")
      assert.deepStrictEqual([wrong.code, wrong.stdout], [2, ""])
      assert.match(wrong.stderr, /parts are names out of flat-out, paced, idle/)
      const flatOut = yield* bench(...small, "--parts", "flat-out")
      assert.strictEqual(flatOut.code, 0, flatOut.stderr)
      assert.match(flatOut.stdout, /^Flat out\n.*\n +ours +1 /)
      assert.notMatch(flatOut.stdout, /Paced|Idle/)
    }), 60_000)

  it.effect("says so when too few files may be open", () =>
    Effect.gen(function*() {
      yield* requireOpenFiles(2000, 2064)
      const { exitCode, message } = yield* Effect.flip(requireOpenFiles(2000, 1024))
      assert.strictEqual(exitCode, 1)
      assert.match(message, /2000 streams need 2064 open files.*limit is 1024.*ulimit -n 2064/)
    }))

  it("counts a text wherever the pieces are cut", () => {
    const whole = Buffer.from("data: 1\n\ndata: data:\n\ndata:  3")
    for (let size = 1; size <= whole.length; size++) {
      const count = countText("data: ")
      let counted = 0
      for (let at = 0; at < whole.length; at += size) counted += count(whole.subarray(at, at + size))
      assert.strictEqual(counted, 3, `pieces of ${size}`)
    }
  })

  it("takes medians and ratios", () => {
    const reception = (wallMillis: number) => ({
      wallMillis,
      tokens: 1000,
      writes: 500,
      firstByteMillis: { median: 1, p99: 2 },
      firstTokenMillis: { median: 3, p99: 4 }
    })
    const cell = (server: "ours" | "bare", cpu: number) =>
      streamsCell(
        server,
        [100, 900, 200].map((wall) => ({ reception: reception(wall), serverCpuMicros: cpu, clientCpuMicros: 10 }))
      )
    const cells = [cell("ours", 6000), cell("bare", 2000)]
    assert.deepStrictEqual(
      [cells[0]!.tokensPerSecond, cells[0]!.cpuMicrosPerToken, cells[0]!.cpuMicrosPerWrite, cells[0]!.tokensPerWrite],
      [5000, 6, 12, 2]
    )
    assert.deepStrictEqual(streamsRatios(cells), [{ to: "bare", tokensPerSecond: 1, cpuPerToken: 3, cpuPerWrite: 3 }])
    assert.strictEqual(quantile(Array.from({ length: 200 }, (_, index) => index + 1), 0.99), 198)
    const idle = (server: "ours" | "bare", rssBytesPerStream: number) => ({
      server,
      openMillis: 1,
      rssBytesPerStream,
      idleCpuShare: 0,
      served: 1,
      goneMillis: 1
    })
    assert.strictEqual(rssRatio([idle("ours", 60), idle("bare", 20)]), 3)
    assert.isNull(rssRatio([idle("ours", 60), idle("bare", -1)]))
  })
})
